/* What a node is known by: its machine-id and its ssh host keys. A base has those of the machine
 * that it was made on, so they are never taken over from it: they come back from the server, where
 * this node had an installation before, or are made now. */
#ifndef LUCIE_TARGET_IDENTITY_H
#define LUCIE_TARGET_IDENTITY_H

#include <stdbool.h>

#include "init/lib/plan-format.h"

struct target_identity {
	const char *target;
	const struct plan *plan;
	const struct plan_section *section; /* of configure: identity_key, keep_machine_id */
	bool fresh;			    /* this installation has unpacked the base */
};

/* Both work again and come to the same end. Log; -errno. */
int target_machine_id(const struct target_identity *t);
int target_host_keys(const struct target_identity *t);
/* Tells the server, sealed; that it could not is a warning and no failure. */
void target_identity_report(const struct target_identity *t);

#endif
