/* The card for the data of rings (L39): brought up in the installer, besides the one that it booted
 * from. A `card` line of the plan's section for dolly (docs/plan-format.md). */
#ifndef LUCIE_CARD_H
#define LUCIE_CARD_H

#include <netinet/in.h>
#include <stdbool.h>

#include "init/lib/str.h"

struct card {
	char name[16]; /* "": the one with the address below */
	char mac[MAC_TEXT];
	struct in_addr address, netmask;
	unsigned int mtu; /* 0: the driver's */
};

/* "NAME|MAC ADDRESS/PREFIX [MTU]". -EINVAL. */
int card_parse(struct card *c, const char *text);
/* Gives it its address and switches it on. It may have them already. Logs; -errno (-ENODEV: there
 * is no such card). */
int card_up(const struct card *c);

#endif
