/* Names for machines that wait to be named: the text to put into the definition (lucie discover
 * --name). */
#ifndef LUCIE_NAMING_H
#define LUCIE_NAMING_H

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/machine.h"

struct naming {
	const char *pattern; /* host names: cnode[08-15] */
	const char *use;     /* a template; NULL: none */
	const char *address; /* the first one; NULL: the one after the highest of the network */
};

/* Appends a `define host{` for each machine that gets a name, in order of appearance, and says how
 * many those are. Names and addresses are none that the definition has. 0 or -errno (logged). */
int naming_write(struct strbuf *out, const struct cluster *c, const struct naming *naming,
		 const struct machines *machines, size_t *named);

#endif
