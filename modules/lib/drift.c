/* See drift.h. The items are looked at in the order in which they were unpacked, which is about the
 * order in which they lie on the disk: so a thread takes some neighbours at a time, and reads the
 * content of those for which it goes by sweeping over the disk. */
#include "modules/lib/drift.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "init/lib/cancel.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/path-text.h"
#include "modules/lib/fetch.h"
#include "modules/lib/record.h"
#include "modules/lib/census.h"
#include "modules/lib/sweep.h"

#define THREADS	    16
#define STACK_BYTES ((size_t)256 << 10)
#define LARGE_PAGE  ((size_t)2 << 20)
#define WATCH_MS    20 /* what the end may come late */

/* --- index --- */

static int by_path(const void *a, const void *b)
{
	const struct listing_entry *x = *(const struct listing_entry *const *)a,
				   *y = *(const struct listing_entry *const *)b;
	int order = strcmp(x->path, y->path);

	return order ? order : x < y ? 1 : -1;
}

int listing_index_make(struct listing_index *x, const struct listing *l)
{
	*x = (struct listing_index){.sorted = calloc(l->count + 1, sizeof(*x->sorted))};
	if (!x->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < l->count; i++)
		x->sorted[i] = &l->entries[i];
	qsort(x->sorted, l->count, sizeof(*x->sorted), by_path);
	for (size_t i = 0; i < l->count; i++)
		if (!x->count || strcmp(x->sorted[i]->path, x->sorted[x->count - 1]->path) != 0)
			x->sorted[x->count++] = x->sorted[i];
	return 0;
}

static int find_path(const void *path, const void *entry)
{
	return strcmp(path, (*(const struct listing_entry *const *)entry)->path);
}

const struct listing_entry *listing_index_find(const struct listing_index *x, const char *path)
{
	const struct listing_entry **found =
		bsearch(path, x->sorted, x->count, sizeof(*x->sorted), find_path);

	return found ? *found : NULL;
}

void listing_index_free(struct listing_index *x)
{
	free(x->sorted);
	*x = (struct listing_index){0};
}

/* --- what is expected --- */

static void add_item(struct drift *d, const struct listing_entry *want, bool recorded)
{
	if (want->type == LISTING_GONE)
		return;
	d->items[d->count++] = (struct drift_item){.want = want, .recorded = recorded};
	if (want->type == LISTING_FILE)
		d->total += want->size;
}

/* The record's word counts; what it says of places that the base has not comes last. */
static int merge(struct drift *d, const struct census_job *job)
{
	struct listing_index base, record;
	int ret = listing_index_make(&base, &d->base);

	if (ret)
		return ret;
	ret = listing_index_make(&record, &d->record);
	d->items = calloc(d->base.count + d->record.count + 1, sizeof(*d->items));
	if (!d->items)
		ret = -ENOMEM;
	for (size_t i = 0; !ret && i < d->base.count; i++) {
		const struct listing_entry *e = &d->base.entries[i],
					   *r = listing_index_find(&record, e->path);

		if (!census_ignores(job, e->path) && listing_index_find(&base, e->path) == e)
			add_item(d, r ? r : e, r);
	}
	for (size_t i = 0; !ret && i < record.count; i++)
		if (!listing_index_find(&base, record.sorted[i]->path) &&
		    !census_ignores(job, record.sorted[i]->path))
			add_item(d, record.sorted[i], true);
	listing_index_free(&base);
	listing_index_free(&record);
	return ret;
}

static int open_both(struct drift *d, const struct census_job *job)
{
	int ret = record_base(job, &d->base);

	if (!ret)
		ret = record_read(job->target, &d->record);
	if (ret == -ENOENT) {
		log_warn("the installation has left no record: what it changed of the base counts "
			 "as different");
		ret = 0;
	} else if (!ret && strcmp(d->record.base, d->base.base) != 0) {
		log_err(0,
			"the node was installed from another base (%.16s) than the one that it "
			"would be compared with (%.16s)",
			d->record.base, d->base.base);
		return -ESTALE;
	}
	return ret;
}

int drift_open(struct drift *d, const struct census_job *job)
{
	int ret;

	memset(d, 0, sizeof(*d));
	ret = open_both(d, job);
	if (!ret) {
		ret = merge(d, job);
		if (ret)
			log_err(ret, "cannot compare the system with its listing");
	}
	if (ret)
		drift_free(d);
	return ret;
}

void drift_free(struct drift *d)
{
	free(d->items);
	listing_free(&d->base);
	listing_free(&d->record);
	memset(d, 0, sizeof(*d));
}

/* --- what is there --- */

struct comparison {
	struct drift *d;
	int root;
	bool again;
	uint8_t *buffers; /* SWEEP_BUFFER bytes for each thread */
	atomic_size_t next, threads;
};

/* One thread's. */
struct comparer {
	struct comparison *c;
	struct census_dir dir;
	struct sweep sweep;
	void *buffer;
};

static void judge(struct drift_item *item, const struct listing_entry *is)
{
	const struct listing_entry *want = item->want;

	item->what = (is->mode != want->mode && is->type != LISTING_LINK ? DRIFT_MODE : 0) |
		     (is->uid != want->uid || is->gid != want->gid ? DRIFT_OWNER : 0) |
		     (memcmp(is->xattrs, want->xattrs, LISTING_HASH) != 0 ? DRIFT_XATTRS : 0) |
		     (is->size != want->size || memcmp(is->hash, want->hash, LISTING_HASH) != 0
			      ? DRIFT_CONTENT
			      : 0);
}

/* Through the file system, whose word counts. */
static void compare(struct comparer *t, struct drift_item *item)
{
	const struct listing_entry *want = item->want;
	_cleanup_close_ int fd = -1;
	struct listing_entry is;
	int ret = census_look(t->c->root, want->path, &is, &fd);

	item->what = 0;
	item->error = 0;
	if (ret == -ENOENT || ret == -ENOTDIR || ret == -ELOOP) {
		item->what = DRIFT_MISSING;
		return;
	}
	if (!ret && is.type != want->type) {
		item->what = DRIFT_TYPE;
		return;
	}
	if (!ret && is.type == LISTING_FILE && is.size == want->size)
		ret = census_hash(fd, (off_t)is.size, t->buffer, &t->c->d->read, is.hash);
	judge(item, &is);
	if (ret) {
		item->what = DRIFT_UNREADABLE;
		item->error = ret;
	}
}

/* What nearly all entries are: files and directories with which all is well. The content of files
 * is taken as the wanted one here where the sweep will read it. False: compare() has to tell. */
static bool compare_quickly(struct comparer *t, struct drift_item *item)
{
	const struct listing_entry *want = item->want;
	_cleanup_close_ int fd = -1;
	struct listing_entry is;

	if (want->type != LISTING_FILE && want->type != LISTING_DIR)
		return false;
	fd = census_open(&t->dir, t->c->root, want->path, &is);
	if (fd < 0 || is.type != want->type || is.size != want->size)
		return false;
	if (is.type == LISTING_DIR)
		sweep_directory(&t->sweep, fd);
	else if (sweep_add(&t->sweep, fd, is.size, item))
		memcpy(is.hash, want->hash, LISTING_HASH);
	else if (census_hash(fd, (off_t)is.size, t->buffer, &t->c->d->read, is.hash))
		return false;
	judge(item, &is);
	return true;
}

/* The files that lie on the disk as they should are done; the others are looked at once more. */
static void compare_swept(struct comparer *t)
{
	sweep_read(&t->sweep, t->buffer, &t->c->d->read);
	for (size_t i = 0; i < t->sweep.count; i++) {
		const struct sweep_file *f = &t->sweep.files[i];
		struct drift_item *item = f->owner;

		if (f->read && !memcmp(f->hash, item->want->hash, LISTING_HASH))
			t->c->d->swept++;
		else
			compare(t, item);
	}
	t->sweep.count = 0;
}

static void compare_some(struct comparer *t, size_t i, size_t end)
{
	for (; i < end && !module_cancelled(); i++) {
		struct drift_item *item = &t->c->d->items[i];

		if (t->c->again ? item->what : !compare_quickly(t, item))
			compare(t, item);
	}
	compare_swept(t);
}

static void *compare_thread(void *arg)
{
	struct comparison *c = arg;
	struct comparer t = {.c = c, .dir.fd = -1, .sweep.disk = -1};
	size_t i, count = c->d->count;

	t.buffer = c->buffers + SWEEP_BUFFER * c->threads++;
	while (!module_cancelled() && (i = atomic_fetch_add(&c->next, SWEEP_FILES)) < count)
		compare_some(&t, i, count - i < SWEEP_FILES ? count : i + SWEEP_FILES);
	cleanup_close(&t.dir.fd);
	cleanup_close(&t.sweep.disk);
	return NULL;
}

/* In large pages, where there are any: a direct read is of one piece of memory then, not of many. */
static uint8_t *make_buffers(void)
{
	uint8_t *buffers = aligned_alloc(LARGE_PAGE, THREADS * SWEEP_BUFFER);

	if (buffers)
		madvise(buffers, THREADS * SWEEP_BUFFER, MADV_HUGEPAGE);
	return buffers;
}

static int run_threads(struct comparison *c, const struct census_job *job)
{
	_cleanup_free_ uint8_t *buffers = make_buffers();
	pthread_t threads[THREADS];
	pthread_attr_t attr;
	size_t started = 0;
	int ret = buffers ? 0 : -ENOMEM;

	c->buffers = buffers;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	while (started < THREADS && !ret)
		if (!(ret = -pthread_create(&threads[started], &attr, compare_thread, c)))
			started++;
	pthread_attr_destroy(&attr);
	while (started && c->next < c->d->count && !module_cancelled()) {
		job->progress(job->ctx, c->d->read, c->again ? 0 : c->d->total, "comparing");
		sleep_ms(WATCH_MS);
	}
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return module_cancelled() ? -ECANCELED : ret;
}

int drift_compare(struct drift *d, const struct census_job *job, bool again)
{
	_cleanup_close_ int root = open(job->target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct comparison c = {.d = d, .root = root, .again = again};
	int ret = root < 0 ? -errno : run_threads(&c, job);

	if (ret)
		return log_err(ret, "cannot compare the system with its listing");
	d->different = 0;
	for (size_t i = 0; i < d->count; i++)
		d->different += d->items[i].what != 0;
	return 0;
}

/* --- words --- */

const char *drift_word(const struct drift_item *item)
{
	return item->what & DRIFT_MISSING      ? "missing"
	       : item->what & DRIFT_UNREADABLE ? "unreadable"
					       : "changed";
}

void drift_describe(const struct drift_item *item, struct strbuf *out)
{
	static const struct {
		enum drift_kind kind;
		const char *word;
	} words[] = {
		{DRIFT_TYPE, "kind of file"}, {DRIFT_CONTENT, "content"},   {DRIFT_MODE, "mode"},
		{DRIFT_OWNER, "owner"},	      {DRIFT_XATTRS, "attributes"},
	};
	const char *separator = ": ";

	strbuf_adds(out, "'/");
	path_text_add(out, item->want->path);
	strbuf_adds(out, "'");
	if (item->what & DRIFT_UNREADABLE)
		strbuf_addf(out, ": %s", strerror(-item->error));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!(item->what & words[i].kind))
			continue;
		strbuf_addf(out, "%s%s", separator, words[i].word);
		separator = ", ";
	}
}
