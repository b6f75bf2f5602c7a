/* Consoles and log file; see console.h. */
#include "init/console.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define PATIENCE_MS 500 /* for a console whose buffer is full */
#define JOURNAL_MAX ((off_t)2 << 20)
#define CLEAR_LINE  "\r\033[K"

static struct {
	char path[40]; /* "/dev/ttyS0" */
	int fd;
	bool stuck; /* it took nothing the last time: not waited for until it does */
} consoles[CONSOLES_MAX];
static size_t console_count;
static bool progress_shown;
static int journal = -1;

/* The end of a shell hangs its terminal up, for us too. */
static bool reopen(size_t i)
{
	int fd = *consoles[i].path
			 ? open(consoles[i].path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
			 : -1;

	if (fd < 0)
		return false;
	close(consoles[i].fd);
	consoles[i].fd = fd;
	return true;
}

static void write_console(size_t i, const char *text, size_t len)
{
	bool reopened = false;

	while (len) {
		ssize_t n = write(consoles[i].fd, text, len);
		struct pollfd p = {.fd = consoles[i].fd, .events = POLLOUT};

		if (n > 0) {
			text += n;
			len -= (size_t)n;
			consoles[i].stuck = false;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			if (reopened || !reopen(i))
				return;
			reopened = true;
		} else if (consoles[i].stuck || poll(&p, 1, PATIENCE_MS) == 0) {
			consoles[i].stuck = true;
			return;
		}
	}
}

static void write_consoles(const char *text, size_t len)
{
	for (size_t i = 0; i < console_count; i++)
		write_console(i, text, len);
}

/* Drops the older half. */
static void shorten_journal(off_t size)
{
	_cleanup_free_ char *half = malloc((size_t)(size / 2));
	char *start;

	if (!half || pread_full(journal, half, (size_t)(size / 2), (uint64_t)(size - size / 2)))
		return;
	start = memchr(half, '\n', (size_t)(size / 2));
	if (ftruncate(journal, 0) || !start)
		return;
	write_full(journal, start + 1, (size_t)(half + size / 2 - start - 1));
}

void journal_line(const char *who, enum log_level level, const char *text)
{
	char line[LOG_LINE_MAX + 64];
	int64_t t = now_ms();
	struct stat st;
	int n;

	if (journal < 0)
		return;
	n = snprintf(line, sizeof(line), "%5lld.%03lld %-5s %s: %s\n", (long long)(t / 1000),
		     (long long)(t % 1000), log_level_name(level), who, text);
	if ((size_t)n >= sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	write_full(journal, line, (size_t)n);
	if (!fstat(journal, &st) && st.st_size > JOURNAL_MAX)
		shorten_journal(st.st_size);
}

static void show(const char *text)
{
	char line[LOG_LINE_MAX + 64];
	int64_t t = now_ms();
	int n = snprintf(line, sizeof(line), "%s[%3lld.%lld] %s\n",
			 progress_shown ? CLEAR_LINE : "", (long long)(t / 1000),
			 (long long)(t % 1000 / 100), text);

	progress_shown = false;
	write_consoles(line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void console_line(const char *fmt, ...)
{
	char text[LOG_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_make_text(text);
	show(text);
	journal_line("init", LOG_LEVEL_INFO, text);
}

void console_progress(const char *fmt, ...)
{
	char text[80], line[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_make_text(text);
	n = snprintf(line, sizeof(line), CLEAR_LINE "%s", text);
	progress_shown = true;
	write_consoles(line, (size_t)n);
}

static void log_sink(enum log_level level, const char *line, void *arg)
{
	(void)arg;
	journal_line("init", level, line);
	if (level > LOG_LEVEL_DEBUG)
		show(line);
}

static void add_console(const char *name, bool main)
{
	size_t i = console_count;
	int fd;

	if (i == CONSOLES_MAX)
		return;
	snprintf(consoles[i].path, sizeof(consoles[i].path), "/dev/%s", name);
	fd = open(consoles[i].path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	consoles[i].fd = fd;
	console_count++;
	if (main && i) {
		typeof(consoles[0]) swap = consoles[0];

		consoles[0] = consoles[i];
		consoles[i] = swap;
	}
}

/* "ttyS0                -W- (EC p a)    4:64": E enabled, C the one behind /dev/console. */
static void open_kernel_consoles(void)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	if (file_read("/proc/consoles", 8192, &text, NULL))
		return;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		char *flags = strchr(line, '('), *name = str_word(&line);

		if (name && flags && flags[1] == 'E')
			add_console(name, flags[2] == 'C');
	}
}

void console_open(void)
{
	open_kernel_consoles();
	if (console_count == 0)
		consoles[console_count++].fd = STDOUT_FILENO;
	journal = open(JOURNAL_PATH, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	log_set_sink(log_sink, NULL);
}

size_t console_terminals(const char *paths[CONSOLES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < console_count; i++) {
		if (!*consoles[i].path)
			continue;
		/* tty0 is whichever virtual terminal is in front: at the start, tty1 */
		paths[n++] = strcmp(consoles[i].path, "/dev/tty0") ? consoles[i].path : "/dev/tty1";
	}
	return n;
}
