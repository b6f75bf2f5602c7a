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

static void catch_signal(int sig)
{
	struct sigaction act = {.sa_handler = on_term};

	sigemptyset(&act.sa_mask);
	sigaction(sig, &act, NULL);
}

void module_catch_cancel(void)
{
	cancelled = 0;
	catch_signal(SIGTERM);
}

void cancel_catch_interrupt(void)
{
	module_catch_cancel();
	catch_signal(SIGINT);
}

bool module_cancelled(void)
{
	return cancelled != 0;
}
