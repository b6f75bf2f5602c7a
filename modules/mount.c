/* mount: mounts the file systems of the layout under the target, each found by its UUID through the
 * stamp of its disk, and switches the swap on. Mount options of the definition are for fstab;
 * during the installation speed counts. What this plan did not make is looked through before. An
 * installer with `read_only yes` (verify, rescue) gets everything read-only, the disks too.
 */
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/module.h"
#include "modules/lib/fsck.h"
#include "modules/lib/target.h"
#include "modules/lib/tool.h"
#include "modules/lib/volume.h"
#include "modules/lib/xfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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
	/* With a random key it is made anew by the system that boots. */
	if (!strcmp(v->part.how, "random") && access(v->path, F_OK))
		return 0;
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

/* What this plan does not make anew is looked through before. What was mended is worth a word in the
 * report. */
static int look_through(struct module_context *ctx, const struct volume *v)
{
	char why[160], what[64];
	int ret;

	if ((v->part.fs != FS_EXT4 && v->part.fs != FS_XFS) ||
	    (volume_plan_runs(ctx->plan, "partition") && v->part.keep != KEEP_CONTENT))
		return 0;
	snprintf(what, sizeof(what), "a look through %.32s", v->path);
	module_progress(ctx, 0, 0, what);
	ret = v->part.fs == FS_XFS ? xfs_mend(v->path, why, sizeof(why))
				   : fsck_ext4(v->path, why, sizeof(why));
	if (ret > 0)
		module_result(ctx, "mended: '%s' (%.64s): %s", v->path, v->part.mount, why);
	return ret < 0 ? ret : 0;
}

/* Read-only is without a replay of the journal, which would write. */
static int mount_at(const struct volume *v, const char *place, bool read_only)
{
	enum layout_fs fs = v->part.fs;
	const char *options = fs == FS_VFAT  ? VFAT_OPTIONS
			      : fs == FS_XFS ? (read_only ? "norecovery" : "")
			      : read_only    ? EXT4_OPTIONS ",noload"
					     : EXT4_OPTIONS;

	if (fs == FS_VFAT)
		tool_load(vfat_modules, ARRAY_SIZE(vfat_modules));
	else if (fs == FS_XFS)
		xfs_load();
	if (mount(v->path, place, layout_fs_name(v->part.fs),
		  MS_NOATIME | (read_only ? MS_RDONLY : 0), options))
		return log_err(-errno, "cannot mount '%s' at '%s'", v->path, place);
	log_info("'%s' is mounted at '%s'%s", v->path, place, read_only ? ", read-only" : "");
	return 0;
}

static int mount_one(struct module_context *ctx, const struct volume *v, bool read_only)
{
	char place[PATH_MAX];
	struct stat st;
	dev_t dev;
	int ret = find_place(ctx->target, v->part.mount, place);

	if (ret)
		return ret;
	if (stat(v->path, &st))
		return log_err(-errno, "cannot find '%s'", v->path);
	if (target_is_mounted(place, &dev))
		return dev == st.st_rdev
			       ? 0
			       : log_err(-EBUSY, "something else is mounted at '%s'", place);
	ret = read_only ? 0 : look_through(ctx, v);
	return ret ? ret : mount_at(v, place, read_only);
}

/* The kernel refuses to write then, whoever asks: a person in a rescue, or a driver. */
static int protect_disk(const struct disk *d)
{
	_cleanup_close_ int fd = open(d->path, O_RDONLY | O_CLOEXEC);
	int yes = 1;

	return fd < 0 || ioctl(fd, BLKROSET, &yes)
		       ? log_err(-errno, "cannot make disk '%s' read-only", d->path)
		       : 0;
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

static int mount_all(struct module_context *ctx, const struct volumes *v, bool read_only)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < v->count; i++) {
		if (strcmp(v->list[i].part.mount, "-") != 0)
			module_progress(ctx, i, v->count, v->list[i].part.mount);
		if (v->list[i].part.fs == FS_SWAP)
			ret = read_only ? 0 : swap_on(&v->list[i]);
		else if (v->list[i].part.mount[0] == '/' &&
			 !volume_is_left_alone(ctx->plan, &v->list[i]))
			ret = mount_one(ctx, &v->list[i], read_only);
	}
	if (!ret)
		module_progress(ctx, v->count, v->count, "done");
	return ret;
}

static bool is_read_only(const struct plan *plan)
{
	const char *value = plan_head(plan, "read_only");

	return value && !strcmp(value, "yes");
}

static int mount_run(struct module_context *ctx)
{
	_cleanup_free_ struct volumes *v = NULL;
	bool read_only = is_read_only(ctx->plan);
	int ret = volumes_find(ctx->plan, &v);

	if (!ret && !read_only)
		ret = check_finished(ctx->plan, v);
	for (size_t i = 0; !ret && read_only && i < v->disk_count; i++)
		ret = protect_disk(&v->disks[i]);
	return ret ? ret : mount_all(ctx, v, read_only);
}

/* Modules that would only find out on the node. */
static void check_read_only(struct module_check *check)
{
	static const char *const writers[] = {"partition", "extrbase", "dolly",	  "install",
					      "configure", "finalize", "restore", "wipe"};

	for (size_t i = 0; i < ARRAY_SIZE(writers); i++)
		if (volume_plan_runs(check->plan, writers[i]))
			check->error(check, "module '%s' writes, and the installer is read-only",
				     writers[i]);
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
	if (is_read_only(check->plan))
		check_read_only(check);
}

MODULE(mount, .summary = "mount the target's file systems by UUID", .after = "init partition",
       .run = mount_run, .check = mount_check);
