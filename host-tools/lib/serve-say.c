/* What the administrator sees of the server: one line for each thing that happens, with the time
 * and the node it is about. Texts come from nodes and strangers: whatever is in them, a line stays
 * a line and no terminal obeys it.
 */
#include "host-tools/lib/serve.h"

#include <ctype.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host-tools/lib/map.h"
#include "init/lib/io.h"

#define TEXT_MAX	    1400
#define PROGRESS_MS	    5000 /* between two lines of progress of a node */
#define PROGRESS_SLOTS	    1024
#define REFUSALS_PER_SECOND 5
#define REFUSALS_BURST	    20

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Control characters of ASCII, and of the second half of Latin 1 as UTF-8 has them (C2 80..9F). */
static void make_printable(char *s)
{
	for (unsigned char *p = (unsigned char *)s; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}

/* Whether a line can be written at once. A terminal that somebody stopped, or a pipe that nobody
 * reads, must not stop the server: what it does not take is counted. */
static bool is_taken(unsigned int *missing)
{
	static unsigned int dropped;
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	if (poll(&p, 1, 0) != 1) {
		dropped++;
		return false;
	}
	*missing = dropped;
	dropped = 0;
	return true;
}

static void say(const char *node, const char *module, char *text)
{
	time_t now = time(NULL);
	unsigned int missing;
	struct tm tm;
	char clock[16] = "";

	make_printable(text);
	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	pthread_mutex_lock(&lock);
	if (is_taken(&missing)) {
		if (missing)
			printf("%s  %-12s  %-10s  %u lines are not here: nobody took them\n", clock,
			       "-", "-", missing);
		printf("%s  %-12s  %-10s  %s\n", clock, node, module, text);
		fflush(stdout);
	}
	pthread_mutex_unlock(&lock);
}

void serve_say(const char *node, const char *module, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(node, module, text);
}

/* A bucket that fills at a constant rate. Returns false where a line is not to be shown; else how
 * many were not, since the last one. */
static bool refusal_allowed(unsigned int *hidden)
{
	static int64_t last;
	static int64_t tokens = REFUSALS_BURST * 1000;
	static unsigned int dropped;
	int64_t now = now_ms();
	bool allowed;

	pthread_mutex_lock(&lock);
	tokens += (now - last) * REFUSALS_PER_SECOND;
	if (tokens > REFUSALS_BURST * 1000)
		tokens = REFUSALS_BURST * 1000;
	last = now;
	allowed = tokens >= 1000;
	if (allowed) {
		tokens -= 1000;
		*hidden = dropped;
		dropped = 0;
	} else {
		dropped++;
	}
	pthread_mutex_unlock(&lock);
	return allowed;
}

void serve_say_refusal(const char *node, const char *fmt, ...)
{
	char text[TEXT_MAX];
	unsigned int hidden;
	va_list ap;

	if (!refusal_allowed(&hidden))
		return;
	if (hidden)
		serve_say("-", "-", "%u more refusals and alarms are not shown", hidden);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(node, "-", text);
}

static void progress_words(const struct event *e, char *buf, size_t len)
{
	char done[24], all[24];

	if (e->total)
		snprintf(buf, len, "%3.0f %%  %s of %s  %s",
			 100.0 * (double)e->bytes / (double)e->total,
			 event_amount(e->bytes, e->total, done, sizeof(done)),
			 event_amount(e->total, e->total, all, sizeof(all)), e->message);
	else if (e->bytes)
		snprintf(buf, len, "%s  %s", str_from_size(e->bytes, done, sizeof(done)),
			 e->message);
	else
		snprintf(buf, len, "%s", e->message);
}

/* A message that begins with its outcome has it in capitals; any other follows it. */
static void report_words(const struct event *e, char *buf, size_t len)
{
	const char *outcome = e->ok ? event_outcome(e->message) : "installation failed";
	const char *rest = e->message;
	size_t n = strlen(outcome);

	if (e->ok && str_starts(rest, outcome) && rest[n] == ':')
		rest += n + 1 + (rest[n + 1] == ' ');
	snprintf(buf, len, "%s%s%s", outcome, *rest ? ": " : "", rest);
	for (size_t i = 0; i < n && i + 1 < len; i++)
		buf[i] = (char)toupper((unsigned char)buf[i]);
}

const char *event_words(const struct event *e, char *buf, size_t len)
{
	switch (e->kind) {
	case EVENT_START:
		snprintf(buf, len, "%s", e->module[0] ? "begins" : "the installation begins");
		break;
	case EVENT_PROGRESS:
		progress_words(e, buf, len);
		break;
	case EVENT_LOG:
		snprintf(buf, len, "%s: %s", e->level, e->message);
		break;
	case EVENT_END:
		if (e->ok)
			snprintf(buf, len, "done in %.1f s", (double)e->millis / 1000);
		else
			snprintf(buf, len, "FAILED after %.1f s: %s", (double)e->millis / 1000,
				 e->message);
		break;
	case EVENT_REPORT:
		report_words(e, buf, len);
		break;
	case EVENT_HOLD:
		snprintf(buf, len, "HELD before it: %s", e->message);
		break;
	case EVENT_HOST_KEY:
		snprintf(buf, len, "ssh host key %s", e->message);
		break;
	case EVENT_KINDS:
		break;
	}
	return buf;
}

/* Nodes share slots where there are more of them than slots: then one shows less progress, nothing
 * worse. */
static bool progress_due(const char *node)
{
	static int64_t shown[PROGRESS_SLOTS];
	uint64_t hash = map_hash(MAP_HASH, node);
	int64_t now = now_ms();
	bool due;

	pthread_mutex_lock(&lock);
	due = now - shown[hash % PROGRESS_SLOTS] >= PROGRESS_MS;
	if (due)
		shown[hash % PROGRESS_SLOTS] = now;
	pthread_mutex_unlock(&lock);
	return due;
}

void serve_say_event(const char *node, const struct event *e)
{
	char text[TEXT_MAX];

	if (e->kind == EVENT_PROGRESS && !progress_due(node))
		return;
	serve_say(node, e->module[0] ? e->module : "-", "%s", event_words(e, text, sizeof(text)));
}
