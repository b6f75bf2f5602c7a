/* The request to end, as a process of a module gets it: SIGTERM sets a flag that long work asks
 * for. It lies here, below the modules, so that helpers can ask too, and the host programs that
 * link modules for `lucie check`. */
#ifndef LUCIE_CANCEL_H
#define LUCIE_CANCEL_H

#include <stdbool.h>

/* True after SIGTERM: the module should clean up and return -ECANCELED soon; it is killed 5 s
 * later. */
bool module_cancelled(void);
/* Installs the handler and forgets an earlier request; called once in a module's process before
 * run(). */
void module_catch_cancel(void);

/* The same in a host program, for Ctrl-C (SIGINT) too. */
void cancel_catch_interrupt(void);

#endif
