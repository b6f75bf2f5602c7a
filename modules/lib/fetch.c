/* From a root in the plan to files in the target; see fetch.h. */
#include "modules/lib/fetch.h"

#include "init/lib/blob.h"
#include "init/lib/cancel.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/silent.h"
#include "init/lib/str.h"
#include "modules/lib/extract.h"
#include "modules/lib/ring-source.h"

#include <errno.h>
#include <string.h>

#define SOURCES_MAX 64
#define LINGER_MS   200

struct sources {
	char *url[SOURCES_MAX];
	size_t count, owned; /* those after `owned` were made here */
};

static void sources_free(struct sources *s)
{
	while (s->count > s->owned)
		free(s->url[--s->count]);
}

static int sources_collect(struct sources *s, const struct fetch *f)
{
	int made;

	*s = (struct sources){0};
	plan_for_each (line, f->sources, "source")
		if (s->count < SOURCES_MAX)
			s->url[s->count++] = (char *)line->value;
	s->owned = s->count;
	made = plan_blob_urls(f->plan, f->root, s->url + s->count, SOURCES_MAX - s->count);
	if (made > 0)
		s->count += (size_t)made;
	return made < 0 ? made : s->count ? 0 : -EINVAL;
}

struct flow {
	const struct fetch *f;
	struct blob_reader *reader;
	uint64_t done;
};

static void show_progress(const struct flow *flow)
{
	const struct fetch *f = flow->f;

	f->progress(f->ctx, flow->done, blob_length(flow->reader), f->what);
}

static bool is_cancelled(void *arg)
{
	(void)arg;
	return module_cancelled();
}

static ssize_t flow_next(void *arg, const void **block)
{
	struct flow *flow = arg;
	ssize_t n;

	if (module_cancelled())
		return log_err(-ECANCELED, "the %s", flow->f->what);
	n = blob_next(flow->reader, block);
	if (n > 0)
		flow->done += (uint64_t)n;
	show_progress(flow);
	return n;
}

/* Other nodes may still take from this one; PID 1 hears that we live. */
static void linger(const struct flow *flow)
{
	while (blob_lingers(flow->reader)) {
		show_progress(flow);
		sleep_ms(LINGER_MS);
	}
}

/* What fetch_unpack() and fetch_text() keep while blocks come. */
struct opened {
	struct sources sources;
	struct ring_source ring;
	struct blob_stream stream;
	struct flow flow;
};

static int fetch_open(struct opened *o, const struct fetch *f)
{
	const char *problem = ring_source_problem(f->sources);
	struct blob_request request = {
		.root = f->root, .silent = SILENT_PATH, .cancelled = is_cancelled};
	int ret = sources_collect(&o->sources, f);

	o->flow = (struct flow){.f = f};
	if (ret)
		return log_err(ret, "no place to fetch the %s from", f->what);
	if (problem)
		return log_err(0, "the plan of the %s: %s", f->what, problem);
	ring_source_init(&o->ring, f->sources, f->root, f->target, plan_head(f->plan, "node"));
	o->stream = (struct blob_stream){
		.name = o->ring.label, .run = ring_source_run, .arg = &o->ring};
	request.stream = o->ring.master ? &o->stream : NULL;
	request.urls = (const char *const *)o->sources.url;
	request.url_count = o->sources.count;
	return blob_open(&o->flow.reader, &request);
}

static void fetch_close(struct opened *o)
{
	if (o->flow.reader)
		blob_close(o->flow.reader);
	sources_free(&o->sources);
}

int fetch_unpack(const struct fetch *f)
{
	struct opened o = {.flow = {.reader = NULL}};
	struct extract_source source = {.next = flow_next,
					.arg = &o.flow,
					.format = f->format,
					.overlay = f->overlay,
					.wanted = f->wanted,
					.wanted_arg = f->wanted_arg};
	int ret = fetch_open(&o, f);

	if (!ret) {
		ret = extract(f->target, &source);
		linger(&o.flow);
	}
	fetch_close(&o);
	return ret;
}

static int read_all(struct flow *flow, char *to, size_t len)
{
	const void *block;
	ssize_t n = 0;

	for (; len && (n = flow_next(flow, &block)) > 0; len -= (size_t)n, to += n)
		memcpy(to, block, (size_t)n);
	return n < 0 ? (int)n : 0;
}

int fetch_text(const struct fetch *f, size_t max, char **out, size_t *len)
{
	struct opened o = {.flow = {.reader = NULL}};
	_cleanup_free_ char *text = NULL;
	int ret = fetch_open(&o, f);

	if (!ret && blob_length(o.flow.reader) > max)
		ret = log_err(-EFBIG, "the %s", f->what);
	*len = ret ? 0 : (size_t)blob_length(o.flow.reader);
	if (!ret && !(text = calloc(1, *len + 1)))
		ret = log_err(-ENOMEM, "the %s", f->what);
	if (!ret)
		ret = read_all(&o.flow, text, *len);
	fetch_close(&o);
	if (ret)
		return ret;
	*out = text;
	text = NULL;
	return 0;
}

bool fetch_is_root(const char *s)
{
	unsigned char raw[BLOB_HASH_LEN];

	return s && !str_from_hex(s, raw, sizeof(raw));
}
