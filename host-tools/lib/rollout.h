/* An installation of many nodes from arming to their ends: switches them on where that is wanted,
 * begins with the next ones when earlier ones have ended, and says what becomes of each. All it
 * knows it reads from the state, so it can be interrupted and nothing is lost: nodes that were
 * begun go on, the others were never armed. */
#ifndef LUCIE_ROLLOUT_H
#define LUCIE_ROLLOUT_H

#include "host-tools/lib/site.h"

#define ROLLOUT_SILENCE 1800 /* seconds */

struct rollout_order {
	const struct site *site;
	struct state_arming arming; /* variant NULL: the host's own installer */
	bool power;		    /* pxe, then cycle */
	bool wait;		    /* until they have ended */
	bool keep_going;	    /* also when one failed */
	unsigned int at_once;	    /* 0: all of them */
	/* A node that was not heard of for so long has failed; one that holds is heard of. */
	unsigned int silence;
};

/* Prints a line for each thing that happens. 0: all is well; 1: not, it was said. */
int rollout_run(const struct rollout_order *order, char *const *names, size_t count);

#endif
