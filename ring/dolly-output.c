/* What `dolly` shows; see dolly-output.h. */
#include "ring/dolly-output.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "init/lib/str.h"

void dolly_output_end(struct dolly_output *d)
{
	if (d->line_open)
		fputc('\n', stderr);
	d->line_open = false;
}

void dolly_output_log(enum log_level level, const char *line, void *arg)
{
	struct dolly_output *d = arg;

	if (level == LOG_LEVEL_DEBUG || (level == LOG_LEVEL_INFO && d->quiet))
		return;
	dolly_output_end(d);
	fprintf(stderr, "dolly: %s\n", line);
}

static const char *const event_names[] = {
	[RING_EVENT_LISTENING] = "listening",
	[RING_EVENT_JOINED] = "joined",
	[RING_EVENT_RETURNED] = "returned",
	[RING_EVENT_DEMOTED] = "demoted",
	[RING_EVENT_DROPPED] = "dropped",
	[RING_EVENT_FAILED] = "failed",
	[RING_EVENT_DONE] = "done",
	[RING_EVENT_PROGRESS] = "progress",
	[RING_EVENT_END] = "end",
};

static void add_member(json_t *o, const struct ring_event *e)
{
	char root[BLOB_ROOT_TEXT];

	json_object_set_new(o, "node", json_string(e->member->name));
	json_object_set_new(o, "id", json_integer(e->member->id));
	if (e->member->former)
		json_object_set_new(o, "former", json_integer(e->member->former));
	json_object_set_new(o, "received", json_integer((json_int_t)e->member->received));
	if (e->reason)
		json_object_set_new(o, "reason", json_string(e->reason));
	if (e->kind != RING_EVENT_DONE)
		return;
	str_to_hex(e->member->root, BLOB_HASH_LEN, root);
	json_object_set_new(o, "root", json_string(root));
	json_object_set_new(o, "millis", json_integer(e->member->millis));
}

static void show_json(const struct ring_event *e)
{
	json_t *o = json_object();
	char *text;

	json_object_set_new(o, "event", json_string(event_names[e->kind]));
	json_object_set_new(o, "seconds", json_real(e->seconds));
	if (e->member)
		add_member(o, e);
	json_object_set_new(o, "length", json_integer((json_int_t)e->length));
	json_object_set_new(o, "bytes", json_integer((json_int_t)e->bytes));
	json_object_set_new(o, "joined", json_integer((json_int_t)e->joined));
	json_object_set_new(o, "alive", json_integer((json_int_t)e->tally.alive));
	json_object_set_new(o, "done", json_integer((json_int_t)e->tally.done));
	json_object_set_new(o, "dropped", json_integer((json_int_t)e->tally.dropped));
	json_object_set_new(o, "failed", json_integer((json_int_t)e->tally.failed));
	if (e->kind == RING_EVENT_LISTENING)
		json_object_set_new(o, "port", json_integer(e->port));
	if (e->kind == RING_EVENT_END)
		json_object_set_new(o, "ok", json_boolean(e->ok));
	text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(6));
	if (text) {
		puts(text);
		fflush(stdout);
	}
	free(text);
	json_decref(o);
}

static void show_progress(struct dolly_output *d, const struct ring_event *e)
{
	double passed = e->seconds - d->last_shown;
	char now[16], all[16], rate[16];

	if (d->quiet || !e->joined || passed < (d->terminal ? 0.4 : 10))
		return;
	str_from_size(e->bytes, now, sizeof(now));
	str_from_size(e->length, all, sizeof(all));
	str_from_size(e->bytes > d->last_bytes
			      ? (uint64_t)((double)(e->bytes - d->last_bytes) / passed)
			      : 0,
		      rate, sizeof(rate));
	fprintf(stderr, "%s%s of %s, %s/s, nodes: %zu done, %zu alive, %zu dropped, %zu failed%s",
		d->terminal ? "\r\033[K" : "dolly: ", now, all, rate, e->tally.done, e->tally.alive,
		e->tally.dropped, e->tally.failed, d->terminal ? "" : "\n");
	d->line_open = d->terminal;
	d->last_shown = e->seconds;
	d->last_bytes = e->bytes;
}

static void show_end(const struct ring_event *e)
{
	log_info("%zu nodes: %zu verified, %zu dropped, %zu failed, %zu not complete; %.1f s",
		 e->joined, e->tally.done, e->tally.dropped, e->tally.failed, e->tally.alive,
		 e->seconds);
}

static void show_done(const struct ring_event *e)
{
	char root[BLOB_ROOT_TEXT];

	str_to_hex(e->member->root, BLOB_HASH_LEN, root);
	log_info("%.1f s: '%s' ok: %llu bytes in %.1f s, BLAKE3 root %s", e->seconds,
		 e->member->name, (unsigned long long)e->length, e->member->millis / 1000.0, root);
}

void dolly_output_event(const struct ring_event *e, void *arg)
{
	struct dolly_output *d = arg;

	if (d->json)
		show_json(e);
	switch (e->kind) {
	case RING_EVENT_LISTENING:
		log_info("%llu bytes to send, listening on port %u", (unsigned long long)e->length,
			 e->port);
		break;
	case RING_EVENT_JOINED:
	case RING_EVENT_RETURNED:
		log_info("%.1f s: '%s' %s as node %u", e->seconds, e->member->name,
			 event_names[e->kind], e->member->id);
		break;
	case RING_EVENT_DEMOTED:
		log_info("%.1f s: '%s' is moved to the end: %s", e->seconds, e->member->name,
			 e->reason);
		break;
	case RING_EVENT_DROPPED:
	case RING_EVENT_FAILED:
		log_warn("%.1f s: '%s' %s at %llu bytes: %s", e->seconds, e->member->name,
			 event_names[e->kind], (unsigned long long)e->member->received, e->reason);
		break;
	case RING_EVENT_DONE:
		show_done(e);
		break;
	case RING_EVENT_PROGRESS:
		show_progress(d, e);
		break;
	case RING_EVENT_END:
		show_end(e);
		break;
	}
}

void dolly_output_received(uint64_t done, uint64_t total, void *arg)
{
	struct dolly_output *d = arg;
	char a[16], b[16];

	if (d->quiet || !d->terminal)
		return;
	fprintf(stderr, "\r\033[K%s of %s", str_from_size(done, a, sizeof(a)),
		str_from_size(total, b, sizeof(b)));
	d->line_open = true;
}
