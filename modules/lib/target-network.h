/* The network of the installed system, written for ifupdown or systemd-networkd, whichever the base
 * has: the card that the node boots from, and the links of its plan (link.h). */
#ifndef LUCIE_TARGET_NETWORK_H
#define LUCIE_TARGET_NETWORK_H

#include "init/lib/plan-format.h"

/* Of configure's section. Logs; -errno. */
int target_network(const char *target, const struct plan_section *section);
/* 255.255.255.0 -> 24; -EINVAL for anything with a gap. */
int target_prefix_length(const char *netmask);

#endif
