/* A node without a machine: asks a server for its plan, opens and verifies it, fetches every blob
 * of it through the blob reader (so each chunk is verified), and reports events as PID 1 does. For
 * tests of the server and for storms of many nodes.
 *
 *	sim-node --server URL --mac MAC --site-key FILE [--nonce HEX] [--fail MODULE] [--repeat]
 *[--plan-only] [--no-blobs]
 *
 * --fail reports that MODULE failed; --repeat sends every batch of events twice; --plan-only prints
 * the plan and ends. Exit: 0 what was meant to happen happened and every event is acknowledged, 1
 * not, 3 the server refused a plan (its reason is printed).
 */
#include <errno.h>
#include <getopt.h>
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
#include "init/lib/seal.h"

#define WHY_MAX 256
#define TRIES	30

struct sim {
	const char *server, *mac, *site_key, *fail;
	bool repeat, plan_only, no_blobs;
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
	char key[2 * BOX_KEY_LEN + 1], url[512];
	struct http_request request = {
		.url = url, .content_type = "application/json", .max = 2 * PLAN_MAX};
	long status;
	int ret;

	str_to_hex(s->keys.public_key, BOX_KEY_LEN, key);
	strbuf_addf(&body,
		    "{\"mac\": \"%s\", \"nonce\": \"%s\", \"key\": \"%s\", \"inventory\": "
		    "{\"ram\": 268435456, \"cpus\": 1, "
		    "\"disks\": [{\"name\": \"vda\", \"bytes\": 4294967296, \"serial\": \"\", "
		    "\"model\": \"simulated\"}]}}",
		    s->mac, s->nonce, key);
	snprintf(url, sizeof(url), "%s/v1/plan", s->server);
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

static int take_plan(struct sim *s, const struct strbuf *sealed)
{
	_cleanup_strbuf_ struct strbuf text = {.max = PLAN_MAX};
	uint8_t site[SITE_PUBLIC_LEN];
	const char *nonce;
	char why[WHY_MAX];
	int ret = site_public_read(s->site_key, site);

	if (ret)
		return log_err(ret, "cannot read the site key '%s'", s->site_key);
	ret = plan_open(&text, sealed->buf, sealed->len, &s->keys, site);
	if (ret)
		return log_err(ret, "the plan");
	ret = plan_parse(&s->plan, text.buf, text.len, why, sizeof(why));
	if (ret)
		return log_err(0, "the plan: %s", why);
	nonce = plan_head(&s->plan, "nonce");
	if (!nonce || strcmp(nonce, s->nonce) != 0)
		return log_err(-EBADMSG, "the plan has another nonce");
	if (s->plan_only)
		fwrite(text.buf, 1, text.len, stdout);
	return 0;
}

static void event_add(struct sim *s, struct event e)
{
	snprintf(e.install, sizeof(e.install), "%s", plan_head(&s->plan, "install"));
	snprintf(e.mac, sizeof(e.mac), "%s", s->mac);
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

	snprintf(url, sizeof(url), "%s/v1/events", s->server);
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

	if (!ret && s->repeat)
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

	snprintf(url, sizeof(url), "%s/blob/%s", s->server, root);
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

	if (!section || s->no_blobs)
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
	if (!ret && s->fail && !strcmp(module, s->fail))
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
	return failed && !s->fail ? failed : 0;
}

static int parse(struct sim *s, int argc, char **argv)
{
	static const struct option options[] = {{"server", required_argument, NULL, 's'},
						{"mac", required_argument, NULL, 'm'},
						{"site-key", required_argument, NULL, 'k'},
						{"nonce", required_argument, NULL, 'n'},
						{"fail", required_argument, NULL, 'f'},
						{"repeat", no_argument, NULL, 'r'},
						{"plan-only", no_argument, NULL, 'p'},
						{"no-blobs", no_argument, NULL, 'b'},
						{0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			s->server = optarg;
			break;
		case 'm':
			s->mac = optarg;
			break;
		case 'k':
			s->site_key = optarg;
			break;
		case 'n':
			snprintf(s->nonce, sizeof(s->nonce), "%s", optarg);
			break;
		case 'f':
			s->fail = optarg;
			break;
		case 'r':
			s->repeat = true;
			break;
		case 'p':
			s->plan_only = true;
			break;
		case 'b':
			s->no_blobs = true;
			break;
		default:
			return -EINVAL;
		}
	}
	return s->server && s->mac && s->site_key && optind == argc ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	_cleanup_strbuf_ struct strbuf sealed = STRBUF_INIT;
	uint8_t nonce[NONCE_LEN];
	struct sim s = {.started = now_ms()};
	int ret;

	log_set_program("sim-node");
	if (seal_init())
		return 1;
	seal_random(nonce, sizeof(nonce));
	str_to_hex(nonce, sizeof(nonce), s.nonce);
	box_keys_make(&s.keys);
	if (parse(&s, argc, argv)) {
		fputs("usage: see the start of tests/bench/sim-node.c\n", stderr);
		return 2;
	}
	ret = request_plan(&s, &sealed);
	if (ret)
		return ret == -EACCES ? 3 : 1;
	ret = take_plan(&s, &sealed);
	if (!ret && !s.plan_only)
		ret = run(&s);
	plan_free(&s.plan);
	strbuf_free(&s.events);
	return ret ? 1 : 0;
}
