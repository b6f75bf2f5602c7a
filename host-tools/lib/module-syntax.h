/* Whether the site's shell modules can be read by a shell at all. */
#ifndef LUCIE_MODULE_SYNTAX_H
#define LUCIE_MODULE_SYNTAX_H

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/modules.h"

/* Has `sh -n` read each, which runs none of it. Calls error with "PATH:LINE: what it says" for those
 * that it cannot read; returns how many. */
int module_syntax_check(const struct modules *m, cluster_error_fn *error, void *arg);

#endif
