/* A blob from the ring; see ring-source.h.
 *
 * Two threads: the one of the blob's reader, which hands on what has been verified, and one that is
 * the ring's node. They are as fast as each likes: what lies between them is on the disk.
 */
#include "modules/lib/ring-source.h"

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/str.h"
#include "init/lib/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define FILE_NAME	 "blob"
#define PART_NAME	 ".blob.dolly-part" /* its name until it is whole, ring/spool.h */
#define BLOCK		 ((size_t)256 << 10)
#define STACK_BYTES	 ((size_t)512 << 10) /* musl's default is too little for resolver and paths */
#define MASTER_WAIT_MS	 5000		     /* the server has it running before it gives plans */
#define STALL_MS	 60000 /* the master may have to read all of its source first */
#define MOMENT_MS	 200
#define WALK_DESCRIPTORS 16

/* The copy and what is unpacked from it have to fit: text and programs are seldom packed tighter
 * than four to one. */
#define ROOM_FACTOR 5

struct taking {
	/* set before the node's thread starts, then constant */
	const struct ring_source *source;
	struct blob_reader *reader;
	int target, folder; /* descriptors */
	pthread_t thread;

	atomic_bool stop; /* the node shall leave the ring */

	/* the reader's thread's own */
	int fd; /* of the copy; -1 before there is one */
	char *why;
	size_t why_size;

	pthread_mutex_t lock; /* guards: */
	pthread_cond_t changed;
	uint64_t verified; /* bytes of the copy, from its start */
	bool ended;
	int ret; /* of the node, once it has ended */
};

static int because(struct taking *t, int err, const char *what)
{
	snprintf(t->why, t->why_size, "%s%s", what, strerror(-err));
	return err;
}

/* --- the folder --- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	return walk->level ? remove(path) : 0;
}

static void folder_empty(int folder)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/.", folder);
	nftw(path, remove_one, WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* By descriptors, because what is unpacked beside it might put something else into its place. */
static int folder_open(struct taking *t)
{
	t->target = open(t->source->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->target < 0)
		return -errno;
	if (mkdirat(t->target, RING_SOURCE_FOLDER, 0700) && errno != EEXIST)
		return -errno;
	t->folder = openat(t->target, RING_SOURCE_FOLDER,
			   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t->folder < 0 || fchmod(t->folder, 0700))
		return -errno;
	folder_empty(t->folder);
	return 0;
}

static void folder_remove(struct taking *t)
{
	if (t->fd >= 0)
		close(t->fd);
	if (t->folder >= 0) {
		folder_empty(t->folder);
		close(t->folder);
		unlinkat(t->target, RING_SOURCE_FOLDER, AT_REMOVEDIR);
	}
	if (t->target >= 0)
		close(t->target);
}

static int check_room(struct taking *t)
{
	uint64_t need = blob_length(t->reader), room;
	struct statvfs v;
	char a[16], b[16];

	if (fstatvfs(t->folder, &v))
		return because(t, -errno, "its folder in the target: ");
	room = (uint64_t)v.f_bavail * v.f_frsize;
	if (need <= room / ROOM_FACTOR)
		return 0;
	snprintf(t->why, t->why_size,
		 "%s are free, a copy of %s beside what it unpacks to may not fit",
		 str_from_size(room, a, sizeof(a)), str_from_size(need, b, sizeof(b)));
	return -ENOSPC;
}

/* --- the node --- */

static _Thread_local struct taking *this_node; /* struct ring_common gives its callback nothing */

static bool is_stopped(void)
{
	return atomic_load(&this_node->stop) || blob_stopped(this_node->reader);
}

static void set_verified(struct taking *t, uint64_t bytes)
{
	pthread_mutex_lock(&t->lock);
	if (bytes > t->verified)
		t->verified = bytes;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

static void on_progress(uint64_t done, uint64_t total, void *arg)
{
	(void)total;
	set_verified(arg, done);
}

static void *node_main(void *arg)
{
	struct taking *t = arg;
	struct ring_recv recv;
	char dest[64];
	int ret;

	this_node = t;
	snprintf(dest, sizeof(dest), "/proc/self/fd/%d/" FILE_NAME, t->folder);
	ring_recv_defaults(&recv);
	recv.common.key = t->source->key;
	recv.common.cancelled = is_stopped;
	recv.master = t->source->master;
	recv.dest = dest;
	recv.name = t->source->node;
	recv.has_root = true;
	memcpy(recv.root, t->source->root, sizeof(recv.root));
	recv.wait_ms = MASTER_WAIT_MS;
	recv.progress = on_progress;
	recv.arg = t;
	ret = ring_recv(&recv);
	if (!ret)
		set_verified(t, blob_length(t->reader));
	pthread_mutex_lock(&t->lock);
	t->ret = ret;
	t->ended = true;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static int node_start(struct taking *t)
{
	pthread_attr_t attr;
	int ret;

	pthread_mutex_init(&t->lock, NULL);
	wait_init(&t->changed);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	ret = -pthread_create(&t->thread, &attr, node_main, t);
	pthread_attr_destroy(&attr);
	return ret;
}

/* --- handing on --- */

/* Waits until *verified is more than `at`. -ETIMEDOUT, -ECANCELED, or what the ring ended with. */
static int wait_more(struct taking *t, uint64_t at, uint64_t *verified)
{
	int64_t end = now_ms() + STALL_MS;
	int ret = 0;

	pthread_mutex_lock(&t->lock);
	while (!ret && t->verified <= at) {
		if (t->ended)
			ret = because(t, t->ret, "");
		else if (blob_stopped(t->reader))
			ret = -ECANCELED;
		else if (now_ms() > end)
			ret = because(t, -ETIMEDOUT, "nothing new: ");
		else
			wait_ms(&t->changed, &t->lock, MOMENT_MS);
	}
	*verified = t->verified;
	pthread_mutex_unlock(&t->lock);
	return ret;
}

/* It is renamed at any time, so in this order. */
static int open_copy(struct taking *t)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;

	t->fd = openat(t->folder, PART_NAME, flags);
	if (t->fd < 0)
		t->fd = openat(t->folder, FILE_NAME, flags);
	return t->fd < 0 ? because(t, -errno, "its copy: ") : 0;
}

/* A block of zeros at the end may not be there yet: the file gets its length last. */
static int read_copy(struct taking *t, uint8_t *buf, size_t len, uint64_t offset)
{
	int ret = t->fd < 0 ? open_copy(t) : 0;

	while (len && !ret) {
		ssize_t n = pread(t->fd, buf, len, (off_t)offset);

		if (n < 0 && errno != EINTR)
			ret = because(t, -errno, "its copy: ");
		if (n == 0) {
			memset(buf, 0, len);
			n = (ssize_t)len;
		}
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
			offset += (uint64_t)n;
		}
	}
	return ret;
}

static int hand_on(struct taking *t, uint8_t *buf)
{
	uint64_t at = blob_wanted(t->reader), length = blob_length(t->reader), verified = 0;
	int ret = 0;

	while (!ret && at < length) {
		size_t n = 0;

		if (at >= verified)
			ret = wait_more(t, at, &verified);
		if (!ret) {
			n = verified - at < BLOCK ? (size_t)(verified - at) : BLOCK;
			ret = read_copy(t, buf, n, at);
		}
		if (!ret)
			ret = blob_give(t->reader, buf, n);
		at += n;
	}
	return ret;
}

static int take(struct taking *t)
{
	_cleanup_free_ uint8_t *buf = malloc(BLOCK);
	int ret = buf ? node_start(t) : -ENOMEM;

	if (ret)
		return because(t, ret, "");
	ret = hand_on(t, buf);
	if (ret)
		atomic_store(&t->stop, true);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	return ret;
}

int ring_source_run(struct blob_reader *r, void *source, char *why, size_t size)
{
	struct taking t = {.source = source,
			   .reader = r,
			   .target = -1,
			   .folder = -1,
			   .fd = -1,
			   .why = why,
			   .why_size = size};
	int ret = folder_open(&t);

	ret = ret ? because(&t, ret, "its folder in the target: ") : check_room(&t);
	if (!ret)
		ret = take(&t);
	folder_remove(&t);
	return ret;
}

/* --- the plan --- */

const char *ring_source_problem(const struct plan_section *section)
{
	const char *master = plan_get(section, "ring"), *hex = plan_get(section, "ring_key");
	uint8_t raw[RING_KEY_LEN];

	if (master && (!*master || strpbrk(master, " \t/")))
		return "ring is not MASTER:PORT";
	if (hex && str_from_hex(hex, raw, sizeof(raw)))
		return "ring_key is not 64 hex digits";
	return hex && !master ? "there is a ring_key, but no ring" : NULL;
}

void ring_source_init(struct ring_source *s, const struct plan_section *section, const char *root,
		      const char *target, const char *node)
{
	const char *hex = plan_get(section, "ring_key");

	*s = (struct ring_source){
		.master = plan_get(section, "ring"), .target = target, .node = node};
	str_from_hex(root, s->root, sizeof(s->root));
	s->key.set = hex && !str_from_hex(hex, s->key.key, sizeof(s->key.key));
	if (s->master)
		snprintf(s->label, sizeof(s->label), "ring %s", s->master);
}
