/* The flag behind module_cancelled(); see cancel.h. */
#include "init/lib/cancel.h"

#include <signal.h>
#include <stddef.h>

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
