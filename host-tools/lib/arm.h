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

/* One of many; arming.variant is as *variant above. */
struct arm_order {
	const struct cluster_object *host;
	struct state_arming arming;
	int ret;
	char why[ARM_WHY_MAX];
};

/* The same for many at once, who wait for the disk once. With `stop` none behind the first that would
 * be refused is armed: their ret is -ECANCELED. While the state is changed a server waits: some
 * hundreds at a time. */
void arm_nodes(const char *state_dir, const struct cluster *c, struct state *state,
	       struct arm_order *orders, size_t count, bool stop);
/* Whether it is one for the end of a machine's life, which is not armed unless arming->may_erase. */
bool arm_erases(const struct cluster_object *installer);
/* "; its installation is under way (extrbase, heard of 3s ago)" and what becomes of it, where it is
 * alive or silent; "" where there is none. */
void arm_under_way(const struct state_node *n, const char *alive, const char *silent, char *buf,
		   size_t len);
/* Boots it from its disk. 0 or -errno (logged). */
int disarm_node(const char *state_dir, const struct cluster *c, struct state *state,
		const struct cluster_object *host);

#endif
