/* partition: looks first, then writes tables, file systems and swap areas as the plan's layout
 * says.
 *
 * The guard judges every disk of the layout before the first byte is written anywhere: a disk must
 * be blank or carry our stamp, else the module refuses, unless the plan carries `wipe yes`. The
 * order of writes makes a power cut harmless: an unfinished stamp that names the table that is
 * still there, then its end, a stamp that names the coming table, the table, the file systems. Each
 * state between is one that the guard accepts the next time.
 */
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "init/module.h"
#include "modules/lib/boot-loader.h"
#include "modules/lib/disk.h"
#include "modules/lib/ext4.h"
#include "modules/lib/guard.h"
#include "modules/lib/journal.h"
#include "modules/lib/probe.h"
#include "modules/lib/stamp.h"
#include "modules/lib/table.h"
#include "modules/lib/target.h"
#include "modules/lib/vfat.h"
#include "modules/lib/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include <uuid/uuid.h>

struct job {
	struct module_context *ctx;
	struct layout layout;
	struct disk disks[LAYOUT_DISKS_MAX];
	struct table tables[LAYOUT_DISKS_MAX]; /* as found */
	struct stamp stamps[LAYOUT_DISKS_MAX]; /* as to be written */
	int fds[LAYOUT_DISKS_MAX];	       /* opened exclusively until the tables are written */
	size_t done;
};

/* --- the guard --- */

/* Judges every disk, reports all that is in the way at once. */
static int guard(struct job *job)
{
	_cleanup_strbuf_ struct strbuf found = STRBUF_INIT;
	const char *wipe = plan_head(job->ctx->plan, "wipe");

	for (size_t i = 0; i < job->layout.disk_count; i++) {
		_cleanup_strbuf_ struct strbuf why = STRBUF_INIT;
		const struct guard_disk disk = {job->fds[i], job->disks[i].bytes, &job->tables[i]};
		int ret = guard_judge(&disk, plan_head(job->ctx->plan, "site"), &why);

		if (ret)
			return log_err(ret, "cannot read disk '%s'", job->disks[i].path);
		if (why.len)
			strbuf_addf(&found, "%s'%s' holds %s", found.len ? "; " : "",
				    job->disks[i].path, why.buf);
	}
	if (!found.len)
		return 0;
	if (wipe && !strcmp(wipe, "yes")) {
		log_warn("%s; it is wiped, as the plan says", found.buf);
		return 0;
	}
	log_err(0, "%s; nothing was written, because the plan does not allow to wipe it",
		found.buf);
	return -EPERM;
}

/* --- before the first write --- */

static int open_disk(struct job *job, size_t i)
{
	const struct disk *d = &job->disks[i];
	struct sysinfo info;
	char why[160], size[16];
	int ret = target_swap_off(d);

	if (ret)
		return ret;
	log_info("disk '%s' is '%s': %s, model '%s', serial '%s'", job->layout.disks[i].name,
		 d->path, str_from_size(d->bytes, size, sizeof(size)), d->model, d->serial);
	job->fds[i] = open(d->path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (job->fds[i] < 0)
		return log_err(-errno, "cannot open disk '%s' for us alone", d->path);
	if (sysinfo(&info))
		return log_err(-errno, "cannot tell the size of the memory");
	ret = layout_place(&job->layout, i, d->bytes, (uint64_t)info.totalram * info.mem_unit, why,
			   sizeof(why));
	if (ret)
		return log_err(ret, "disk '%s': %s", d->path, why);
	return table_read(d->path, &job->tables[i]);
}

static void new_uuid(char text[UUID_TEXT])
{
	uuid_t uuid;

	uuid_generate_random(uuid);
	uuid_unparse_lower(uuid, text);
}

/* The stamp knows everything before it is made: table, places, UUIDs. */
static int plan_stamp(struct job *job, size_t disk)
{
	const struct plan *plan = job->ctx->plan;
	const char *site = plan_head(plan, "site"), *node = plan_head(plan, "node"),
		   *install = plan_head(plan, "install");
	struct stamp *s = &job->stamps[disk];
	char id[TABLE_ID_MAX];

	if (!site || !node || !install)
		return log_err(-EINVAL, "the plan does not say its site, node and installation");
	snprintf(s->site, sizeof(s->site), "%s", site);
	snprintf(s->node, sizeof(s->node), "%s", node);
	snprintf(s->install, sizeof(s->install), "%s", install);
	snprintf(s->disk, sizeof(s->disk), "%s", job->layout.disks[disk].name);
	if (journal_work(plan, s->work))
		return log_err(-ENOMEM, "cannot plan the stamp");
	s->table = job->layout.disks[disk].table;
	table_new_id(s->table, id);
	snprintf(s->table_id, sizeof(s->table_id), "%.*s", UUID_TEXT - 1, id);
	for (size_t i = 0; i < job->layout.part_count; i++) {
		const struct layout_part *from = &job->layout.parts[i];
		struct stamp_part *to = &s->parts[s->part_count];

		if (from->disk != disk)
			continue;
		*to = (struct stamp_part){.fs = from->fs,
					  .number = from->number,
					  .start = from->start,
					  .bytes = from->bytes};
		strcpy(to->mount, from->mount);
		strcpy(to->options, from->fs == FS_RAW ? from->label : from->options);
		if (from->fs == FS_VFAT)
			vfat_new_uuid(to->uuid);
		else if (from->fs != FS_RAW)
			new_uuid(to->uuid);
		s->part_count++;
	}
	return 0;
}

/* Before the first write, not when the boot loader finds no place. */
static int check_firmware(const struct job *job)
{
	const char *why = boot_loader_objection(&job->layout, boot_firmware_is_uefi());

	return why && volume_plan_runs(job->ctx->plan, "finalize") ? log_err(0, "%s", why) : 0;
}

static int check_layout(const struct layout *l)
{
	for (size_t i = 0; i < l->part_count; i++)
		if (l->parts[i].kind != PART_DISK || l->parts[i].keep || l->parts[i].logical ||
		    l->parts[i].fs == FS_XFS)
			return log_err(-ENOTSUP, "layout, line %u of the plan", l->parts[i].line);
	return 0;
}

static int prepare(struct job *job)
{
	int ret = volume_layout(job->ctx->plan, &job->layout);

	if (!ret)
		ret = check_layout(&job->layout);
	if (!ret)
		ret = check_firmware(job);
	if (!ret)
		ret = target_unmount(job->ctx->target);
	if (!ret)
		ret = disk_select(&job->layout, job->disks);
	for (size_t i = 0; !ret && i < job->layout.disk_count; i++) {
		ret = open_disk(job, i);
		if (!ret)
			ret = plan_stamp(job, i);
	}
	return ret ? ret : guard(job);
}

/* --- writes --- */

static int write_stamp(const struct job *job, size_t i, const struct stamp *s)
{
	int ret = stamp_write(job->fds[i], s);

	return ret ? log_err(ret, "cannot write the stamp of disk '%s'", job->disks[i].path) : 0;
}

/* From here to the new table the disk is ours but unfinished: the stamp names the table that is
 * about to go. */
static int retire_table(const struct job *job, size_t i)
{
	const struct table *old = &job->tables[i];
	_cleanup_free_ struct stamp *s = NULL;

	if (old->kind != TABLE_KIND_GPT && old->kind != TABLE_KIND_MSDOS)
		return 0;
	s = malloc(sizeof(*s));
	if (!s)
		return log_err(-ENOMEM, "cannot write the stamp of disk '%s'", job->disks[i].path);
	*s = job->stamps[i];
	s->table = old->kind == TABLE_KIND_GPT ? TABLE_GPT : TABLE_MSDOS;
	snprintf(s->table_id, sizeof(s->table_id), "%.*s", UUID_TEXT - 1, old->id);
	return write_stamp(job, i, s);
}

/* Everything outside of the partitions but the stamp. */
static int wipe_table(const struct job *job, size_t i)
{
	const uint64_t after = STAMP_OFFSET + STAMP_AREA, bytes = job->disks[i].bytes;
	int fd = job->fds[i], ret = probe_zero(fd, 0, STAMP_OFFSET);

	if (!ret)
		ret = probe_zero(fd, after, LAYOUT_ALIGN - after);
	if (!ret)
		ret = probe_zero(fd, bytes - LAYOUT_ALIGN, LAYOUT_ALIGN);
	if (!ret && fsync(fd))
		ret = -errno;
	return ret ? log_err(ret, "cannot wipe the table of disk '%s'", job->disks[i].path) : 0;
}

static int write_disk(struct job *job, size_t i)
{
	const char *path = job->disks[i].path;
	int ret = retire_table(job, i);

	if (!ret)
		ret = wipe_table(job, i);
	if (!ret)
		ret = write_stamp(job, i, &job->stamps[i]);
	if (!ret)
		ret = table_write(path, &job->layout, i, job->stamps[i].table_id);
	if (!ret)
		ret = table_announce(job->fds[i], &job->disks[i], &job->layout, i);
	/* The partitions are opened exclusively next, which the whole disk must not be then. */
	close(job->fds[i]);
	job->fds[i] = -1;
	return ret;
}

static int wipe_partition(const char *path, uint64_t bytes)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_EXCL | O_CLOEXEC);
	int ret = fd < 0 ? -errno : probe_zero_ends(fd, 0, bytes);

	if (!ret && fsync(fd))
		ret = -errno;
	return ret ? log_err(ret, "cannot wipe old signatures from '%s'", path) : 0;
}

static int format(const char *path, const struct stamp_part *part, const char *label)
{
	int ret = wipe_partition(path, part->bytes);

	if (ret || part->fs == FS_RAW)
		return ret;
	if (part->fs == FS_EXT4)
		return ext4_make(path, part->bytes, part->uuid, label);
	if (part->fs == FS_VFAT)
		return vfat_make(path, part->bytes, part->uuid, label);
	ret = swap_make(path, part->bytes, part->uuid, label);
	if (!ret && swapon(path, 0))
		return log_err(-errno, "cannot switch on the swap of '%s'", path);
	return ret;
}

/* The n-th partition of this disk in the layout has the n-th place in its stamp. */
static int format_disk(struct job *job, size_t disk)
{
	const struct stamp *s = &job->stamps[disk];
	size_t n = 0;

	for (size_t i = 0; i < job->layout.part_count; i++) {
		const struct layout_part *part = &job->layout.parts[i];
		char path[DISK_PATH_MAX], what[64];
		int ret;

		if (part->disk != disk)
			continue;
		ret = disk_partition(&job->disks[disk], part->start, part->bytes, path);
		if (ret)
			return ret;
		snprintf(what, sizeof(what), "%s on %.32s", layout_fs_name(part->fs), path);
		module_progress(job->ctx, job->done++, job->layout.part_count, what);
		ret = format(path, &s->parts[n++], part->label);
		if (ret)
			return ret;
		log_info("'%s': %s for '%s'", path, layout_fs_name(part->fs), part->mount);
	}
	return 0;
}

static int partition_disks(struct job *job)
{
	int ret = prepare(job);

	for (size_t i = 0; !ret && i < job->layout.disk_count; i++)
		ret = module_cancelled() ? log_err(-ECANCELED, "partition") : write_disk(job, i);
	for (size_t i = 0; !ret && i < job->layout.disk_count; i++)
		ret = module_cancelled() ? log_err(-ECANCELED, "partition") : format_disk(job, i);
	if (!ret)
		module_progress(job->ctx, job->layout.part_count, job->layout.part_count, "done");
	return ret;
}

static int partition_run(struct module_context *ctx)
{
	struct job *job = calloc(1, sizeof(*job));
	int ret;

	if (!job)
		return log_err(-ENOMEM, "cannot start");
	job->ctx = ctx;
	for (size_t i = 0; i < LAYOUT_DISKS_MAX; i++)
		job->fds[i] = -1;
	ret = partition_disks(job);
	for (size_t i = 0; i < LAYOUT_DISKS_MAX; i++)
		if (job->fds[i] >= 0)
			close(job->fds[i]);
	free(job);
	return ret;
}

static bool partition_stands(struct module_context *ctx)
{
	return journal_take_over(ctx->plan);
}

static void check_line(unsigned int line, const char *message, void *arg)
{
	struct module_check *check = arg;

	check->error(check, "layout, line %u: %s", line, message);
}

static void partition_check(struct module_check *check)
{
	struct layout *l = malloc(sizeof(*l));

	if (l)
		layout_parse(l, plan_section(check->plan, "layout"), check_line, check);
	free(l);
}

MODULE(partition, .summary = "write partition tables, file systems and swap areas", .after = "init",
       .run = partition_run, .stands = partition_stands, .check = partition_check);
