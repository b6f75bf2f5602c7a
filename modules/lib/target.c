/* Files of the target through openat2(RESOLVE_IN_ROOT); see target.h. The kernel resolves links
 * against the target, so no check of ours can be raced or forgotten. Mounts are in target-mount.c.
 */
#include "modules/lib/target.h"

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define TEMPORARY ".lucie-new"
#define DEPTH_MAX 32

static int open_in(int root, const char *path, int flags)
{
	struct open_how how = {.flags = (unsigned int)(flags | O_CLOEXEC),
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int target_open_plain(int root, const char *path, int flags)
{
	struct open_how how = {.flags = (unsigned int)(flags | O_CLOEXEC | O_NOFOLLOW),
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int target_open(const char *target, const char *path, int flags)
{
	_cleanup_close_ int root = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root < 0 ? -errno : open_in(root, path, flags);
}

bool target_exists(const char *target, const char *path)
{
	_cleanup_close_ int fd = target_open(target, path, O_PATH);

	return fd >= 0;
}

/* Opens a directory, making what is missing of it. */
static int open_directory(int root, const char *path, unsigned int depth)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd = open_in(root, *path ? path : "/", O_PATH | O_DIRECTORY), dir;

	if (fd != -ENOENT || !slash || !depth)
		return fd;
	if ((size_t)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path) >=
	    sizeof(parent))
		return -ENAMETOOLONG;
	dir = open_directory(root, parent, depth - 1);
	if (dir < 0)
		return dir;
	fd = mkdirat(dir, slash + 1, 0755) && errno != EEXIST ? -errno : 0;
	close(dir);
	return fd ? fd : open_in(root, path, O_PATH | O_DIRECTORY);
}

/* The directory that holds path, and in *name the last component. depth: how many missing
 * directories may be made. */
static int open_parent(const char *target, const char *path, const char **name, unsigned int depth)
{
	_cleanup_close_ int root = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	if (root < 0)
		return -errno;
	if (!slash || !slash[1])
		return -EINVAL;
	if ((size_t)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path) >=
	    sizeof(parent))
		return -ENAMETOOLONG;
	*name = slash + 1;
	return open_directory(root, parent, depth);
}

static int write_new(int dir, const char *name, const void *data, size_t len, mode_t mode,
		     const struct stat *old)
{
	_cleanup_close_ int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int ret = fd < 0 ? -errno : write_full(fd, data, len);

	if (!ret && (fchown(fd, old ? old->st_uid : 0, old ? old->st_gid : 0) ||
		     fchmod(fd, old ? old->st_mode & 07777 : mode)))
		ret = -errno;
	return ret;
}

int target_write(const char *target, const char *path, const void *data, size_t len, mode_t mode)
{
	const char *name;
	_cleanup_close_ int dir = open_parent(target, path, &name, DEPTH_MAX);
	struct stat old;
	int ret = dir < 0 ? dir : 0;

	if (!ret && mode == TARGET_KEEP && fstatat(dir, name, &old, AT_SYMLINK_NOFOLLOW))
		ret = -errno;
	if (!ret && mode == TARGET_KEEP && !S_ISREG(old.st_mode))
		ret = -EINVAL;
	if (!ret) {
		unlinkat(dir, TEMPORARY, 0);
		ret = write_new(dir, TEMPORARY, data, len, mode, mode == TARGET_KEEP ? &old : NULL);
	}
	if (!ret && renameat(dir, TEMPORARY, dir, name))
		ret = -errno;
	if (ret && dir >= 0)
		unlinkat(dir, TEMPORARY, 0);
	return ret ? log_err(ret, "cannot write '%s' in the target", path) : 0;
}

int target_write_text(const char *target, const char *path, const char *text, mode_t mode)
{
	return target_write(target, path, text, strlen(text), mode);
}

int target_read(const char *target, const char *path, size_t max, char **out)
{
	_cleanup_close_ int fd = target_open(target, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
	_cleanup_free_ char *buf = NULL;
	struct stat st;
	int ret = 0;

	if (fd == -ENOENT)
		return fd;
	if (fd < 0 || fstat(fd, &st))
		return log_err(fd < 0 ? fd : -errno, "cannot read '%s' in the target", path);
	if (!S_ISREG(st.st_mode))
		ret = -EINVAL;
	else if ((uint64_t)st.st_size > max)
		ret = -EFBIG;
	else if (!(buf = calloc(1, (size_t)st.st_size + 1)))
		ret = -ENOMEM;
	else
		ret = read_full(fd, buf, (size_t)st.st_size);
	if (ret)
		return log_err(ret, "cannot read '%s' in the target", path);
	*out = buf;
	buf = NULL;
	return 0;
}

ssize_t target_readlink(const char *target, const char *path, char *to, size_t len)
{
	const char *name;
	_cleanup_close_ int dir = open_parent(target, path, &name, 0);
	ssize_t n = dir < 0 ? dir : readlinkat(dir, name, to, len - 1);

	if (n < 0)
		return dir < 0 ? dir : -errno;
	to[n] = '\0';
	return n;
}

int target_mkdir(const char *target, const char *path, mode_t mode)
{
	const char *name;
	_cleanup_close_ int dir = open_parent(target, path, &name, DEPTH_MAX), fd = -1;
	int ret = dir < 0 ? dir : 0;

	if (!ret && mkdirat(dir, name, mode) && errno != EEXIST)
		ret = -errno;
	if (!ret)
		ret = fd = target_open(target, path, O_RDONLY | O_DIRECTORY);
	if (ret >= 0)
		ret = fchmod(fd, mode) ? -errno : 0;
	return ret ? log_err(ret, "cannot make the directory '%s' in the target", path) : 0;
}

int target_place(const char *target, const char *path, char place[PATH_MAX])
{
	_cleanup_close_ int fd = target_open(target, path, O_PATH | O_DIRECTORY);
	char link[32];
	ssize_t n;

	if (fd < 0)
		return fd;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, place, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	place[n] = '\0';
	return 0;
}

int target_symlink(const char *target, const char *to, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = open_parent(target, path, &name, DEPTH_MAX);
	int ret = dir < 0 ? dir : 0;

	if (!ret) {
		unlinkat(dir, TEMPORARY, 0);
		ret = symlinkat(to, dir, TEMPORARY) || renameat(dir, TEMPORARY, dir, name) ? -errno
											   : 0;
	}
	return ret ? log_err(ret, "cannot make the link '%s' in the target", path) : 0;
}

int target_remove(const char *target, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = open_parent(target, path, &name, 0);
	int ret = dir < 0 ? dir : 0;

	if (!ret && unlinkat(dir, name, 0))
		ret = -errno;
	return ret && ret != -ENOENT ? log_err(ret, "cannot remove '%s' from the target", path) : 0;
}

int target_rename(const char *target, const char *from, const char *to)
{
	const char *from_name, *to_name;
	_cleanup_close_ int from_dir = open_parent(target, from, &from_name, 0);
	_cleanup_close_ int to_dir = open_parent(target, to, &to_name, DEPTH_MAX);
	int ret = from_dir < 0 ? from_dir : to_dir < 0 ? to_dir : 0;

	if (!ret && renameat(from_dir, from_name, to_dir, to_name))
		ret = -errno;
	return ret && ret != -ENOENT
		       ? log_err(ret, "cannot rename '%s' to '%s' in the target", from, to)
		       : 0;
}
