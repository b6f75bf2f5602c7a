/* Programs of the target, run with the target as their root. */
#ifndef LUCIE_TARGET_RUN_H
#define LUCIE_TARGET_RUN_H

#include <stdbool.h>
#include <stddef.h>

#define TARGET_REASON_MAX 256

struct target_command {
	char *const *argv;	      /* argv[0] is an absolute path in the target */
	const char *input;	      /* for stdin; NULL: none */
	unsigned int silence_seconds; /* 0: 300 */
	/* Sees each line of output before it is logged. True: it is not to be logged. It may fill
	 * reason (of TARGET_REASON_MAX bytes), which is what a failure is explained with; else that
	 * is the last line. May be NULL. */
	bool (*line)(const char *line, char *reason, void *arg);
	void *arg;
};

/* 0, or -errno (-EIO: it ended with another code than 0); logged with the reason. Call between
 * target_enter() and target_leave(). */
int target_run(const char *target, const struct target_command *command);

#endif
