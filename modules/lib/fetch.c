/* From a root in the plan to files in the target; see fetch.h. */
#include "modules/lib/fetch.h"

#include "init/lib/blob.h"
#include "init/lib/cancel.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
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

int fetch_unpack(const struct fetch *f)
{
	__attribute__((cleanup(sources_free))) struct sources s;
	struct flow flow = {.f = f};
	struct extract_source source = {
		.next = flow_next, .arg = &flow, .format = f->format, .overlay = f->overlay};
	struct ring_source ring;
	struct blob_stream stream = {.name = ring.label, .run = ring_source_run, .arg = &ring};
	struct blob_request request = {
		.root = f->root, .urls = (const char *const *)s.url, .cancelled = is_cancelled};
	const char *problem = ring_source_problem(f->sources);
	int ret = sources_collect(&s, f);

	if (ret)
		return log_err(ret, "no place to fetch the %s from", f->what);
	if (problem)
		return log_err(0, "the plan of the %s: %s", f->what, problem);
	ring_source_init(&ring, f->sources, f->root, f->target, plan_head(f->plan, "node"));
	request.stream = ring.master ? &stream : NULL;
	request.url_count = s.count;
	ret = blob_open(&flow.reader, &request);
	if (ret)
		return ret;
	ret = extract(f->target, &source);
	linger(&flow);
	blob_close(flow.reader);
	return ret;
}

bool fetch_is_root(const char *s)
{
	unsigned char raw[BLOB_HASH_LEN];

	return s && !str_from_hex(s, raw, sizeof(raw));
}
