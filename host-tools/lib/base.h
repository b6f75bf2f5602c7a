/* Base systems: the tar files that nodes start from, as blobs in STATE/bases. */
#ifndef LUCIE_BASE_H
#define LUCIE_BASE_H

#include "host-tools/lib/cluster.h"

/* Takes a tar made elsewhere, as it is: read to its end once, refused if a small node could not
 * unpack it. 1: new, 0: it is there already, -errno (logged). */
int base_add(const char *state_dir, const char *name, const char *file);
/* Makes one with mmdebstrap as the definition says; takes minutes, says how far it is on stdout.
 * Logs; 0 or -errno. */
int base_build(const char *state_dir, const struct cluster_object *base);
/* Prints a line for each base of the definition, and for each that lies there and that it does not
 * name. 0 or -errno (logged). */
int base_list(const struct cluster *c, const char *state_dir);
/* Removes one that the definition does not name; nodes under way can still fetch it for a day. Logs;
 * 0 or -errno. */
int base_remove(const struct cluster *c, const char *state_dir, const char *name);

#endif
