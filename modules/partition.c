/* partition: looks first, then writes tables, file systems and swap areas as the plan's layout
 * says.
 *
 * All is decided before the first byte is written anywhere: what the layout keeps has to be there
 * as it says (keep.h), the guard judges every disk (guard.h), and the steps are a list (steps.h).
 * The order of writes makes a power cut harmless: an unfinished stamp that names the table that is
 * still there, then its end, a stamp that names the coming table, the table, the file systems. Each
 * state between is one that the guard accepts the next time. A table with partitions that stay is
 * changed and never wiped.
 */
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "init/module.h"
#include "modules/lib/boot-loader.h"
#include "modules/lib/disk.h"
#include "modules/lib/format.h"
#include "modules/lib/journal.h"
#include "modules/lib/keep.h"
#include "modules/lib/probe.h"
#include "modules/lib/stack.h"
#include "modules/lib/stamp-plan.h"
#include "modules/lib/steps.h"
#include "modules/lib/survey.h"
#include "modules/lib/table.h"
#include "modules/lib/takedown.h"
#include "modules/lib/target.h"
#include "modules/lib/tpm.h"
#include "modules/lib/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysinfo.h>

struct job {
	struct module_context *ctx;
	struct layout layout;
	struct disk disks[LAYOUT_DISKS_MAX];
	struct survey
		surveys[LAYOUT_DISKS_MAX];     /* fds open exclusively until the tables are there */
	struct stamp stamps[LAYOUT_DISKS_MAX]; /* as to be written */
	struct stamp_ids ids;
	struct steps steps;
	char paths[LAYOUT_PARTS_MAX][DISK_PATH_MAX]; /* "": not made yet */
	uint64_t ram;
};

/* --- before the first write --- */

/* Judges every disk, reports all that is in the way at once. */
static int guard(struct job *job)
{
	_cleanup_strbuf_ struct strbuf found = STRBUF_INIT;
	const char *wipe = plan_head(job->ctx->plan, "wipe");

	for (size_t i = 0; i < job->layout.disk_count; i++) {
		_cleanup_strbuf_ struct strbuf why = STRBUF_INIT;
		int ret = survey_judge(&job->surveys[i], &job->layout, i,
				       plan_head(job->ctx->plan, "site"), &why);

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

static int open_disk(struct job *job, size_t i)
{
	const struct disk *d = &job->disks[i];
	struct survey *s = &job->surveys[i];
	char why[256], size[16];
	int ret = takedown_disk(d), read_only = 0;

	if (ret)
		return ret;
	log_info("disk '%s' is '%s': %s, model '%s', serial '%s'", job->layout.disks[i].name,
		 d->path, str_from_size(d->bytes, size, sizeof(size)), d->model, d->serial);
	s->path = d->path;
	s->bytes = d->bytes;
	s->fd = open(d->path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (s->fd < 0)
		return log_err(-errno, "cannot open disk '%s' for us alone", d->path);
	if (!ioctl(s->fd, BLKROGET, &read_only) && read_only)
		return log_err(-EROFS, "cannot write to disk '%s'", d->path);
	ret = survey_read(s);
	if (ret)
		return ret;
	ret = survey_place(s, &job->layout, i, plan_head(job->ctx->plan, "site"), job->ram, why,
			   sizeof(why));
	if (ret)
		log_err(0, "disk '%s': %s; nothing was written", d->path, why);
	return ret;
}

/* What is preserved keeps the UUID that it has. */
static void keep_ids(struct job *job)
{
	for (size_t i = 0; i < job->layout.part_count; i++) {
		const struct layout_part *part = &job->layout.parts[i];
		const struct table *t;

		if (!part->kept || part->keep != KEEP_CONTENT || part->fs == FS_RAW)
			continue;
		t = &job->surveys[part->disk].table;
		for (size_t n = 0; n < t->count; n++)
			if (t->parts[n].number == part->number)
				snprintf(job->ids.fs[i], sizeof(job->ids.fs[i]), "%.*s",
					 UUID_TEXT - 1, t->parts[n].content.uuid);
	}
}

/* The stamps know everything before it is made: tables, places, UUIDs. */
static int plan_stamps(struct job *job)
{
	const struct plan *plan = job->ctx->plan;
	const char *site = plan_head(plan, "site"), *node = plan_head(plan, "node"),
		   *install = plan_head(plan, "install");

	if (!site || !node || !install)
		return log_err(-EINVAL, "the plan does not say its site, node and installation");
	stamp_new_ids(&job->ids, &job->layout);
	keep_ids(job);
	for (size_t i = 0; i < job->layout.disk_count; i++) {
		struct stamp *s = &job->stamps[i];
		char id[TABLE_ID_MAX];

		snprintf(s->site, sizeof(s->site), "%s", site);
		snprintf(s->node, sizeof(s->node), "%s", node);
		snprintf(s->install, sizeof(s->install), "%s", install);
		if (journal_work(plan, s->work))
			return log_err(-ENOMEM, "cannot plan the stamp");
		if (steps_edits(&job->layout, i))
			strcpy(id, job->surveys[i].table.id);
		else
			table_new_id(job->layout.disks[i].table, id);
		snprintf(s->table_id, sizeof(s->table_id), "%.*s", UUID_TEXT - 1, id);
		stamp_plan(s, &job->layout, i, &job->ids);
	}
	return 0;
}

/* Before the first write, not when the boot loader finds no place. */
static int check_firmware(const struct job *job)
{
	const char *why = boot_loader_objection(&job->layout, boot_firmware_is_uefi());

	return why && volume_plan_runs(job->ctx->plan, "finalize") ? log_err(0, "%s", why) : 0;
}

static int prepare(struct job *job)
{
	struct sysinfo info;
	char why[160];
	int ret = sysinfo(&info) ? log_err(-errno, "cannot tell the size of the memory")
				 : volume_layout(job->ctx->plan, &job->layout);

	job->ram = (uint64_t)info.totalram * info.mem_unit;
	if (!ret)
		ret = check_firmware(job);
	if (!ret)
		ret = tpm_check(&job->layout);
	if (!ret)
		ret = target_unmount(job->ctx->target);
	if (!ret)
		ret = disk_select(&job->layout, job->disks);
	for (size_t i = 0; !ret && i < job->layout.disk_count; i++)
		ret = open_disk(job, i);
	if (ret)
		return ret;
	ret = steps_estimate(&job->layout, job->ram, why, sizeof(why));
	if (ret) {
		log_err(0, "%s; nothing was written", why);
		return ret;
	}
	ret = plan_stamps(job);
	return ret ? ret : guard(job);
}

/* --- tables --- */

static int write_stamp(const struct job *job, size_t i, const struct stamp *s)
{
	int ret = stamp_write(job->surveys[i].fd, s);

	return ret ? log_err(ret, "cannot write the stamp of disk '%s'", job->disks[i].path) : 0;
}

/* From here to the new table the disk is ours but unfinished: the stamp names the table that is
 * about to go. */
static int retire_table(const struct job *job, size_t i)
{
	const struct table *old = &job->surveys[i].table;
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
	int fd = job->surveys[i].fd, ret = probe_zero(fd, 0, STAMP_OFFSET);

	if (!ret)
		ret = probe_zero(fd, after, LAYOUT_ALIGN - after);
	if (!ret)
		ret = probe_zero(fd, bytes - LAYOUT_ALIGN, LAYOUT_ALIGN);
	if (!ret && fsync(fd))
		ret = -errno;
	return ret ? log_err(ret, "cannot wipe the table of disk '%s'", job->disks[i].path) : 0;
}

/* What lay in the partitions that go must not come back to life when new ones have their places. In
 * a broken table they may overlap with one that stays. */
static int erase_old(const struct job *job, size_t i)
{
	const struct survey *s = &job->surveys[i];
	int ret = 0;

	for (size_t n = 0; !ret && n < s->table.count; n++) {
		const struct table_part *p = &s->table.parts[n];

		if (p->extended || keep_meets(&job->layout, i, p->start, p->bytes) ||
		    p->start < LAYOUT_ALIGN || p->start >= s->bytes ||
		    p->bytes > s->bytes - p->start)
			continue;
		ret = takedown_erase(s->path, p->start, p->bytes);
	}
	return ret;
}

static int replace_table(struct job *job, size_t i)
{
	int ret = retire_table(job, i);

	if (!ret)
		ret = erase_old(job, i);
	if (!ret)
		ret = wipe_table(job, i);
	if (!ret)
		ret = write_stamp(job, i, &job->stamps[i]);
	return ret ? ret
		   : table_write(job->disks[i].path, &job->layout, i, job->stamps[i].table_id);
}

static int write_table(struct job *job, size_t i, bool edit)
{
	struct survey *s = &job->surveys[i];
	int ret;

	if (edit) {
		ret = write_stamp(job, i, &job->stamps[i]);
		if (!ret)
			ret = erase_old(job, i);
		if (!ret)
			ret = table_edit(s->path, &job->layout, i);
	} else {
		ret = replace_table(job, i);
	}
	if (!ret)
		ret = table_announce(s->fd, &job->disks[i], &job->layout, i);
	/* The partitions are opened exclusively next, which the whole disk must not be then. */
	close(s->fd);
	s->fd = -1;
	return ret;
}

/* --- what lies on them --- */

static int find_path(struct job *job, size_t i)
{
	const struct layout_part *part = &job->layout.parts[i];

	return disk_partition(&job->disks[part->disk], part->start, part->bytes, job->paths[i]);
}

static int format_part(struct job *job, size_t i)
{
	const struct layout_part *part = &job->layout.parts[i];
	int ret = format_make(job->paths[i], part, job->ids.fs[i]);

	if (!ret)
		log_info("'%s': %s for '%s'", job->paths[i], layout_fs_name(part->fs), part->mount);
	return ret;
}

static int do_step(struct job *job, const struct step *step)
{
	size_t i = step->index;
	int ret;

	switch (step->kind) {
	case STEP_TAKE_DOWN:
		return 0; /* before it was looked at */
	case STEP_TABLE:
	case STEP_EDIT:
		return write_table(job, i, step->kind == STEP_EDIT);
	case STEP_KEEP:
		return find_path(job, i);
	case STEP_WIPE:
		ret = find_path(job, i);
		return ret ? ret : takedown_erase(job->paths[i], 0, 0);
	case STEP_FORMAT:
		return format_part(job, i);
	default:
		return stack_make(&job->layout, i, job->ctx->plan, job->ram, job->ids.device[i],
				  job->paths);
	}
}

static int partition_disks(struct job *job)
{
	const char *paths[LAYOUT_DISKS_MAX] = {0};
	int ret = prepare(job);

	for (size_t i = 0; i < job->layout.disk_count; i++)
		paths[i] = job->disks[i].path;
	if (!ret)
		steps_make(&job->steps, &job->layout);
	for (size_t i = 0; !ret && i < job->steps.count; i++) {
		_cleanup_strbuf_ struct strbuf what = STRBUF_INIT;

		steps_describe(&what, &job->layout, &job->steps.list[i], paths);
		module_progress(job->ctx, i, job->steps.count, what.buf);
		ret = module_cancelled() ? log_err(-ECANCELED, "partition")
					 : do_step(job, &job->steps.list[i]);
	}
	if (!ret)
		module_progress(job->ctx, job->steps.count, job->steps.count, "done");
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
		job->surveys[i].fd = -1;
	ret = partition_disks(job);
	for (size_t i = 0; i < LAYOUT_DISKS_MAX; i++)
		if (job->surveys[i].fd >= 0)
			close(job->surveys[i].fd);
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
