/* The supervisor's children that may end and are started again: when, and how they are ended. */
#include "host-tools/lib/serve.h"

#include <signal.h>
#include <sys/wait.h>

#include "init/lib/io.h"

#define WAIT_FIRST_MS 1000
#define STABLE_MS     60000 /* ran so long: the next wait is a first one */
#define STOP_MS	      3000

bool worker_started(struct worker *w, pid_t pid)
{
	if (pid < 0) {
		w->start_at = now_ms() + WAIT_FIRST_MS;
		return false;
	}
	w->pid = pid;
	w->started = now_ms();
	return true;
}

bool worker_is_due(const struct worker *w)
{
	return !w->pid && now_ms() >= w->start_at;
}

unsigned int worker_ended(struct worker *w, unsigned int max_ms)
{
	w->pid = 0;
	if (!w->wait_ms || now_ms() - w->started > STABLE_MS)
		w->wait_ms = WAIT_FIRST_MS;
	else
		w->wait_ms = w->wait_ms * 2 > max_ms ? max_ms : w->wait_ms * 2;
	w->start_at = now_ms() + w->wait_ms;
	return w->wait_ms / 1000;
}

void worker_stop(struct worker *w)
{
	if (w->pid)
		child_stop(w->pid, STOP_MS);
	w->pid = 0;
}

void child_stop(pid_t pid, unsigned int ms)
{
	int64_t limit = now_ms() + ms;

	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (now_ms() > limit)
			kill(pid, SIGKILL);
		sleep_ms(20);
	}
}
