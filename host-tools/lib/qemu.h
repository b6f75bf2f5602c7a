/* A virtual machine of QEMU for `lucie try`: its arguments, its process, its serial console in a
 * file. */
#ifndef LUCIE_QEMU_H
#define LUCIE_QEMU_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define QEMU_ARGS_MAX 96

/* Where in an escape sequence of a terminal the text is. */
enum console_state { CONSOLE_TEXT, CONSOLE_ESCAPE, CONSOLE_SEQUENCE };

struct qemu {
	char *args[QEMU_ARGS_MAX + 1]; /* owned; NULL-terminated */
	size_t count;
	bool overflow;
	pid_t pid;		/* 0: not running */
	bool stopped;		/* by qemu_stop() */
	char console[PATH_MAX]; /* file for the serial console; CONSOLE.qemu is for what QEMU says
				 */
	off_t shown;		/* bytes of it that qemu_show() has printed */
	enum console_state console_state; /* at `shown` */
};

/* Starts a list of arguments: accelerator (KVM only where the processor has it, else TCG), no
 * default devices, serial console to the file `console`, virtio-rng. tcg_cpu: the model without
 * KVM. */
void qemu_init(struct qemu *q, const char *console, unsigned int memory_mb, const char *tcg_cpu);
void qemu_arg(struct qemu *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* An option with a list that ends in a file name. A comma in the name is doubled, as QEMU wants
 * it. */
void qemu_file_arg(struct qemu *q, const char *option, const char *before, const char *file);

/* It dies with this process. Logs; -errno. */
int qemu_start(struct qemu *q);
/* False when it has ended. */
bool qemu_running(struct qemu *q);
void qemu_stop(struct qemu *q);
void qemu_free(struct qemu *q);

/* Prints what the console has said since the last call. */
void qemu_show(struct qemu *q);
/* The last bytes of the console, printable, without carriage returns. The caller's to free; ""
 * where there is nothing, NULL without memory. */
char *qemu_console_tail(const struct qemu *q, size_t max);
/* The same of what QEMU itself said before it ended by itself. */
char *qemu_errors(const struct qemu *q);

#endif
