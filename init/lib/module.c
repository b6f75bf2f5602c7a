/* What a module's process shares with its helpers: the request to end (init/module.h). It lies here, below the modules, so that the host
 * programs that link them for `lucie check` have it too. */
#include "init/module.h"

#include <signal.h>

static volatile sig_atomic_t cancelled;

static void on_term(int sig)
{
	(void)sig;
	cancelled = 1;
}

void module_catch_cancel(void)
{
	struct sigaction act = {.sa_handler = on_term};

	cancelled = 0;
	sigemptyset(&act.sa_mask);
	sigaction(SIGTERM, &act, NULL);
}

bool module_cancelled(void)
{
	return cancelled != 0;
}
