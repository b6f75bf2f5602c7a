/* Running a plan: its modules in order, each watched, and what follows from their success or
 * failure. */
#ifndef LUCIE_RUN_H
#define LUCIE_RUN_H

#include "init/lib/cmdline.h"
#include "init/lib/plan-format.h"

/* From the start event to the machine's end. */
void run_plan(const struct plan *plan, const struct cmdline *c) __attribute__((noreturn));
/* There is no plan, for this reason: says so, offers a shell, reboots. */
void run_without_plan(const char *reason) __attribute__((noreturn));

#endif
