/* The clock of the installed system: where its time comes from. */
#ifndef LUCIE_TARGET_CLOCK_H
#define LUCIE_TARGET_CLOCK_H

#include "init/lib/plan-format.h"

/* Writes the `ntp_server`s of the section for the programs that the target has for it
 * (systemd-timesyncd, chrony, ntpsec). Without any the target is left as it is. Logs; -errno. */
int target_clock(const char *target, const struct plan_section *section);

#endif
