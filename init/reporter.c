/* Queue and delivery of events; see reporter.h. An event gets its number when it goes into a batch,
 * so those left out make no gap. */
#include "init/reporter.h"
#include "init/console.h"
#include "init/lib/http.h"
#include "init/lib/io.h"
#include "init/loop.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX	 ((size_t)512 << 10) /* bytes of events that wait */
#define BATCH_MAX	 ((size_t)32 << 10)
#define BATCH_PAUSE_MS	 1000 /* between batches of what is not urgent */
#define BACKOFF_FIRST_MS 500u
#define BACKOFF_MAX_MS	 10000u
#define COMPLAIN_MS	 60000

/* An event that waits: `event` is cut after its message. */
struct queued {
	struct queued *next;
	size_t size;
	struct event event;
};

static struct {
	bool on;
	const char *server, *token;
	struct event common; /* install, mac */
	struct queued *first, **last;
	size_t bytes;
	unsigned int left_out;
	bool urgent;
	uint64_t seq; /* of the newest event in a batch */
	struct strbuf batch;
	int64_t batch_time;
	struct child child;
	bool alarmed;
} r;

static bool may_be_left_out(const struct event *e)
{
	return e->kind == EVENT_PROGRESS || e->kind == EVENT_LOG;
}

static void enqueue(const struct event *e)
{
	size_t size = offsetof(struct queued, event) + offsetof(struct event, message) +
		      strlen(e->message) + 1;
	struct queued *q;

	if (may_be_left_out(e) && r.bytes + size > QUEUE_MAX) {
		r.left_out++;
		return;
	}
	q = malloc(size);
	if (!q)
		return;
	q->next = NULL;
	q->size = size;
	memcpy(&q->event, e, size - offsetof(struct queued, event));
	*r.last = q;
	r.last = &q->next;
	r.bytes += size;
	if (!may_be_left_out(e))
		r.urgent = true;
}

void report(const struct event *e)
{
	struct event full = *e;

	if (!r.on)
		return;
	memcpy(full.install, r.common.install, sizeof(full.install));
	memcpy(full.mac, r.common.mac, sizeof(full.mac));
	full.t = now_ms();
	enqueue(&full);
}

void report_log(const char *module, const char *level, const char *message)
{
	struct event e = {.kind = EVENT_LOG};

	snprintf(e.module, sizeof(e.module), "%s", module);
	snprintf(e.level, sizeof(e.level), "%s", level);
	snprintf(e.message, sizeof(e.message), "%s", message);
	report(&e);
}

/* --- the child that carries a batch -------------------------------------------------- */

/* The server's word that somebody else claims to be this node. */
static void pass_alarm(const char *text)
{
	char line[192];

	if (!text)
		return;
	snprintf(line, sizeof(line), "ALARM: %s", text);
	str_make_text(line);
	dprintf(3, "%s\n", line);
}

/* {"ack": N, "alarm": TEXT}; without an alarm, as a rule */
static int parse_answer(const struct strbuf *answer, uint64_t *ack)
{
	json_t *o = json_loadb(answer->buf ? answer->buf : "", answer->len, JSON_REJECT_DUPLICATES,
			       NULL);
	json_t *v = json_object_get(o, "ack");
	int ret = json_is_integer(v) && json_integer_value(v) >= 0 ? 0 : -EPROTO;

	*ack = ret ? 0 : (uint64_t)json_integer_value(v);
	pass_alarm(json_string_value(json_object_get(o, "alarm")));
	json_decref(o);
	return ret;
}

static int post(const char *url, char *why, size_t why_len)
{
	struct strbuf answer = STRBUF_INIT;
	uint64_t ack;
	long status = 0;
	int ret = http_exchange(&(struct http_request){.url = url,
						       .body = r.batch.buf,
						       .body_len = r.batch.len,
						       .content_type = "application/json",
						       .token = r.token,
						       .max = 4096},
				&answer, &status, why, why_len);

	if (!ret && status != 200) {
		snprintf(why, why_len, "status %ld (%.80s)", status, answer.buf ? answer.buf : "");
		ret = -EPROTO;
	} else if (!ret && (parse_answer(&answer, &ack) || ack < r.seq)) {
		snprintf(why, why_len, "no acknowledgement in its answer");
		ret = -EPROTO;
	}
	strbuf_free(&answer);
	return ret;
}

/* A new process has the batch in its memory; it ends when the server has it. */
static int deliver(void *arg)
{
	unsigned int pause = BACKOFF_FIRST_MS;
	int64_t complained = 0;
	char url[512], why[192];

	(void)arg;
	snprintf(url, sizeof(url), "%s/v1/events", r.server);
	while (post(url, why, sizeof(why))) {
		if (!complained || now_ms() - complained > COMPLAIN_MS) {
			str_make_text(why);
			dprintf(3, "%s\n", why);
			complained = now_ms();
		}
		sleep_ms(pause);
		pause = pause * 2 < BACKOFF_MAX_MS ? pause * 2 : BACKOFF_MAX_MS;
	}
	return 0;
}

/* --- PID 1's side -------------------------------------------------------------------- */

static void on_line(struct child *c, enum child_stream stream, char *line)
{
	(void)c;
	if (stream != CHILD_CONTROL)
		return;
	if (!strncmp(line, "ALARM", 5)) {
		if (!r.alarmed)
			console_line("%s", line);
		r.alarmed = true;
	} else {
		console_line("'%s' does not take events: %s; trying again", r.server, line);
	}
}

void reporter_start(const struct plan *plan)
{
	const char *install = plan_head(plan, "install"), *mac = plan_head(plan, "mac");

	r.last = &r.first;
	r.server = plan_head(plan, "server");
	r.token = plan_head(plan, "token");
	r.child = (struct child){.name = "reporter", .line = on_line};
	r.on = install && mac && r.server && r.token;
	if (!r.on)
		return;
	snprintf(r.common.install, sizeof(r.common.install), "%s", install);
	snprintf(r.common.mac, sizeof(r.common.mac), "%s", mac);
}

static void note_left_out(void)
{
	char text[128];

	if (!r.left_out)
		return;
	snprintf(text, sizeof(text),
		 "%u log and progress lines were left out: the server did not take them in time",
		 r.left_out);
	r.left_out = 0;
	report_log("", "warn", text);
}

static void fill_batch(void)
{
	struct event e;

	note_left_out();
	while (r.first && r.batch.len < BATCH_MAX) {
		struct queued *q = r.first;

		memcpy(&e, &q->event, q->size - offsetof(struct queued, event));
		e.seq = r.seq + 1;
		if (event_encode(&r.batch, &e)) {
			r.batch.error = 0; /* no memory; what is complete is kept */
			return;
		}
		r.seq++;
		r.first = q->next;
		if (!r.first)
			r.last = &r.first;
		r.bytes -= q->size;
		free(q);
	}
	r.urgent = r.first != NULL;
}

void reporter_run(void)
{
	bool paused = now_ms() - r.batch_time >= BATCH_PAUSE_MS;

	if (!r.on || child_running(&r.child))
		return;
	if (r.child.status == 0)
		strbuf_reset(&r.batch); /* it is delivered */
	if (!r.batch.len && r.first && (r.urgent || paused))
		fill_batch();
	else if (!paused)
		return; /* a carrier that died is not started again at once */
	if (!r.batch.len)
		return;
	r.batch_time = now_ms();
	r.child.status = -1;
	child_start(&r.child, deliver, NULL);
}

static bool is_idle(void)
{
	return !r.on ||
	       (!child_running(&r.child) && !r.first && (!r.batch.len || r.child.status == 0));
}

bool reporter_flush(unsigned int seconds)
{
	int64_t start = now_ms(), end = start + (int64_t)seconds * 1000;
	bool said = false;

	reporter_run();
	while (!is_idle() && now_ms() < end) {
		if (!said && now_ms() - start > 2000) {
			console_line("waiting for '%s' to take the report (at most %u s)", r.server,
				     seconds);
			said = true;
		}
		loop_wait(100);
		reporter_run();
	}
	if (!is_idle())
		console_line("'%s' did not take the report within %u s", r.server, seconds);
	return is_idle();
}
