/* Holding before a module (`lucie install --break`, lucie.break=) until somebody lets it go on: who
 * leaves the shell on the console, who types lucie-continue in any other shell of the node, or the
 * server, when an administrator said `lucie continue NODE`. There is no limit of time: it is shown,
 * and the server hears every few seconds that the node is still there. */
#ifndef LUCIE_HOLD_H
#define LUCIE_HOLD_H

#include <stdbool.h>

#include "init/lib/cmdline.h"
#include "init/lib/plan-format.h"

/* Whether the plan or the command line wants it. */
bool hold_wanted(const struct plan *plan, const struct cmdline *c, const char *module);
/* Returns when it may go on, or when PID 1 is told to end. Where nobody could ever let it go on (no
 * console, no server) it does not wait. */
void hold_before(const struct plan *plan, const char *module);

#endif
