/* What a machine says of itself in its plan request (docs/plan-format.md), taken over in a form
 * that can be kept and shown: known keys only, clean text, bounded. Pure. */
#ifndef LUCIE_HOST_INVENTORY_H
#define LUCIE_HOST_INVENTORY_H

#include <stddef.h>

#include "init/lib/str.h"

#define INVENTORY_ITEMS_MAX 64 /* disks, and network cards */

/* Appends the compact JSON object of the inventory in the body of a plan request. -EINVAL: it has
 * none that is an object. */
int inventory_clean(struct strbuf *out, const char *body, size_t len);

#endif
