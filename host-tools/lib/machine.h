/* Machines as `lucie discover` and `lucie inventory` show them. Everything in them is what they say
 * of themselves. */
#ifndef LUCIE_MACHINE_H
#define LUCIE_MACHINE_H

#include <jansson.h>

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/state.h"

struct machine {
	char mac[MAC_TEXT];
	char node[64]; /* "": no host */
	int64_t first, seen;
	json_t *inventory; /* object */
};

/* In order of appearance. */
struct machines {
	struct machine *list;
	size_t count;
};

/* Of one node ("": of no host), or with NULL all. 0 or -errno (logged). */
int machines_read(struct machines *all, struct state *state, const char *node);
void machines_free(struct machines *all);
/* Drops those that a host of the definition is by now: they wait for their plan, not for a name. */
void machines_drop_named(struct machines *all, const struct cluster *c);
/* Leaves those of a list of addresses with commas, in its order. -EINVAL or -ENOENT (logged). */
int machines_pick(struct machines *all, const char *macs);

/* A number of an inventory; 0 where it does not say. */
uint64_t machine_number(const struct machine *m, const char *key);
/* "Vendor Product, serial X", not made printable; "" . */
void machine_words(const struct machine *m, char *buf, size_t len);
/* A line for each disk and each network card, of at most so many columns. What is cut off is what
 * matters least. */
void machine_print_parts(const struct machine *m, size_t columns);
/* A new object with all of it; NULL without memory. */
json_t *machine_json(const struct machine *m);

#endif
