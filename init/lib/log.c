/* Formatting of log lines and the hand-over to the program's sink; see log.h. */
#include "init/lib/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/str.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *program = "lucie";
static char last_error[LOG_LINE_MAX];

static void default_sink(enum log_level level, const char *line, void *arg)
{
	(void)arg;
	if (level > LOG_LEVEL_DEBUG)
		fprintf(stderr, "%s: %s\n", program, line);
}

static log_sink_fn *current_sink = default_sink;
static void *sink_arg;

void log_set_sink(log_sink_fn *sink, void *arg)
{
	current_sink = sink ? sink : default_sink;
	sink_arg = arg;
}

void log_set_program(const char *name)
{
	program = name;
}

static __attribute__((format(printf, 2, 0))) void emit(enum log_level level, const char *fmt,
						       va_list ap, int err)
{
	char line[LOG_LINE_MAX];
	int n = vsnprintf(line, sizeof(line), fmt, ap);

	if (n < 0)
		n = 0;
	if (err && (size_t)n < sizeof(line))
		snprintf(line + n, sizeof(line) - (size_t)n, ": %s", strerror(err));
	/* To terminals and into line-based protocols: nothing in it may act as a control. */
	str_make_text(line);

	pthread_mutex_lock(&lock);
	if (level == LOG_LEVEL_ERROR)
		memcpy(last_error, line, sizeof(line));
	current_sink(level, line, sink_arg);
	pthread_mutex_unlock(&lock);
}

#define EMIT(level, err)                                                                           \
	do {                                                                                       \
		va_list ap;                                                                        \
		va_start(ap, fmt);                                                                 \
		emit(level, fmt, ap, err);                                                         \
		va_end(ap);                                                                        \
	} while (0)

void log_debug(const char *fmt, ...)
{
	EMIT(LOG_LEVEL_DEBUG, 0);
}

void log_info(const char *fmt, ...)
{
	EMIT(LOG_LEVEL_INFO, 0);
}

void log_warn(const char *fmt, ...)
{
	EMIT(LOG_LEVEL_WARN, 0);
}

int log_err(int err, const char *fmt, ...)
{
	EMIT(LOG_LEVEL_ERROR, -err);
	return err ? err : -EINVAL;
}

const char *log_last_error(void)
{
	return last_error;
}

static const char *const level_names[] = {"debug", "info", "warn", "error"};

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

int log_level_parse(const char *name)
{
	for (int i = 0; i < 4; i++)
		if (!strcmp(name, level_names[i]))
			return i;
	return -EINVAL;
}
