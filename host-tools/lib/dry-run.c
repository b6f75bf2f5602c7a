/* The dry run of a plan's disks; see dry-run.h. For each disk: what it holds, what the guard says,
 * and the table and file systems that would be there afterwards; then the steps, by the planner that
 * module partition uses (survey.h, steps.h). */
#include "host-tools/lib/dry-run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-tools/lib/explain.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "modules/lib/probe.h"
#include "modules/lib/steps.h"
#include "modules/lib/survey.h"
#include "modules/lib/volume.h"

struct dry_job {
	struct strbuf *out;
	const struct plan *plan;
	const struct dry_run_options *options;
	struct layout layout;
	struct survey disks[LAYOUT_DISKS_MAX];
	bool partitions; /* the plan runs that module */
	enum dry_run_result result;
};

static const char *const table_names[] = {"no partition table", "gpt", "msdos",
					  "a partition table of another kind"};

static int disk_open(struct survey *d, const char *path)
{
	struct stat st;

	d->path = path;
	d->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (d->fd < 0 || fstat(d->fd, &st))
		return log_err(-errno, "cannot open '%s'", path);
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(d->fd, BLKGETSIZE64, &d->bytes))
			return log_err(-errno, "cannot tell the size of '%s'", path);
	} else if (S_ISREG(st.st_mode)) {
		d->bytes = (uint64_t)st.st_size;
	} else {
		return log_err(-ENOTBLK, "'%s' is neither a disk nor an image file", path);
	}
	return survey_read(d);
}

static void add_place(struct strbuf *out, unsigned int number, uint64_t start, uint64_t bytes)
{
	char at[24], size[24];

	strbuf_addf(out, "    %3u  at %10s  %10s", number, str_from_size(start, at, sizeof(at)),
		    str_from_size(bytes, size, sizeof(size)));
}

/* --- before --- */

static int show_found_part(const struct dry_job *job, const struct survey *d,
			   const struct table_part *p)
{
	_cleanup_strbuf_ struct strbuf what = STRBUF_INIT;
	unsigned int contents;
	bool inside = p->start < d->bytes && p->bytes <= d->bytes - p->start;
	int ret = inside && !p->extended
			  ? probe_describe(d->fd, p->start, p->bytes, &what, &contents)
			  : 0;

	if (ret)
		return log_err(ret, "cannot look into partition %u of '%s'", p->number, d->path);
	add_place(job->out, p->number, p->start, p->bytes);
	strbuf_addf(job->out, "  %s\n",
		    !inside	  ? "lies beyond the end of the disk"
		    : p->extended ? "extended"
		    : what.len	  ? what.buf
				  : "nothing known");
	return 0;
}

static int show_found(const struct dry_job *job, const struct survey *d)
{
	int ret = 0;

	strbuf_addf(job->out, "  holds    %s", table_names[d->table.kind]);
	if (!d->stamp_read)
		strbuf_addf(job->out, "; our stamp: disk '%s' of node '%s', site %s%s",
			    d->stamp.disk, d->stamp.node, d->stamp.site,
			    d->stamp.finished ? "" : ", installation not finished");
	strbuf_adds(job->out, "\n");
	for (size_t i = 0; !ret && i < d->table.count; i++)
		ret = show_found_part(job, d, &d->table.parts[i]);
	return ret;
}

/* fits: the layout has room on it; else that it may be written says nothing. */
static int show_guard(struct dry_job *job, const struct survey *d, size_t disk, bool fits)
{
	_cleanup_strbuf_ struct strbuf why = STRBUF_INIT;
	const char *wipe = plan_head(job->plan, "wipe");
	int ret = survey_judge(d, &job->layout, disk, plan_head(job->plan, "site"), &why);

	if (ret)
		return log_err(ret, "cannot read '%s'", d->path);
	if (!why.len) {
		if (fits)
			strbuf_adds(job->out, "  guard    may be written\n");
	} else if (wipe && !strcmp(wipe, "yes")) {
		strbuf_addf(job->out, "  guard    %s; it is wiped, as asked for\n", why.buf);
	} else {
		strbuf_addf(job->out, "  guard    REFUSED: %s\n", why.buf);
		job->result = DRY_RUN_REFUSED;
	}
	return 0;
}

/* --- after --- */

static bool is_there(const struct table *t, const struct layout_part *part)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->parts[i].number == part->number && t->parts[i].start == part->start &&
		    t->parts[i].bytes == part->bytes)
			return true;
	return false;
}

static void show_part(struct strbuf *out, const struct table *found, const struct layout_part *part)
{
	add_place(out, part->number, part->start, part->bytes);
	strbuf_addf(out, "  %s %s%s%s, %s\n", layout_fs_name(part->fs), part->mount,
		    part->label[0] ? " label " : "", part->label,
		    part->kept && part->keep == KEEP_CONTENT ? "stays as it is"
		    : is_there(found, part)		     ? "same place, content made anew"
							     : "new");
}

/* The disk as module partition would leave it. */
static void show_coming(const struct dry_job *job, const struct survey *d, size_t disk)
{
	const struct layout_disk *want = &job->layout.disks[disk];

	strbuf_addf(job->out, "  planned  %s%s\n", want->table == TABLE_GPT ? "gpt" : "msdos",
		    steps_edits(&job->layout, disk) ? ", changed around what stays" : "");
	for (size_t i = 0; i < job->layout.part_count; i++)
		if (job->layout.parts[i].disk == disk)
			show_part(job->out, &d->table, &job->layout.parts[i]);
	if (want->extended.bytes) {
		add_place(job->out, want->extended.number, want->extended.start,
			  want->extended.bytes);
		strbuf_adds(job->out, "  extended\n");
	}
}

/* Without module partition the disk has to be this node's already. */
static void show_kept(struct dry_job *job, const struct survey *d, size_t disk)
{
	const char *site = plan_head(job->plan, "site"), *node = plan_head(job->plan, "node");
	const struct stamp *s = &d->stamp;

	if (!d->stamp_read && site && node && !strcmp(s->site, site) && !strcmp(s->node, node) &&
	    !strcmp(s->disk, job->layout.disks[disk].name)) {
		strbuf_adds(job->out, "  planned  as it is: the plan does not partition\n");
		return;
	}
	strbuf_addf(job->out,
		    "  REFUSED: it does not carry the stamp of disk '%s' of this node, "
		    "and the plan does not partition\n",
		    job->layout.disks[disk].name);
	job->result = DRY_RUN_REFUSED;
}

static int one_disk(struct dry_job *job, size_t i)
{
	struct survey *d = &job->disks[i];
	char size[24], why[256];
	int ret;

	strbuf_addf(job->out, "disk '%s' is '%s', %s\n", job->layout.disks[i].name, d->path,
		    str_from_size(d->bytes, size, sizeof(size)));
	ret = show_found(job, d);
	if (ret)
		return ret;
	if (!job->partitions) {
		show_kept(job, d, i);
		return 0;
	}
	if (survey_place(d, &job->layout, i, plan_head(job->plan, "site"), job->options->ram, why,
			 sizeof(why))) {
		strbuf_addf(job->out, "  REFUSED: %s\n", why);
		job->result = DRY_RUN_REFUSED;
		return show_guard(job, d, i, false);
	}
	ret = show_guard(job, d, i, true);
	show_coming(job, d, i);
	return ret;
}

static void show_steps(struct dry_job *job)
{
	const char *paths[LAYOUT_DISKS_MAX] = {0};
	struct steps steps;
	char why[160];

	for (size_t i = 0; i < job->layout.disk_count; i++)
		paths[i] = job->disks[i].path;
	if (steps_estimate(&job->layout, job->options->ram, why, sizeof(why))) {
		strbuf_addf(job->out, "REFUSED: %s\n", why);
		job->result = DRY_RUN_REFUSED;
		return;
	}
	steps_make(&steps, &job->layout);
	strbuf_adds(job->out, "steps\n");
	for (size_t i = 0; i < steps.count; i++) {
		strbuf_addf(job->out, "  %2zu  ", i + 1);
		steps_describe(job->out, &job->layout, &steps.list[i], paths);
		strbuf_adds(job->out, "\n");
	}
	job->result = DRY_RUN_CHANGES;
}

static void show_drawings(struct dry_job *job)
{
	for (size_t i = 0; i < job->layout.disk_count; i++) {
		const struct survey *d = &job->disks[i];

		explain_found(job->out, &job->layout, i, d);
		if (job->partitions && job->result != DRY_RUN_REFUSED)
			explain_layout(job->out, &job->layout, i, d->bytes);
	}
	explain_devices(job->out, &job->layout);
}

static int run(struct dry_job *job, const char *const *files, size_t count)
{
	int ret = volume_layout(job->plan, &job->layout);

	if (!ret && job->layout.disk_count != count)
		ret = log_err(0, "the layout has %zu disk%s, expected as many --disk, not %zu",
			      job->layout.disk_count, job->layout.disk_count == 1 ? "" : "s",
			      count);
	for (size_t i = 0; !ret && i < count; i++) {
		ret = disk_open(&job->disks[i], files[i]);
		if (!ret)
			ret = one_disk(job, i);
	}
	if (!ret && job->partitions && job->result != DRY_RUN_REFUSED)
		show_steps(job);
	if (!ret && job->options->explain)
		show_drawings(job);
	return ret;
}

int dry_run(struct strbuf *out, const struct plan *plan, const char *const *files, size_t count,
	    const struct dry_run_options *options)
{
	_cleanup_free_ struct dry_job *job = calloc(1, sizeof(*job));
	int ret;

	if (!job)
		return log_err(-ENOMEM, "cannot begin");
	job->out = out;
	job->plan = plan;
	job->options = options;
	job->partitions = volume_plan_runs(plan, "partition");
	for (size_t i = 0; i < LAYOUT_DISKS_MAX; i++)
		job->disks[i].fd = -1;
	ret = run(job, files, count);
	for (size_t i = 0; i < LAYOUT_DISKS_MAX; i++)
		if (job->disks[i].fd >= 0)
			close(job->disks[i].fd);
	return ret ? ret : out->error ? out->error : (int)job->result;
}
