/* Child processes: argv arrays, bounded waits, captured output. Never a shell string. */
#ifndef LUCIE_PROC_H
#define LUCIE_PROC_H

#include <stddef.h>
#include <sys/types.h>

struct proc_options {
	const char *chroot;	      /* NULL: none */
	char *const *envp;	      /* NULL: inherited */
	unsigned int silence_seconds; /* killed after so long without output; 0: no limit */
	unsigned int
		total_seconds; /* killed after so long; 0: no limit. One of the two must be set. */
	void (*line)(const char *line,
		     void *arg); /* each line of stdout and stderr, without '\n'; NULL: discarded */
	void *arg;
	const char *input;	 /* for stdin; NULL: /dev/null */
	size_t input_len;	 /* 0: it is text */
	const char *output_path; /* stdout goes to this new file instead of `line`; NULL: not */
};

/* Runs argv[0] (absolute, or found in PATH) in a process group of its own, waits, kills the group
 * at a limit. Returns the exit code (0..255), or -errno: -ETIMEDOUT, -EINTR for death by a signal,
 * -ENOENT when it cannot be executed. Logs nothing. */
int proc_run(char *const argv[], const struct proc_options *options);

/* Text for the result of proc_run(), as "exit code 3" or "no output for 60 s"; buf is returned. */
const char *proc_result(int result, const struct proc_options *options, char *buf, size_t len);

#endif
