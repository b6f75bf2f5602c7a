/* One node without a machine: asks a server for its plan, opens and verifies it, fetches every blob
 * of it through the blob reader (so each chunk is verified), and reports events as PID 1 does.
 */
#include "tests/bench/sim.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/blob.h"
#include "init/lib/cleanup.h"
#include "init/lib/event.h"
#include "init/lib/http.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define WHY_MAX 256
#define TRIES	30

struct sim {
	const struct sim_options *options;
	struct box_keys keys;
	char nonce[2 * NONCE_LEN + 1];
	struct plan plan;
	uint64_t seq;
	int64_t started;
	struct strbuf events;
};

/* A node tries again, too: the server takes so many connections of one address and no more. */
static int exchange(const struct http_request *request, struct strbuf *answer, long *status)
{
	char why[WHY_MAX];
	int ret = 0;

	for (unsigned int tries = 0; tries < TRIES; tries++) {
		ret = http_exchange(request, answer, status, why, sizeof(why));
		if (!ret)
			return 0;
		sleep_ms(tries < 4 ? 200u << tries : 2000u);
	}
	return log_err(ret, "%s: %s", request->url, why);
}

static int request_plan(struct sim *s, struct strbuf *sealed)
{
	_cleanup_strbuf_ struct strbuf body = STRBUF_INIT;
	char url[512];
	struct http_request request = {
		.url = url, .content_type = "application/json", .max = 2 * PLAN_MAX};
	long status;
	int ret;

	sim_plan_request(&body, s->options->mac, s->nonce, &s->keys);
	snprintf(url, sizeof(url), "%s/v1/plan", s->options->server);
	request.body = body.buf;
	request.body_len = body.len;
	ret = exchange(&request, sealed, &status);
	if (ret)
		return ret;
	if (status != 200) {
		printf("%ld %s", status, sealed->buf ? sealed->buf : "\n");
		return -EACCES;
	}
	return 0;
}

static void event_add(struct sim *s, struct event e)
{
	snprintf(e.install, sizeof(e.install), "%s", plan_head(&s->plan, "install"));
	snprintf(e.mac, sizeof(e.mac), "%s", s->options->mac);
	e.seq = ++s->seq;
	e.t = now_ms() - s->started;
	event_encode(&s->events, &e);
}

static int post_events(struct sim *s)
{
	_cleanup_strbuf_ struct strbuf answer = STRBUF_INIT;
	char url[512];
	struct http_request request = {.url = url,
				       .body = s->events.buf,
				       .body_len = s->events.len,
				       .content_type = "application/x-ndjson",
				       .token = plan_head(&s->plan, "token")};
	json_t *json;
	uint64_t ack;
	long status;
	int ret;

	snprintf(url, sizeof(url), "%s/v1/events", s->options->server);
	ret = exchange(&request, &answer, &status);
	if (ret)
		return ret;
	if (status != 200)
		return log_err(-EPROTO, "events: %ld %s", status, answer.buf);
	json = json_loadb(answer.buf, answer.len, 0, NULL);
	ack = (uint64_t)json_integer_value(json_object_get(json, "ack"));
	json_decref(json);
	return ack == s->seq ? 0
			     : log_err(-EPROTO, "the server acknowledged %llu of %llu",
				       (unsigned long long)ack, (unsigned long long)s->seq);
}

static int flush_events(struct sim *s)
{
	int ret = post_events(s);

	if (!ret && s->options->repeat)
		ret = post_events(s);
	strbuf_reset(&s->events);
	return ret;
}

static int fetch(struct sim *s, const char *module, const char *root)
{
	char url[512];
	const char *urls[] = {url};
	struct blob_request request = {.root = root, .urls = urls, .url_count = 1};
	struct blob_reader *reader;
	uint64_t done = 0;
	const void *block;
	ssize_t n;
	int ret;

	snprintf(url, sizeof(url), "%s/blob/%s", s->options->server, root);
	ret = blob_open(&reader, &request);
	if (ret)
		return ret;
	while ((n = blob_next(reader, &block)) > 0) {
		struct event e = {.kind = EVENT_PROGRESS,
				  .total = blob_length(reader),
				  .message = "fetching"};

		done += (uint64_t)n;
		e.bytes = done;
		snprintf(e.module, sizeof(e.module), "%s", module);
		event_add(s, e);
	}
	blob_close(reader);
	return (int)n;
}

/* "blob ROOT BYTES" and "files ROOT BYTES CLASS" of the module's section. */
static int fetch_all(struct sim *s, const char *module)
{
	static const char *const keys[] = {"blob", "files"};
	const struct plan_section *section = plan_section(&s->plan, module);
	char root[BLOB_ROOT_TEXT];
	int ret = 0;

	if (!section || s->options->no_blobs)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		plan_for_each (line, section, keys[i]) {
			snprintf(root, sizeof(root), "%.64s", line->value);
			if (!ret)
				ret = fetch(s, module, root);
		}
	return ret;
}

static int run_module(struct sim *s, const char *module)
{
	struct event start = {.kind = EVENT_START}, end = {.kind = EVENT_END, .ok = 1};
	int64_t began = now_ms();
	int ret;

	snprintf(start.module, sizeof(start.module), "%s", module);
	event_add(s, start);
	ret = fetch_all(s, module);
	if (!ret && s->options->fail && !strcmp(module, s->options->fail))
		ret = -EIO;
	end.millis = now_ms() - began;
	end.ok = !ret;
	snprintf(end.module, sizeof(end.module), "%s", module);
	snprintf(end.message, sizeof(end.message), "%s", ret ? "a simulated failure" : "");
	event_add(s, end);
	return ret;
}

static int run(struct sim *s)
{
	struct event report = {.kind = EVENT_REPORT, .ok = 1};
	const char *modules = plan_head(&s->plan, "modules");
	_cleanup_free_ char *list = strdup(modules ? modules : "");
	char *rest = list, *module;
	int failed = 0, ret = 0;

	event_add(s, (struct event){.kind = EVENT_START});
	while (!failed && !ret && (module = str_word(&rest))) {
		failed = run_module(s, module);
		if (failed) {
			report.ok = 0;
			snprintf(report.module, sizeof(report.module), "%s", module);
			snprintf(report.message, sizeof(report.message), "a simulated failure");
		}
		ret = flush_events(s);
	}
	if (ret)
		return ret;
	event_add(s, report);
	ret = flush_events(s);
	if (ret)
		return ret;
	return failed && !s->options->fail ? failed : 0;
}

int sim_one(const struct sim_options *options)
{
	_cleanup_strbuf_ struct strbuf sealed = STRBUF_INIT, text = {.max = PLAN_MAX};
	struct sim s = {.options = options, .started = now_ms()};
	int ret;

	snprintf(s.nonce, sizeof(s.nonce), "%s", options->nonce ? options->nonce : "");
	if (!options->nonce)
		sim_nonce(s.nonce);
	box_keys_make(&s.keys);
	ret = request_plan(&s, &sealed);
	if (ret)
		return ret == -EACCES ? 3 : 1;
	ret = sim_plan_take(&s.plan, &text, sealed.buf, sealed.len, &s.keys, s.nonce,
			    options->site_public);
	if (!ret && options->plan_only)
		fwrite(text.buf, 1, text.len, stdout);
	else if (!ret)
		ret = run(&s);
	plan_free(&s.plan);
	strbuf_free(&s.events);
	return ret ? 1 : 0;
}
