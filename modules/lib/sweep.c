/* See sweep.h. */
#include "modules/lib/sweep.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "init/lib/cancel.h"

#define GAP    ((uint64_t)128 << 10) /* is read over rather than left out */
#define AROUND ((uint64_t)64 << 10)  /* directories of one time lie side by side */

/* --- where they lie --- */

/* By the kernel's name for it, as devtmpfs has it: a device mapper's too. */
static int open_disk(dev_t dev)
{
	char link[64], place[PATH_MAX], path[PATH_MAX + 8];
	struct stat st;
	ssize_t n;
	int fd;

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(dev), minor(dev));
	n = readlink(link, place, sizeof(place) - 1);
	if (n <= 0)
		return -1;
	place[n] = '\0';
	snprintf(path, sizeof(path), "/dev/%s", strrchr(place, '/') ? strrchr(place, '/') + 1 : "");
	fd = open(path, O_RDONLY | O_DIRECT | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) || !S_ISBLK(st.st_mode) || st.st_rdev != dev)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool use_disk_of(struct sweep *s, int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st))
		return false;
	if (s->dev == st.st_dev)
		return s->disk >= 0;
	if (s->count)
		return false;
	if (s->disk >= 0)
		close(s->disk);
	s->dev = st.st_dev;
	s->disk = !fstatfs(fd, &fs) && fs.f_flags & ST_RDONLY ? open_disk(st.st_dev) : -1;
	s->ext4 = s->disk >= 0 && fs.f_type == EXT4_SUPER_MAGIC;
	return s->disk >= 0;
}

/* Where the first `size` bytes of it are one piece of the disk as it is: neither holes nor what was
 * never written, and not encrypted, packed, shared or still without a place. */
static bool find_piece(int fd, uint64_t size, uint64_t *start)
{
	union {
		struct fiemap map;
		char room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
	} q = {.map = {.fm_length = size, .fm_flags = FIEMAP_FLAG_SYNC, .fm_extent_count = 1}};
	struct fiemap_extent e;

	if (ioctl(fd, FS_IOC_FIEMAP, &q.map) || q.map.fm_mapped_extents != 1)
		return false;
	memcpy(&e, q.room + sizeof(struct fiemap), sizeof(e));
	*start = e.fe_physical;
	return !(e.fe_flags & ~(uint32_t)(FIEMAP_EXTENT_LAST | FIEMAP_EXTENT_MERGED)) &&
	       !e.fe_logical && e.fe_length >= size && e.fe_physical &&
	       e.fe_physical <= INT64_MAX - e.fe_length;
}

bool sweep_add(struct sweep *s, int fd, uint64_t size, void *owner)
{
	struct sweep_file f = {.owner = owner, .size = size};

	if (!size || s->count == SWEEP_FILES || !use_disk_of(s, fd) ||
	    !find_piece(fd, size, &f.start))
		return false;
	s->files[s->count++] = f;
	return true;
}

/* ext4 finds them in the cache of its device; another file system has a cache of its own. */
void sweep_directory(struct sweep *s, int fd)
{
	uint64_t start;

	if (use_disk_of(s, fd) && s->ext4 && find_piece(fd, 1, &start))
		posix_fadvise(s->disk, (off_t)(start - start % AROUND), AROUND,
			      POSIX_FADV_WILLNEED);
}

/* --- reading --- */

static int by_place(const void *a, const void *b)
{
	const struct sweep_file *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static uint64_t end_of(const struct sweep_file *f)
{
	return f->start + f->size;
}

/* Fills the buffer from there on, with what is wanted of this file and of its neighbours. */
static bool fill(struct sweep *s, size_t i, uint64_t from)
{
	uint64_t end = end_of(&s->files[i]), want;
	ssize_t n;

	s->at = from - from % SWEEP_ALIGN;
	while (++i < s->count && s->files[i].start <= end + GAP && end < s->at + SWEEP_BUFFER)
		if (end < end_of(&s->files[i]))
			end = end_of(&s->files[i]);
	want = (end - s->at + SWEEP_ALIGN - 1) / SWEEP_ALIGN * SWEEP_ALIGN;
	n = pread(s->disk, s->buffer, want < SWEEP_BUFFER ? want : SWEEP_BUFFER, (off_t)s->at);
	s->len = n < 0 ? 0 : (size_t)n;
	return s->at + s->len > from;
}

static bool read_one(struct sweep *s, size_t i, _Atomic uint64_t *bytes)
{
	struct sweep_file *f = &s->files[i];
	uint64_t from = f->start, end = end_of(f), n;
	blake3_hasher h;

	blake3_hasher_init(&h);
	for (; from < end; from += n) {
		bool here = from >= s->at && from < s->at + s->len;

		if (module_cancelled() || (!here && !fill(s, i, from)))
			return false;
		n = s->at + s->len - from;
		if (n > end - from)
			n = end - from;
		blake3_hasher_update(&h, s->buffer + (from - s->at), n);
		*bytes += n;
	}
	blake3_hasher_finalize(&h, f->hash, LISTING_HASH);
	return true;
}

void sweep_read(struct sweep *s, void *buffer, _Atomic uint64_t *bytes)
{
	s->buffer = buffer;
	s->len = 0;
	qsort(s->files, s->count, sizeof(s->files[0]), by_place);
	for (size_t i = 0; i < s->count; i++)
		s->files[i].read = read_one(s, i, bytes);
}
