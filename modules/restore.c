/* restore: puts back what differs from the base system, and nothing else: it compares as verify
 * does, then unpacks the base with a filter. Of what an installation changed of the base, configure
 * writes its own anew after this; what neither brings back (files of packages) is named.
 */
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/path-text.h"
#include "init/module.h"
#include "modules/lib/drift.h"
#include "modules/lib/fetch.h"
#include "modules/lib/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMED_MAX 500

struct restore {
	struct module_context *ctx;
	struct drift drift;
	const char **wanted; /* paths, sorted */
	size_t count;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_wanted(void *arg, const char *path)
{
	struct restore *r = arg;
	char tidy[PATH_INNER_MAX], *key = tidy;

	if (strlen(path) >= sizeof(tidy) - 1)
		return false;
	strcpy(tidy, path);
	path_tidy(tidy);
	return bsearch(&key, r->wanted, r->count, sizeof(*r->wanted), by_text);
}

/* What stands in the way of another kind of file. A directory goes only if it is empty. */
static int clear_place(struct restore *r, const struct drift_item *item)
{
	const char *path = item->want->path;
	char full[PATH_INNER_MAX + 1];

	if (!(item->what & DRIFT_TYPE))
		return 0;
	snprintf(full, sizeof(full), "/%s", path);
	return target_remove(r->ctx->target, full);
}

/* The base's own files that differ, each named. */
static int choose(struct restore *r)
{
	int ret = 0;

	r->wanted = calloc(r->drift.count + 1, sizeof(*r->wanted));
	if (!r->wanted)
		return log_err(-ENOMEM, "cannot restore");
	for (size_t i = 0; !ret && i < r->drift.count; i++) {
		const struct drift_item *item = &r->drift.items[i];
		_cleanup_strbuf_ struct strbuf what = STRBUF_INIT;

		if (!item->what || item->recorded)
			continue;
		drift_describe(item, &what);
		if (r->count < NAMED_MAX)
			log_info("restoring %s %s", drift_word(item), what.buf ? what.buf : "");
		ret = clear_place(r, item);
		r->wanted[r->count++] = item->want->path;
	}
	qsort(r->wanted, r->count, sizeof(*r->wanted), by_text);
	return ret;
}

static int unpack(struct restore *r)
{
	const struct plan_section *s = r->ctx->section;
	const char *blob = plan_get(s, "blob"), *name = plan_get(s, "base");
	char root[65] = "", what[80];
	struct fetch f = {
		.plan = r->ctx->plan,
		.sources = s,
		.root = root,
		.format = plan_get(s, "format"),
		.what = what,
		.target = r->ctx->target,
		.wanted = is_wanted,
		.wanted_arg = r,
		.ctx = r->ctx,
		.progress = module_progress,
	};

	if (!blob || !f.format || sscanf(blob, "%64s", root) != 1 || !fetch_is_root(root))
		return log_err(-EINVAL, "the plan names no base system");
	snprintf(what, sizeof(what), "base system '%.60s'", name ? name : "");
	return fetch_unpack(&f);
}

/* Nothing is reported as restored that was not looked at again. */
static int prove(struct restore *r)
{
	int ret = drift_compare(&r->drift, CENSUS_JOB(r->ctx), true);
	size_t left = 0;

	for (size_t i = 0; !ret && i < r->drift.count; i++) {
		const struct drift_item *item = &r->drift.items[i];
		_cleanup_strbuf_ struct strbuf what = STRBUF_INIT;

		if (!item->what)
			continue;
		drift_describe(item, &what);
		if (item->recorded) {
			log_warn("%s %s: it is not of the base", drift_word(item),
				 what.buf ? what.buf : "");
			left++;
			continue;
		}
		ret = log_err(-EIO, "it is still %s: %s", drift_word(item),
			      what.buf ? what.buf : "");
	}
	if (!ret && left)
		module_result(r->ctx, "restored: %zu of the base, %zu differ that are not of it",
			      r->count, left);
	else if (!ret)
		module_result(r->ctx, "restored: %zu", r->count);
	return ret;
}

static int sync_root(const struct restore *r)
{
	_cleanup_close_ int fd = target_open(r->ctx->target, "/", O_RDONLY | O_DIRECTORY);

	return fd < 0 || syncfs(fd) ? log_err(fd < 0 ? fd : -errno, "cannot write to the disk") : 0;
}

static int restore_target(struct restore *r)
{
	int ret = drift_compare(&r->drift, CENSUS_JOB(r->ctx), false);

	if (!ret)
		ret = choose(r);
	if (!ret && r->count)
		ret = unpack(r);
	if (!ret && r->count)
		ret = sync_root(r);
	return ret ? ret : prove(r);
}

static int restore_run(struct module_context *ctx)
{
	struct restore r = {.ctx = ctx};
	dev_t dev;
	int ret;

	if (!target_is_mounted(ctx->target, &dev))
		return log_err(-ENOTCONN, "nothing is mounted at '%s'", ctx->target);
	ret = drift_open(&r.drift, CENSUS_JOB(ctx));
	if (ret)
		return ret == -ENODATA ? log_err(ret, "the plan names no listing") : ret;
	ret = restore_target(&r);
	free(r.wanted);
	drift_free(&r.drift);
	return ret;
}

MODULE(restore, .summary = "put back what differs from the base", .after = "init mount",
       .needs = "mount", .run = restore_run);
