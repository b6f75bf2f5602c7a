/* A node's side of a stream on disk: a file or a device; trees are in spool-tree.c. See spool.h. */
#include "ring/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "ring/spool-tree.h"

#define ZERO_UNIT 4096

/* What was never written is a hole, also past the end of the partial file. */
int spool_read_sparse(int fd, uint8_t *buf, size_t len, uint64_t offset)
{
	while (len) {
		ssize_t n = pread(fd, buf, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0) {
			memset(buf, 0, len);
			return 0;
		}
		buf += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int file_read_at(struct store *store, uint64_t offset, void *buf, size_t len)
{
	return spool_read_sparse(((struct spool *)store)->fd, buf, len, offset);
}

static bool file_is_hole(struct store *store, uint64_t offset, size_t len)
{
	struct spool *s = (struct spool *)store;

	return !s->device && !fd_has_data(s->fd, offset, len);
}

static int device_open(struct spool *s)
{
	uint64_t size;

	s->device = true;
	s->fd = open(s->dest, O_RDWR | O_CLOEXEC | O_EXCL);
	if (s->fd < 0)
		return log_err(-errno, "cannot open the device '%s'", s->dest);
	if (ioctl(s->fd, BLKGETSIZE64, &size))
		return log_err(-errno, "cannot read the size of '%s'", s->dest);
	if (size < s->length)
		return log_err(-ENOSPC, "'%s' has %llu bytes, %llu are to come", s->dest,
			       (unsigned long long)size, (unsigned long long)s->length);
	return 0;
}

/* DIR/NAME -> DIR/.NAME.dolly-part */
static int file_open(struct spool *s)
{
	const char *slash = strrchr(s->dest, '/');
	const char *name = slash ? slash + 1 : s->dest;

	if (!ring_name_is_safe(name))
		return log_err(-EINVAL, "'%s' is no name for a file", s->dest);
	if (asprintf(&s->part, "%.*s.%s.dolly-part", (int)(name - s->dest), s->dest, name) < 0) {
		s->part = NULL;
		return log_err(-ENOMEM, "'%s'", s->dest);
	}
	s->fd = open(s->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return s->fd < 0 ? log_err(-errno, "cannot create '%s'", s->part) : 0;
}

static int open_kind(struct spool *s)
{
	struct stat st;

	if (s->kind == RING_TREE)
		return tree_open(s);
	s->store = (struct store){file_read_at, file_is_hole};
	return !stat(s->dest, &st) && S_ISBLK(st.st_mode) ? device_open(s) : file_open(s);
}

int spool_open(struct spool *s, const char *dest, const struct ring_welcome *what)
{
	struct stat st;
	int ret;

	*s = (struct spool){.kind = what->kind,
			    .length = what->length,
			    .mode = what->mode & 0777, /* is not under the root */
			    .catalog_len = what->catalog_len,
			    .mtime = what->mtime,
			    .fd = -1,
			    .catalog_fd = -1,
			    .out_fd = -1};
	pthread_rwlock_init(&s->tree, NULL);
	if (s->kind == RING_FILE && !stat(dest, &st) && S_ISDIR(st.st_mode)) {
		if (asprintf(&s->dest, "%s/%s", dest, what->name) < 0)
			s->dest = NULL;
	} else {
		s->dest = strdup(dest);
	}
	ret = s->dest ? open_kind(s) : log_err(-ENOMEM, "'%s'", dest);
	if (ret)
		spool_close(s);
	return ret;
}

uint64_t spool_claim(const struct spool *s)
{
	struct stat st;

	if (s->device || s->length == 0)
		return s->length;
	if (s->kind == RING_TREE)
		return tree_claim(s);
	return fstat(s->fd, &st) ? 0 : (uint64_t)st.st_size;
}

int spool_accept(struct spool *s, uint64_t offset, size_t len)
{
	return s->kind == RING_TREE ? tree_accept(s, offset + len) : 0;
}

static int clear_device(int fd, const uint8_t *zeros, size_t len, uint64_t offset)
{
	if (!fallocate(fd, FALLOC_FL_ZERO_RANGE, (off_t)offset, (off_t)len))
		return 0;
	return pwrite_full(fd, zeros, len, offset);
}

/* Leaves out what is zero, in units of a page; a device has to be cleared there. */
int spool_write_sparse(const struct spool *s, int fd, const uint8_t *p, size_t len, uint64_t offset)
{
	while (len) {
		size_t n = 0, unit;
		bool zero = is_zero(p, len < ZERO_UNIT ? len : ZERO_UNIT);
		int ret = 0;

		do {
			unit = len - n < ZERO_UNIT ? len - n : ZERO_UNIT;
			n += unit;
		} while (n < len &&
			 is_zero(p + n, len - n < ZERO_UNIT ? len - n : ZERO_UNIT) == zero);
		if (!zero)
			ret = pwrite_full(fd, p, n, offset);
		else if (s->device)
			ret = clear_device(fd, p, n, offset);
		if (ret)
			return ret;
		p += n;
		offset += n;
		len -= n;
	}
	return 0;
}

int spool_write(struct spool *s, uint64_t offset, const void *data, size_t len)
{
	int ret;

	if (s->kind == RING_TREE)
		return tree_write(s, offset, data, len);
	ret = spool_write_sparse(s, s->fd, data, len, offset);
	if (ret)
		return log_err(ret, "cannot write '%s'", s->device ? s->dest : s->part);
	sync_file_range(s->fd, (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE);
	return 0;
}

int spool_truncate(struct spool *s, uint64_t offset)
{
	if (s->device)
		return 0;
	if (s->kind == RING_TREE)
		return tree_truncate(s, offset);
	return ftruncate(s->fd, (off_t)offset) ? log_err(-errno, "cannot cut '%s'", s->part) : 0;
}

int spool_set_meta(int fd, uint32_t mode, int64_t mtime)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = mtime}};

	return fchmod(fd, mode) || futimens(fd, times) ? -errno : 0;
}

static int sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder =
		slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	_cleanup_close_ int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd < 0 || fsync(fd) ? -errno : 0;
}

static int finish_file(struct spool *s)
{
	int ret = 0;

	if (s->device)
		return fsync(s->fd) ? log_err(-errno, "cannot write '%s'", s->dest) : 0;
	if (ftruncate(s->fd, (off_t)s->length) || fsync(s->fd))
		ret = -errno;
	if (!ret)
		ret = spool_set_meta(s->fd, s->mode, s->mtime);
	if (!ret && rename(s->part, s->dest))
		ret = -errno;
	if (!ret)
		ret = sync_folder_of(s->dest);
	return ret ? log_err(ret, "cannot finish '%s'", s->dest) : 0;
}

int spool_finish(struct spool *s)
{
	return s->kind == RING_TREE ? tree_finish(s) : finish_file(s);
}

void spool_close(struct spool *s)
{
	tree_close(s);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	free(s->dest);
	free(s->part);
	s->dest = s->part = NULL;
}
