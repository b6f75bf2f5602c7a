/* Arming of nodes, the same for the verbs and for the board in a browser: what a node does at its
 * next boot, in the state and in its boot file. */
#ifndef LUCIE_ARM_H
#define LUCIE_ARM_H

#include <stdbool.h>
#include <stddef.h>

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/state.h"

#define ARM_WHY_MAX 512

/* Installs the host at its next boot; variant NULL: its own installer, else *variant is set to
 * that one's name. What would be refused when the node asks for its plan is refused here, where
 * somebody sees it, and where its boot file cannot be made it is not armed. 0 or -errno with why;
 * the definition is not to change meanwhile. */
int arm_node(const char *state_dir, const struct cluster *c, struct state *state,
	     const struct cluster_object *host, const char **variant, bool wipe,
	     char why[ARM_WHY_MAX]);
/* The same with all that an arming can say; arming->variant is as *variant above. */
int arm_node_as(const char *state_dir, const struct cluster *c, struct state *state,
		const struct cluster_object *host, struct state_arming *arming,
		char why[ARM_WHY_MAX]);
/* Whether it is one for the end of a machine's life, which is not armed unless arming->may_erase. */
bool arm_erases(const struct cluster_object *installer);
/* Boots it from its disk. 0 or -errno (logged). */
int disarm_node(const char *state_dir, const struct cluster *c, struct state *state,
		const struct cluster_object *host);

#endif
