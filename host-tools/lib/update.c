/* Compare, write beside, rename; see update.h. */
#include "host-tools/lib/update.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"

#define COPY_BLOCK ((size_t)256 << 10)

static bool has_content(const char *path, const void *data, size_t len, mode_t mode)
{
	_cleanup_free_ char *old = NULL;
	struct stat st;
	size_t n;

	if (lstat(path, &st) || !S_ISREG(st.st_mode) || (size_t)st.st_size != len ||
	    (st.st_mode & 07777) != mode)
		return false;
	return !file_read(path, len, &old, &n) && n == len && (!len || !memcmp(old, data, len));
}

static int temporary_name(const char *path, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s.%ld~", path, (long)getpid()) >= PATH_MAX ? -ENAMETOOLONG
										    : 0;
}

/* A new file: the folder may be the server's (server-user.h), who could have put a link there. */
static int open_beside(const char *tmp, mode_t mode)
{
	int fd;

	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	return fd < 0 ? -errno : fd;
}

static int write_beside(const char *tmp, const void *data, size_t len, mode_t mode)
{
	_cleanup_close_ int fd = open_beside(tmp, mode);
	int ret = fd < 0 ? fd : write_full(fd, data, len);

	return !ret && fchmod(fd, mode) ? -errno : ret;
}

static int move_into_place(const char *tmp, const char *path, int ret)
{
	if (!ret && rename(tmp, path))
		ret = -errno;
	if (ret)
		unlink(tmp);
	return ret ? ret : 1;
}

int file_update(const char *path, const void *data, size_t len, mode_t mode)
{
	char tmp[PATH_MAX];
	int ret;

	if (has_content(path, data, len, mode))
		return 0;
	ret = temporary_name(path, tmp);
	if (ret)
		return ret;
	return move_into_place(tmp, path, write_beside(tmp, data, len, mode));
}

static ssize_t read_block(int fd, char *buf)
{
	ssize_t n;

	do
		n = read(fd, buf, COPY_BLOCK);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* 1: the same bytes, 0: others, -errno. Both are read from where they stand. */
static int same_bytes(int a, int b)
{
	_cleanup_free_ char *x = malloc(COPY_BLOCK), *y = malloc(COPY_BLOCK);
	ssize_t n;

	if (!x || !y)
		return -ENOMEM;
	while ((n = read_block(a, x)) > 0) {
		int ret = read_full(b, y, (size_t)n);

		if (ret)
			return ret == -ENODATA ? 0 : ret;
		if (memcmp(x, y, (size_t)n))
			return 0;
	}
	if (n < 0)
		return (int)n;
	n = read_block(b, y);
	return n < 0 ? (int)n : !n;
}

static int copy_bytes(int to, int from)
{
	_cleanup_free_ char *buf = malloc(COPY_BLOCK);
	ssize_t n;
	int ret = 0;

	if (!buf)
		return -ENOMEM;
	while (!ret && (n = read_block(from, buf)) != 0)
		ret = n < 0 ? (int)n : write_full(to, buf, (size_t)n);
	return ret;
}

static int copy_beside(const char *path, int from, mode_t mode)
{
	_cleanup_close_ int to = -1;
	char tmp[PATH_MAX];
	int ret = temporary_name(path, tmp);

	if (ret)
		return ret;
	to = open_beside(tmp, mode);
	if (to < 0)
		return to;
	ret = lseek(from, 0, SEEK_SET) ? -errno : copy_bytes(to, from);
	if (!ret && fchmod(to, mode))
		ret = -errno;
	return move_into_place(tmp, path, ret);
}

int file_copy_update(const char *path, const char *from, mode_t mode)
{
	_cleanup_close_ int source = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int old = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (source < 0)
		return -errno;
	if (old >= 0 && !fstat(old, &st) && (st.st_mode & 07777) == mode &&
	    same_bytes(source, old) == 1)
		return 0;
	return copy_beside(path, source, mode);
}
