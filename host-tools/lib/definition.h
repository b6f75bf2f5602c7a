/* The definition as a command meets it: a file named by the administrator or found, its errors on
 * stderr. */
#ifndef LUCIE_DEFINITION_H
#define LUCIE_DEFINITION_H

#include "host-tools/lib/cluster.h"

/* "cluster.conf" where there is one in the current folder, else "/etc/lucie/cluster.conf". */
const char *definition_default_path(void);
/* cluster_load(), then every host's plan is made and given to the modules' own checks. Prints the
 * errors, and how many there are. Returns their number; 1 where the file cannot be read. *out may
 * be NULL then. */
int definition_load(struct cluster **out, const char *path);

#endif
