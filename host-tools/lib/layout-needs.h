/* What the installed system needs for the devices of its layout: packages that bring their tools, in
 * the base or by the plan's own packages. Without them the node would be installed, and not start. */
#ifndef LUCIE_LAYOUT_NEEDS_H
#define LUCIE_LAYOUT_NEEDS_H

#include <stdbool.h>

#include "init/lib/plan-format.h"

struct layout_need {
	const char *package, *more; /* more: one that depends on it; NULL */
	const char *program;	    /* of the package: a path below / or /usr */
};

/* NULL, or the first need that neither the base meets nor the plan's packages; NULL also where the
 * plan unpacks no base. has: whether the base meets it. */
const struct layout_need *layout_need_unmet(const struct plan *plan,
					    bool (*has)(const struct layout_need *need,
							const void *arg),
					    const void *arg);

/* Whether a base's listing (modules/lib/listing.h), as text, has the program. */
bool layout_need_is_listed(const struct layout_need *need, const char *listing);

#endif
