/* A network interface of the installed system besides the one that the node boots from: a card, a
 * bond of cards, or a VLAN. One `link` line of the plan's section for configure
 * (docs/plan-format.md). Pure. */
#ifndef LUCIE_LINK_H
#define LUCIE_LINK_H

#include "init/lib/plan-format.h"
#include "init/lib/str.h"

#define LINKS_MAX      16
#define LINK_NAME      16 /* IFNAMSIZ */
#define LINK_PARTS_MAX 8
#define LINK_BOOT      "boot" /* in a bond, or below a VLAN: the card that the node boots from */

struct link {
	char name[LINK_NAME];
	char mac[MAC_TEXT];		       /* "": known by its name */
	char address[20];		       /* with its prefix: "10.1.0.1/16"; "" */
	char gateway[16];		       /* "" */
	unsigned int mtu, vlan;		       /* 0: none */
	char parent[LINK_NAME];		       /* of a VLAN */
	char parts[LINK_PARTS_MAX][LINK_NAME]; /* of a bond */
	size_t part_count;
	char mode[16]; /* of a bond */
};

struct links {
	struct link list[LINKS_MAX];
	size_t count;
};

/* "NAME KEY=VALUE...". -EINVAL. */
int link_parse(struct link *l, const char *text);
/* All of a section (NULL: none). -EINVAL, -E2BIG; *wrong is the line then. */
int links_parse(struct links *all, const struct plan_section *section, const char **wrong);
/* The bond that has this part, the card's name or "boot"; NULL. */
const struct link *links_bond_of(const struct links *all, const char *part);
/* True if a bond or VLAN is made of it. */
bool links_use(const struct links *all, const char *part);

#endif
