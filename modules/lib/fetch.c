/* From a root in the plan to files in the target; see fetch.h. */
#include "modules/lib/fetch.h"

#include "init/lib/blob.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/extract.h"

#include <errno.h>
#include <string.h>

#define SOURCES_MAX 64

struct sources {
	const char *url[SOURCES_MAX];
	size_t count, owned; /* those after `owned` were made here */
};

static void sources_free(struct sources *s)
{
	while (s->count > s->owned)
		free((char *)s->url[--s->count]);
}

static int sources_collect(struct sources *s, const struct fetch *f)
{
	*s = (struct sources){0};
	plan_for_each (line, f->sources, "source")
		if (s->count < SOURCES_MAX)
			s->url[s->count++] = line->value;
	s->owned = s->count;
	plan_for_each (line, plan_section(f->plan, ""), "server") {
		char *url;

		if (s->count == SOURCES_MAX)
			break;
		if (asprintf(&url, "%s/blob/%s", line->value, f->root) < 0)
			return -ENOMEM;
		s->url[s->count++] = url;
	}
	return s->count ? 0 : -EINVAL;
}

struct flow {
	const struct fetch *f;
	struct blob_reader *reader;
	uint64_t done;
};

static ssize_t flow_next(void *arg, const void **block)
{
	struct flow *flow = arg;
	ssize_t n;

	if (flow->f->cancelled(flow->f->arg))
		return log_err(-ECANCELED, "the %s", flow->f->what);
	n = blob_next(flow->reader, block);
	if (n > 0)
		flow->done += (uint64_t)n;
	flow->f->progress(flow->f->arg, flow->done, blob_length(flow->reader));
	return n;
}

int fetch_unpack(const struct fetch *f)
{
	__attribute__((cleanup(sources_free))) struct sources s;
	struct flow flow = {.f = f};
	struct extract_source source = {
		.next = flow_next, .arg = &flow, .format = f->format, .overlay = f->overlay};
	struct blob_request request = {
		.root = f->root, .urls = s.url, .cancelled = f->cancelled, .cancel_arg = f->arg};
	int ret = sources_collect(&s, f);

	if (ret)
		return log_err(ret, "no place to fetch the %s from", f->what);
	request.url_count = s.count;
	ret = blob_open(&flow.reader, &request);
	if (ret)
		return ret;
	ret = extract(f->target, &source);
	blob_close(flow.reader);
	return ret;
}

bool fetch_is_root(const char *s)
{
	unsigned char raw[BLOB_HASH_LEN];

	return s && !str_from_hex(s, raw, sizeof(raw));
}
