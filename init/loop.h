/* The supervisor's one place to wait: descriptors, signals and children. Only PID 1's main process
 * uses it; no threads.
 *
 * A child is a forked process with three pipes: stdout, stderr, and descriptor 3 for lines to
 * PID 1. Each line is handed over while loop_wait() runs. A child runs in a session of its own, so
 * that everything it leaves behind can be found and ended with it.
 */
#ifndef LUCIE_LOOP_H
#define LUCIE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/lib/lines.h"
#include "init/lib/log.h"

enum child_stream { CHILD_OUT, CHILD_ERR, CHILD_CONTROL, CHILD_STREAMS };

struct child {
	/* set by the owner before child_start() */
	const char *name; /* for messages */
	void (*line)(struct child *c, enum child_stream stream, char *line);
	void *arg;
	bool own_terminal; /* no pipes: the body opens a terminal */

	/* the loop's */
	pid_t pid;	   /* 0: not running */
	int status;	   /* as waitpid() gives it, once over */
	int64_t last_sign; /* when the last byte came */
	int fd[CHILD_STREAMS];
	struct lines lines[CHILD_STREAMS];
	struct child *next;
};

#define CHILD_GRACE_MS 5000 /* that a module has to clean up (init/lib/cancel.h) */

int loop_init(void);

/* Calls ready() whenever fd can be read, until loop_forget(). -ENOSPC when there are too many. */
int loop_watch(int fd, void (*ready)(int fd, void *arg), void *arg);
void loop_forget(int fd);

/* Handles what there is, waiting for it at most so long. */
void loop_wait(int milliseconds);

/* Runs body(arg) in a child; its return value is the exit code. What it logs (log.h) comes as lines
 * "log LEVEL TEXT" on CHILD_CONTROL. 0 or -errno (logged). */
int child_start(struct child *c, int (*body)(void *arg), void *arg);
/* The same, and waits at most so long (0: for ever); what runs on then is ended. 0: it ended by
 * itself, with exit code 0. Else -errno, and why: -ETIMEDOUT; -EINTR when somebody asked for the
 * end of the machine; -ECANCELED when it failed, why "" then, as it said the reason itself. */
int child_run(struct child *c, int (*body)(void *arg), void *arg, int64_t limit_ms, char *why,
	      size_t why_len);
static inline bool child_running(const struct child *c)
{
	return c->pid != 0;
}
/* A line(): what the child logs or prints is logged by PID 1 as its own. */
void child_log_line(struct child *c, enum child_stream stream, char *line);
/* Splits "log LEVEL TEXT"; NULL for any other line. */
char *child_log_text(char *line, enum log_level *level);
/* SIGTERM, a time of grace, SIGKILL; to everything in its session. False when it cannot be ended
 * even so (it hangs in the kernel); it is forgotten then. */
bool child_stop(struct child *c, int grace_ms);
/* Ends what the child left in its session. */
void session_kill(pid_t session);

/* Whether no process but kernel threads is left (every orphan is PID 1's child). */
bool loop_childless(void);

/* The end that somebody asked PID 1 for by a signal: 0, or the signal. */
int loop_signalled(void);

#endif
