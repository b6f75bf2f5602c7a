/* verify: compares every file of the installed system with what the installation left: the base's
 * listing and the record of what was changed of it. Reads only; what differs is its result and no
 * failure. With `extra yes` also what is there and was not installed.
 */
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/path-text.h"
#include "init/module.h"
#include "modules/lib/drift.h"
#include "modules/lib/fetch.h"
#include "modules/lib/census.h"
#include "modules/lib/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define NAMED_MAX 500 /* differences that are named one by one */

struct verify {
	struct module_context *ctx;
	struct drift drift;
	struct listing_index in_base, in_record;
	size_t named, missing, unreadable, extra;
};

/* --- what differs --- */

static void name_one(struct verify *v, const char *word, const char *what)
{
	if (v->named++ < NAMED_MAX)
		log_info("%s %s", word, what);
}

static void name_differences(struct verify *v)
{
	for (size_t i = 0; i < v->drift.count; i++) {
		const struct drift_item *item = &v->drift.items[i];
		_cleanup_strbuf_ struct strbuf what = STRBUF_INIT;

		if (!item->what)
			continue;
		v->missing += !!(item->what & DRIFT_MISSING);
		v->unreadable += !!(item->what & DRIFT_UNREADABLE);
		drift_describe(item, &what);
		name_one(v, drift_word(item), what.buf ? what.buf : "");
	}
}

/* --- what nobody installed --- */

static int name_extra(const char *path, const struct stat *st, void *arg)
{
	struct verify *v = arg;
	_cleanup_strbuf_ struct strbuf what = STRBUF_INIT;
	const struct listing_entry *r = listing_index_find(&v->in_record, path);

	(void)st;
	if (r ? r->type != LISTING_GONE : !!listing_index_find(&v->in_base, path))
		return 0;
	v->extra++;
	strbuf_adds(&what, "'/");
	path_text_add(&what, path);
	strbuf_adds(&what, "'");
	name_one(v, "extra", what.buf ? what.buf : "");
	return 0;
}

static int find_extra(struct verify *v)
{
	_cleanup_close_ int root = open(v->ctx->target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct census_walk w = {
		.job = CENSUS_JOB(v->ctx), .root = root, .fn = name_extra, .arg = v};
	int ret = root < 0 ? -errno : listing_index_make(&v->in_base, &v->drift.base);

	if (!ret)
		ret = listing_index_make(&v->in_record, &v->drift.record);
	if (!ret)
		ret = census_walk(&w);
	listing_index_free(&v->in_base);
	listing_index_free(&v->in_record);
	return ret ? log_err(ret, "cannot look for what was not installed") : 0;
}

/* --- the whole --- */

static void tell(struct verify *v)
{
	const struct drift *d = &v->drift;
	size_t all = d->different + v->extra;
	char read[16];

	if (v->named > NAMED_MAX)
		log_warn("%zu more are not named", v->named - NAMED_MAX);
	log_info("%zu entries compared, %s read, %zu files of it as they lie on the disk", d->count,
		 str_from_size(d->read, read, sizeof(read)), (size_t)d->swept);
	if (!all)
		module_result(v->ctx, "verified: no differences");
	else
		module_result(v->ctx,
			      "verified: %zu differences (%zu changed, %zu missing, %zu "
			      "unreadable, %zu extra)",
			      all, d->different - v->missing - v->unreadable, v->missing,
			      v->unreadable, v->extra);
}

static int verify_run(struct module_context *ctx)
{
	struct verify v = {.ctx = ctx};
	const char *extra = plan_get(ctx->section, "extra");
	dev_t dev;
	int ret;

	if (!target_is_mounted(ctx->target, &dev))
		return log_err(-ENOTCONN, "nothing is mounted at '%s'", ctx->target);
	ret = drift_open(&v.drift, CENSUS_JOB(ctx));
	if (ret)
		return ret == -ENODATA ? log_err(ret, "the plan names no listing") : ret;
	ret = drift_compare(&v.drift, CENSUS_JOB(ctx), false);
	if (!ret)
		name_differences(&v);
	if (!ret && extra && !strcmp(extra, "yes"))
		ret = find_extra(&v);
	if (!ret)
		tell(&v);
	drift_free(&v.drift);
	return ret;
}

static void verify_check(struct module_check *check)
{
	plan_for_each (line, check->section, "extra")
		if (strcmp(line->value, "yes") != 0 && strcmp(line->value, "no") != 0)
			check->error(check, "extra '%s' is not yes or no", line->value);
	plan_for_each (line, check->section, "ignore")
		if (line->value[0] != '/')
			check->error(check, "ignore '%s' is no list of absolute paths",
				     line->value);
}

MODULE(verify, .summary = "compare every file with what was installed",
       .after = "init partition mount extrbase restore install configure", .needs = "mount",
       .run = verify_run, .check = verify_check);
