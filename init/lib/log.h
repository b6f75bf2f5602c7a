/* Messages of the node and of the host programs.
 *
 * An error is logged once, where the path, device, node or line is known, and its code is returned:
 *	return log_err(-errno, "cannot open '%s'", path);
 * Style: lower case, no full stop, the subject in quotes. Where the lines go is decided by the
 * program (log_set_sink); the default writes "PROGRAM: line" to stderr. Safe to call from threads;
 * never exits.
 */
#ifndef LUCIE_LOG_H
#define LUCIE_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

#define LOG_LINE_MAX                                                                               \
	1024 /* bytes with the NUL; longer lines are cut, what is no text (str.h) becomes '?' */

typedef void log_sink_fn(enum log_level level, const char *line, void *arg);

/* NULL restores the default. Call it before threads are started. */
void log_set_sink(log_sink_fn *sink, void *arg);
/* The name before each line of the default sink; the string must stay valid. */
void log_set_program(const char *name);

void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* err is a negative errno, or 0 where there is none. Logs "fmt: strerror(-err)" and returns err
 * (-EINVAL for 0). */
int log_err(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The last line that this thread's process logged with log_err(); "" if none. It is the reason that
 * a failed module reports. */
const char *log_last_error(void);

/* "debug", "info", "warn", "error", and back (-EINVAL). */
const char *log_level_name(enum log_level level);
int log_level_parse(const char *name);

#endif
