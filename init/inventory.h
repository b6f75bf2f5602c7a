/* What the plan request tells the server about this machine (docs/plan-format.md): memory,
 * processors, disks, network cards, and what the firmware calls it. */
#ifndef LUCIE_INVENTORY_H
#define LUCIE_INVENTORY_H

#include <jansson.h>

/* A new reference; NULL without memory. */
json_t *inventory(void);

#endif
