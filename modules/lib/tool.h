/* The storage tools that lie in add-on archives: how they are run, and the kernel modules under
 * them. Bounded in time; what a tool said last is the reason. */
#ifndef LUCIE_TOOL_H
#define LUCIE_TOOL_H

#include <stddef.h>

#define TOOL_WORDS_MAX 160

struct tool {
	char *const *argv;    /* argv[0]: in /sbin */
	const char *addon;    /* the archive that it comes in, without ".img" */
	const char *device;   /* what a message names */
	const char *input;    /* for stdin, NULL: nothing */
	size_t input_len;     /* 0: it is text */
	unsigned int seconds; /* 0: TOOL_SECONDS */
	void (*line)(const char *line, void *arg); /* each line of the tool, or NULL */
	void *arg;
};

#define TOOL_SECONDS 120

/* The exit code, with the last line that the tool wrote in words; -errno, logged. */
int tool_exit(const struct tool *t, char words[TOOL_WORDS_MAX]);

/* 0, or -EIO where the tool fails; logged. */
int tool_run(const struct tool *t);

/* Loads kernel modules by name, for the kernel would ask modprobe, which is not here. Where there
 * are none, what is built in has to do. */
void tool_load(const char *const *modules, size_t count);

#endif
