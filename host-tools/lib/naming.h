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

struct naming_count {
	size_t names, named; /* that the pattern stands for; that a machine got */
};

/* Appends a `define host{` for each machine that gets a name, in their order, and to `missing` the
 * names that no machine is there for. Names and addresses are none that the definition has. 0 or
 * -errno (logged). */
int naming_write(struct strbuf *out, const struct cluster *c, const struct naming *naming,
		 const struct machines *machines, struct naming_count *count,
		 struct strbuf *missing);

#endif
