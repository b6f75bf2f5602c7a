/* See record.h. */
#include "modules/lib/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/drift.h"
#include "modules/lib/fetch.h"
#include "modules/lib/census.h"
#include "modules/lib/target.h"
#include "modules/lib/volume.h"

#define RECORD "/var/lib/lucie/record"

struct recording {
	const struct census_job *job;
	bool fresh; /* this installation has unpacked the base */
	bool quick; /* only modules that replace what they change have run: see census_walk() */
	struct timespec since;
	struct listing base, old;
	struct listing_index in_base, in_old;
	bool *seen_base, *seen_old;
	int root;
	void *buffer;
	_Atomic uint64_t read;
	struct strbuf text;
};

/* --- what is read --- */

static int parse(struct listing *l, char *text, size_t len, const char *what)
{
	char why[160];
	int ret = listing_parse(l, text, len, why, sizeof(why));

	return ret ? log_err(ret, "%s cannot be read: %s", what, why) : 0;
}

int record_read(const char *target, struct listing *l)
{
	char *text;
	int ret = target_read(target, RECORD, LISTING_MAX, &text);

	return ret ? ret : parse(l, text, strlen(text), "the record of the installation");
}

int record_base(const struct census_job *job, struct listing *l)
{
	const char *line = plan_get(job->section, "listing"),
		   *base = plan_get(job->section, "root");
	char root[65] = "", *text;
	struct fetch f = {.plan = job->plan,
			  .root = root,
			  .what = "listing of the base",
			  .target = job->target,
			  .ctx = job->ctx,
			  .progress = job->progress};
	size_t len;
	int ret;

	if (!line || !base)
		return -ENODATA;
	if (sscanf(line, "%64s", root) != 1 || !fetch_is_root(root))
		return log_err(-EINVAL, "the listing '%s' of the plan is not ROOT BYTES", line);
	ret = fetch_text(&f, LISTING_MAX, &text, &len);
	if (!ret)
		ret = parse(l, text, len, f.what);
	if (!ret && strcmp(l->base, base) != 0) {
		listing_free(l);
		ret = log_err(-ESTALE, "the listing is not of the base that the plan names");
	}
	return ret;
}

/* --- what is written --- */

static int write_text(const char *target, struct strbuf *text)
{
	int ret = text->error ? log_err(text->error, "cannot write the record") : 0;

	if (!ret)
		ret = target_mkdir(target, "/var/lib/lucie", 0700);
	return ret ? ret : target_write(target, RECORD, text->buf, text->len, 0600);
}

int record_start(const char *target, const char *base)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	listing_write_start(&text, base);
	return write_text(target, &text);
}

static bool is_same(const struct listing_entry *a, const struct listing_entry *b)
{
	return a->type == b->type && a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
	       a->size == b->size && !memcmp(a->hash, b->hash, LISTING_HASH) &&
	       !memcmp(a->xattrs, b->xattrs, LISTING_HASH);
}

static int record_place(struct recording *r, const char *path, const struct listing_entry *base)
{
	_cleanup_close_ int fd = -1;
	struct listing_entry e;
	int ret = census_look(r->root, path, &e, &fd);

	if (!ret && e.type == LISTING_FILE)
		ret = census_hash(fd, (off_t)e.size, r->buffer, &r->read, e.hash);
	if (ret)
		return log_err(ret, "cannot record '/%s'", path);
	if (!base || !is_same(base, &e))
		listing_write(&r->text, &e);
	return 0;
}

static int record_one(const char *path, const struct stat *st, void *arg)
{
	struct recording *r = arg;
	const struct listing_entry *base = listing_index_find(&r->in_base, path),
				   *old = listing_index_find(&r->in_old, path);

	if (base)
		r->seen_base[base - r->base.entries] = true;
	if (old)
		r->seen_old[old - r->old.entries] = true;
	if (census_is_since(&st->st_ctim, &r->since) || (r->fresh && !base))
		return record_place(r, path, base);
	if (old && old->type != LISTING_GONE)
		listing_write(&r->text, old);
	return 0;
}

/* What the installation has removed of the base. */
static void record_gone(struct recording *r)
{
	for (size_t i = 0; r->fresh && i < r->in_base.count; i++) {
		const struct listing_entry *e = r->in_base.sorted[i];
		struct listing_entry gone = {.type = LISTING_GONE, .path = e->path};

		if (!r->seen_base[e - r->base.entries] && strcmp(e->path, ".") != 0 &&
		    !census_ignores(r->job, e->path))
			listing_write(&r->text, &gone);
	}
}

/* Of the earlier record what the walk has not met. What is missing now stays in it, and will be
 * found to be missing. */
static int record_earlier(struct recording *r)
{
	int ret = 0;

	for (size_t i = 0; !ret && !r->fresh && i < r->in_old.count; i++) {
		const struct listing_entry *e = r->in_old.sorted[i];
		struct stat st;

		if (r->seen_old[e - r->old.entries])
			continue;
		if (fstatat(r->root, e->path, &st, AT_SYMLINK_NOFOLLOW) ||
		    !census_is_since(&st.st_ctim, &r->since))
			listing_write(&r->text, e);
		else
			ret = record_place(r, e->path, listing_index_find(&r->in_base, e->path));
	}
	return ret;
}

/* The time since when it was the installer who changed something. */
static int find_start(struct recording *r)
{
	struct timespec now, up;
	struct stat st;
	_cleanup_close_ int fd = target_open(r->job->target, RECORD, O_PATH);

	if (fd < 0 || fstat(fd, &st))
		return fd < 0 ? fd : -errno;
	r->since = st.st_ctim;
	if (r->fresh)
		return 0;
	if (clock_gettime(CLOCK_REALTIME, &now) || clock_gettime(CLOCK_BOOTTIME, &up))
		return -errno;
	r->since = (struct timespec){.tv_sec = now.tv_sec - up.tv_sec - 1};
	return 0;
}

/* A repair does not need to know the base, and cannot wait for it: a place that is recorded although
 * it is as in the base does no harm. */
static int prepare_base(struct recording *r)
{
	int ret = 0;

	if (r->fresh || volume_plan_runs(r->job->plan, "restore"))
		ret = record_base(r->job, &r->base);
	if (!ret && r->base.base && strcmp(r->base.base, r->old.base) != 0)
		ret = log_err(-ESTALE, "the listing of the base is of another one");
	return ret ? ret : listing_index_make(&r->in_base, &r->base);
}

/* Modules of ours write beside a file and rename, or are recorded already (the boot loader). */
static bool is_quick(const struct plan *plan)
{
	static const char *const known[] = {"init", "remotelogin", "mount", "configure",
					    "finalize"};
	_cleanup_free_ char *copy = strdup(plan_head(plan, "modules"));
	char *rest = copy, *word;
	bool quick = copy;

	while (quick && (word = str_word(&rest))) {
		quick = false;
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			quick = quick || !strcmp(word, known[i]);
	}
	return quick;
}

static int prepare(struct recording *r)
{
	int ret = find_start(r);

	r->quick = is_quick(r->job->plan);
	if (!ret)
		ret = record_read(r->job->target, &r->old);
	if (!ret)
		ret = listing_index_make(&r->in_old, &r->old);
	if (!ret)
		ret = prepare_base(r);
	r->seen_base = calloc(r->base.count + 1, sizeof(bool));
	r->seen_old = calloc(r->old.count + 1, sizeof(bool));
	r->buffer = malloc(CENSUS_BUFFER);
	r->root = open(r->job->target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!ret && (!r->seen_base || !r->seen_old || !r->buffer))
		ret = -ENOMEM;
	return ret || r->root >= 0 ? ret : -errno;
}

static int record_all(struct recording *r)
{
	struct census_walk w = {.job = r->job,
				.root = r->root,
				.since = r->quick ? &r->since : NULL,
				.fn = record_one,
				.arg = r};
	int ret;

	r->job->progress(r->job->ctx, 0, 0, "recording what was changed");
	r->text.max = LISTING_MAX;
	listing_write_start(&r->text, r->old.base);
	ret = census_walk(&w);
	if (ret)
		return log_err(ret, "cannot record what was changed");
	record_gone(r);
	ret = record_earlier(r);
	return ret ? ret : write_text(r->job->target, &r->text);
}

static void release(struct recording *r)
{
	listing_index_free(&r->in_base);
	listing_index_free(&r->in_old);
	listing_free(&r->base);
	listing_free(&r->old);
	free(r->seen_base);
	free(r->seen_old);
	free(r->buffer);
	strbuf_free(&r->text);
	if (r->root >= 0)
		close(r->root);
}

int record_write(const struct census_job *job)
{
	struct recording r = {
		.job = job, .fresh = volume_plan_runs(job->plan, "extrbase"), .root = -1};
	int ret = prepare(&r);

	if (!ret)
		ret = record_all(&r);
	else {
		if (ret != -ENOENT && ret != -ENODATA)
			log_warn("what was changed is not recorded: %s", strerror(-ret));
		ret = 0;
	}
	release(&r);
	return ret;
}
