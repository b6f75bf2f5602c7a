/* mount: mounts the file systems of the layout under the target, each found by its UUID through the
 * stamp of its disk, and switches the swap on. Mount options of the definition are for fstab;
 * during the installation speed counts, and a read-only root would be of no use.
 */
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/module.h"
#include "modules/lib/target.h"
#include "modules/lib/tool.h"
#include "modules/lib/volume.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>

/* The kernel zeroes inode tables after the first mount of the installed system, not while we fill
 * them. */
#define EXT4_OPTIONS "noinit_itable"
/* quiet: vfat has no modes, and who sets one has not failed. */
#define VFAT_OPTIONS "umask=0077,quiet"

static const char *const vfat_modules[] = {"vfat", "nls_cp437", "nls_ascii"};

static int swap_on(const struct volume *v)
{
	if (!swapon(v->path, 0) || errno == EBUSY)
		return 0;
	return log_err(-errno, "cannot switch on the swap of '%s'", v->path);
}

/* The directory to mount at; of a system that is repaired, links on the way may be absolute. */
static int find_place(const char *target, const char *inner, char place[PATH_MAX])
{
	int ret = mkdir_path(target, 0755);

	if (!ret)
		ret = target_place(target, inner, place);
	if (ret == -ENOENT)
		ret = target_mkdir(target, inner, 0755) ? -EIO : target_place(target, inner, place);
	return ret ? log_err(ret, "cannot find the directory for '%s' in the target", inner) : 0;
}

static int mount_one(const char *target, const struct volume *v)
{
	char place[PATH_MAX];
	bool vfat = v->part.fs == FS_VFAT;
	struct stat st;
	dev_t dev;
	int ret = find_place(target, v->part.mount, place);

	if (ret)
		return ret;
	if (stat(v->path, &st))
		return log_err(-errno, "cannot find '%s'", v->path);
	if (target_is_mounted(place, &dev))
		return dev == st.st_rdev
			       ? 0
			       : log_err(-EBUSY, "something else is mounted at '%s'", place);
	if (vfat)
		tool_load(vfat_modules, ARRAY_SIZE(vfat_modules));
	if (mount(v->path, place, layout_fs_name(v->part.fs), MS_NOATIME,
		  vfat ? VFAT_OPTIONS : EXT4_OPTIONS))
		return log_err(-errno, "cannot mount '%s' at '%s'", v->path, place);
	log_info("'%s' is mounted at '%s'", v->path, place);
	return 0;
}

/* A repair of what was never completed would end as an installation that reports success. */
static int check_finished(const struct plan *plan, const struct volumes *v)
{
	if (volume_plan_runs(plan, "partition") || volume_plan_runs(plan, "extrbase"))
		return 0;
	for (size_t i = 0; i < v->disk_count; i++) {
		if (v->stamps[i].finished)
			continue;
		log_err(0, "installation '%s' on '%s' was never finished, it cannot be repaired",
			v->stamps[i].install, v->disks[i].path);
		return -EUCLEAN;
	}
	return 0;
}

static int mount_run(struct module_context *ctx)
{
	_cleanup_free_ struct volumes *v = NULL;
	int ret = volumes_find(ctx->plan, &v);

	if (!ret)
		ret = check_finished(ctx->plan, v);
	for (size_t i = 0; !ret && i < v->count; i++) {
		module_progress(ctx, i, v->count, v->list[i].part.mount);
		if (v->list[i].part.fs == FS_SWAP)
			ret = swap_on(&v->list[i]);
		else if (v->list[i].part.mount[0] == '/')
			ret = mount_one(ctx->target, &v->list[i]);
	}
	if (!ret)
		module_progress(ctx, v->count, v->count, "done");
	return ret;
}

static void mount_check(struct module_check *check)
{
	struct layout *l = malloc(sizeof(*l));
	bool root = false;

	/* What is wrong with a line is partition's to say. */
	if (l && !layout_parse(l, plan_section(check->plan, "layout"), NULL, NULL)) {
		for (size_t i = 0; i < l->part_count; i++)
			root = root || !strcmp(l->parts[i].mount, "/");
		if (!root)
			check->error(check, "the layout has no partition for '/'");
	}
	free(l);
}

MODULE(mount, .summary = "mount the target's file systems by UUID", .after = "init partition",
       .run = mount_run, .check = mount_check);
