/* Asks the modules themselves what they think of the plans that a definition leads to. */
#ifndef LUCIE_PLAN_CHECK_H
#define LUCIE_PLAN_CHECK_H

#include "host-tools/lib/cluster.h"

/* Makes the plan of every host that no error of the definition touches, with placeholders where a
 * blob belongs, and runs the checks of the modules in it. The same complaint of several hosts is
 * reported for the first. Returns the number of errors. */
int plan_check(const struct cluster *c, cluster_error_fn *error, void *arg);

#endif
