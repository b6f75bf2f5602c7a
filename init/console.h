/* What a person reads: one text on every console of the kernel (VGA, serial lines), and everything
 * in the log file that finalize copies into the target. Neither may hold PID 1 up: a console that
 * takes no bytes loses lines, the file keeps its newest part. */
#ifndef LUCIE_CONSOLE_H
#define LUCIE_CONSOLE_H

#include <stddef.h>

#include "init/lib/log.h"

#define CONSOLES_MAX 4
#define JOURNAL_PATH "/run/lucie/log"

/* Opens the consoles and the log file and makes both the sink of log.h (debug lines: the file
 * alone). */
void console_open(void);
/* "[seconds] text" on the consoles and in the file. */
void console_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Replaces the last such line as long as nothing else is written; not in the file. */
void console_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A line in the file alone; who: the module or part that says it. */
void journal_line(const char *who, enum log_level level, const char *text);

/* Terminals on which a person can be asked, the kernel's main console first. */
size_t console_terminals(const char *paths[CONSOLES_MAX]);

#endif
