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

static int sources_collect(struct sources *s, const struct plan *plan, const struct fetch *f)
{
	*s = (struct sources){0};
	plan_for_each (line, f->sources, "source")
		if (s->count < SOURCES_MAX)
			s->url[s->count++] = line->value;
	s->owned = s->count;
	plan_for_each (line, plan_section(plan, ""), "server") {
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
	struct module_context *ctx;
	struct blob_reader *reader;
	const char *what;
	uint64_t done;
};

static ssize_t flow_next(void *arg, const void **block)
{
	struct flow *flow = arg;
	ssize_t n = blob_next(flow->reader, block);

	if (n > 0)
		flow->done += (uint64_t)n;
	module_progress(flow->ctx, flow->done, blob_length(flow->reader), flow->what);
	return n;
}

static bool is_cancelled(void *arg)
{
	(void)arg;
	return module_cancelled();
}

int fetch_unpack(struct module_context *ctx, const struct fetch *f)
{
	__attribute__((cleanup(sources_free))) struct sources s;
	struct flow flow = {.ctx = ctx, .what = f->what};
	struct extract_source source = {
		.next = flow_next, .arg = &flow, .format = f->format, .overlay = f->overlay};
	int ret = sources_collect(&s, ctx->plan, f);

	if (ret)
		return log_err(ret, "no place to fetch %s from", f->what);
	ret = blob_open(&flow.reader, &(struct blob_request){.root = f->root,
							     .urls = s.url,
							     .url_count = s.count,
							     .cancelled = is_cancelled});
	if (ret)
		return ret;
	ret = extract(ctx->target, &source);
	blob_close(flow.reader);
	return ret;
}

bool fetch_is_root(const char *s)
{
	unsigned char raw[BLOB_HASH_LEN];

	return s && !str_from_hex(s, raw, sizeof(raw));
}
