/* The dry run of a plan's disks; see dry-run.h. For each disk: what it holds, what the guard says,
 * and the table and file systems that would be there afterwards. */
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

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "modules/lib/guard.h"
#include "modules/lib/probe.h"
#include "modules/lib/stamp.h"
#include "modules/lib/volume.h"

struct dry_disk {
	const char *path;
	int fd;
	uint64_t bytes;
	struct table table; /* as found */
	struct stamp stamp;
	int stamp_read; /* what stamp_read() returned */
};

struct dry_job {
	struct strbuf *out;
	const struct plan *plan;
	struct layout layout;
	uint64_t ram;
	bool partitions; /* the plan runs that module */
	enum dry_run_result result;
};

static const char *const table_names[] = {"no partition table", "gpt", "msdos",
					  "a partition table of another kind"};

static int disk_open(struct dry_disk *d, const char *path)
{
	struct stat st;
	int ret;

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
	ret = table_read(path, &d->table);
	if (ret)
		return ret;
	d->stamp_read = stamp_read(d->fd, &d->stamp);
	ret = d->stamp_read;
	return !ret || ret == -ENODATA || ret == -EBADMSG ? 0
							  : log_err(ret, "cannot read '%s'", path);
}

static void add_place(struct strbuf *out, unsigned int number, uint64_t start, uint64_t bytes)
{
	char at[24], size[24];

	strbuf_addf(out, "    %3u  at %10s  %10s", number, str_from_size(start, at, sizeof(at)),
		    str_from_size(bytes, size, sizeof(size)));
}

static int show_found(const struct dry_job *job, const struct dry_disk *d)
{
	struct strbuf *out = job->out;

	strbuf_addf(out, "  holds    %s", table_names[d->table.kind]);
	if (!d->stamp_read)
		strbuf_addf(out, "; our stamp: disk '%s' of node '%s', site %s%s", d->stamp.disk,
			    d->stamp.node, d->stamp.site,
			    d->stamp.finished ? "" : ", installation not finished");
	strbuf_adds(out, "\n");
	for (size_t i = 0; i < d->table.count; i++) {
		const struct table_part *p = &d->table.parts[i];
		_cleanup_strbuf_ struct strbuf what = STRBUF_INIT;
		unsigned int contents;
		bool inside = p->start < d->bytes && p->bytes <= d->bytes - p->start;
		int ret = inside ? probe_describe(d->fd, p->start, p->bytes, &what, &contents) : 0;

		if (ret)
			return log_err(ret, "cannot look into partition %u of '%s'", p->number,
				       d->path);
		add_place(out, p->number, p->start, p->bytes);
		strbuf_addf(out, "  %s\n",
			    !inside    ? "lies beyond the end of the disk"
			    : what.len ? what.buf
				       : "nothing known");
	}
	return 0;
}

static int show_guard(struct dry_job *job, const struct dry_disk *d)
{
	const struct guard_disk disk = {d->fd, d->bytes, &d->table};
	_cleanup_strbuf_ struct strbuf why = STRBUF_INIT;
	const char *wipe = plan_head(job->plan, "wipe");
	int ret = guard_judge(&disk, plan_head(job->plan, "site"), &why);

	if (ret)
		return log_err(ret, "cannot read '%s'", d->path);
	if (!why.len) {
		strbuf_adds(job->out, "  guard    may be written\n");
	} else if (wipe && !strcmp(wipe, "yes")) {
		strbuf_addf(job->out, "  guard    %s; it is wiped, as asked for\n", why.buf);
	} else {
		strbuf_addf(job->out, "  guard    REFUSED: %s\n", why.buf);
		job->result = DRY_RUN_REFUSED;
	}
	return 0;
}

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
		    is_there(found, part) ? "same place, content made anew" : "new");
}

/* The disk as module partition would leave it. */
static int show_coming(struct dry_job *job, const struct dry_disk *d, size_t disk)
{
	char why[160];
	int ret = layout_place(&job->layout, disk, d->bytes, job->ram, why, sizeof(why));

	if (ret == -ENOSPC) {
		strbuf_addf(job->out, "  REFUSED: %s\n", why);
		job->result = DRY_RUN_REFUSED;
		return 0;
	}
	if (ret)
		return log_err(ret, "disk '%s': %s", d->path, why);
	if (job->result == DRY_RUN_SAME)
		job->result = DRY_RUN_CHANGES;
	strbuf_addf(job->out, "  planned  %s\n",
		    job->layout.disks[disk].table == TABLE_GPT ? "gpt" : "msdos");
	for (size_t i = 0; i < job->layout.part_count; i++)
		if (job->layout.parts[i].disk == disk)
			show_part(job->out, &d->table, &job->layout.parts[i]);
	return 0;
}

/* Without module partition the disk has to be this node's already. */
static void show_kept(struct dry_job *job, const struct dry_disk *d, size_t disk)
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

static int one_disk(struct dry_job *job, struct dry_disk *d, size_t i)
{
	char size[24];
	int ret;

	strbuf_addf(job->out, "disk '%s' is '%s', %s\n", job->layout.disks[i].name, d->path,
		    str_from_size(d->bytes, size, sizeof(size)));
	ret = show_found(job, d);
	if (!ret && !job->partitions)
		show_kept(job, d, i);
	else if (!ret)
		ret = show_guard(job, d);
	return ret || !job->partitions ? ret : show_coming(job, d, i);
}

int dry_run(struct strbuf *out, const struct plan *plan, const char *const *files, size_t count,
	    uint64_t ram)
{
	_cleanup_free_ struct dry_job *job = calloc(1, sizeof(*job));
	_cleanup_free_ struct dry_disk *d = calloc(1, sizeof(*d));
	int ret;

	if (!job || !d)
		return log_err(-ENOMEM, "cannot begin");
	job->out = out;
	job->plan = plan;
	job->ram = ram;
	job->partitions = volume_plan_runs(plan, "partition");
	ret = volume_layout(plan, &job->layout);
	if (!ret && job->layout.disk_count != count)
		ret = log_err(-EINVAL, "the layout has %zu disks, and %zu were given",
			      job->layout.disk_count, count);
	for (size_t i = 0; !ret && i < count; i++) {
		*d = (struct dry_disk){.fd = -1};
		ret = disk_open(d, files[i]);
		if (!ret)
			ret = one_disk(job, d, i);
		if (d->fd >= 0)
			close(d->fd);
	}
	return ret ? ret : out->error ? out->error : (int)job->result;
}
