/* extrbase: unpacks the base system, a verified blob, into the target, from a ring, URLs or the
 * server. What an earlier try left there is removed first. */
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "init/module.h"
#include "modules/lib/fetch.h"
#include "modules/lib/journal.h"
#include "modules/lib/record.h"
#include "modules/lib/ring-source.h"
#include "modules/lib/target.h"
#include "modules/lib/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>

#define WALK_DESCRIPTORS 16

static const char *const formats[] = {"tar.gz", "tar.xz", "tar.zst"};

static bool is_format(const char *s)
{
	for (size_t i = 0; s && i < ARRAY_SIZE(formats); i++)
		if (!strcmp(s, formats[i]))
			return true;
	return false;
}

/* A directory that stays is one on which another file system is mounted. */
static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	if (walk->level == 0 || (walk->level == 1 && !strcmp(path + walk->base, "lost+found")))
		return 0;
	if (!remove(path) ||
	    (type == FTW_DP && (errno == ENOTEMPTY || errno == EBUSY || errno == EEXIST)))
		return 0;
	log_err(-errno, "cannot remove '%s' of an earlier installation", path);
	return 1;
}

/* Goes through our own file systems one by one and never over into another one, nor into one that
 * the layout preserves. */
static int empty_target(struct module_context *ctx, const struct volumes *v)
{
	for (size_t i = v->count; i-- > 0;) {
		const char *inner = v->list[i].part.mount;
		char place[PATH_MAX];
		dev_t dev;
		int ret;

		if (inner[0] != '/' || v->list[i].part.keep == KEEP_CONTENT)
			continue;
		snprintf(place, sizeof(place), "%s%s", ctx->target,
			 strcmp(inner, "/") ? inner : "");
		if (!target_is_mounted(place, &dev)) {
			log_err(0, "nothing is mounted at '%s'", place);
			return -ENOTCONN;
		}
		ret = nftw(place, remove_one, WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		if (ret)
			return ret > 0 ? -EIO : log_err(-errno, "cannot empty '%s'", place);
	}
	return 0;
}

/* Where the installed system mounts what is not mounted now. */
static int make_mount_points(struct module_context *ctx, const struct volumes *v)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < v->count; i++)
		if (volume_is_left_alone(ctx->plan, &v->list[i]) &&
		    !target_exists(ctx->target, v->list[i].part.mount))
			ret = target_mkdir(ctx->target, v->list[i].part.mount, 0755);
	return ret;
}

/* Stamps that partition did not write, and that finalize will. */
static bool ends_again(const struct plan *plan)
{
	return !volume_plan_runs(plan, "partition") && volume_plan_runs(plan, JOURNAL_LAST);
}

static int extrbase_run(struct module_context *ctx)
{
	_cleanup_free_ struct volumes *v = NULL;
	const char *blob = plan_get(ctx->section, "blob"), *name = plan_get(ctx->section, "base");
	char root[65] = "", what[80];
	struct fetch f = {
		.plan = ctx->plan,
		.sources = ctx->section,
		.root = root,
		.format = plan_get(ctx->section, "format"),
		.what = what,
		.target = ctx->target,
		.ctx = ctx,
		.progress = module_progress,
	};
	int ret;

	if (!blob || !is_format(f.format) || sscanf(blob, "%64s", root) != 1 ||
	    !fetch_is_root(root))
		return log_err(-EINVAL, "the plan names no base system");
	snprintf(what, sizeof(what), "base system '%.60s'", name ? name : "");
	ret = volumes_find(ctx->plan, &v);
	if (!ret && ends_again(ctx->plan))
		ret = journal_reopen(ctx->plan);
	if (!ret)
		ret = empty_target(ctx, v);
	if (!ret)
		ret = fetch_unpack(&f);
	if (!ret)
		ret = record_start(ctx->target, root);
	if (!ret)
		ret = make_mount_points(ctx, v);
	module_progress(ctx, 0, 0, "writing to the disk");
	if (!ret)
		ret = volumes_sync(v, ctx->target);
	return ret ? ret : journal_close(ctx->plan, "extrbase");
}

static bool extrbase_stands(struct module_context *ctx)
{
	return journal_has(ctx->plan, "extrbase");
}

static void extrbase_check(struct module_check *check)
{
	const char *blob = plan_get(check->section, "blob"),
		   *format = plan_get(check->section, "format"),
		   *problem = ring_source_problem(check->section);
	char root[65], bytes[24];
	uint64_t length;

	if (!blob)
		check->error(check, "no base system is named");
	else if (sscanf(blob, "%64s %23s", root, bytes) != 2 || !fetch_is_root(root) ||
		 str_to_u64(bytes, &length) || !length)
		check->error(check, "blob '%s' is not ROOT BYTES", blob);
	if (blob && !is_format(format))
		check->error(
			check,
			"format '%s' of the base is unknown, expected tar.gz, tar.xz or tar.zst",
			format ? format : "");
	if (problem)
		check->error(check, "%s", problem);
}

MODULE(extrbase, .summary = "unpack the base system", .after = "init partition mount",
       .needs = "mount", .run = extrbase_run, .stands = extrbase_stands, .check = extrbase_check);
