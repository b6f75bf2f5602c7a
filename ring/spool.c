/* A node's side of a stream on disk; see spool.h. Nothing here follows a symbolic link that came
 * with the data: links are made last, and every folder is opened without following. */
#include "ring/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
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

#define TREE_PART    ".dolly-part"
#define CATALOG_NAME "catalog"
#define ZERO_UNIT    4096

/* --- reading ------------------------------------------------------------------------------------
 */

/* What was never written is a hole, also past the end of the partial file. */
static int read_or_zero(int fd, uint8_t *buf, size_t len, uint64_t offset)
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

static bool fd_is_hole(int fd, uint64_t offset, size_t len)
{
	off_t data = lseek(fd, (off_t)offset, SEEK_DATA);

	return data < 0 ? errno == ENXIO : (uint64_t)data >= offset + len;
}

static int file_read_at(struct store *store, uint64_t offset, void *buf, size_t len)
{
	return read_or_zero(((struct spool *)store)->fd, buf, len, offset);
}

static bool file_is_hole(struct store *store, uint64_t offset, size_t len)
{
	struct spool *s = (struct spool *)store;

	return !s->device && fd_is_hole(s->fd, offset, len);
}

static void tree_path(const struct spool *s, const struct catalog_entry *e, char *out, size_t size)
{
	snprintf(out, size, "%s/%s%s", s->finished ? s->dest : s->part, s->finished ? "" : "tree/",
		 e->path);
}

static int entry_open(const struct spool *s, const struct catalog_entry *e)
{
	char path[2 * PATH_MAX];
	int fd;

	tree_path(s, e, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int read_entry(const struct spool *s, uint64_t offset, uint8_t *buf, size_t *len)
{
	const struct catalog_entry *e = catalog_find(&s->catalog, offset);
	_cleanup_close_ int fd = -1;

	if (!e)
		return -ENODATA;
	if (e->offset + e->size - offset < *len)
		*len = (size_t)(e->offset + e->size - offset);
	fd = entry_open(s, e);
	if (fd < 0)
		return fd == -ENOENT ? (memset(buf, 0, *len), 0) : fd;
	return read_or_zero(fd, buf, *len, offset - e->offset);
}

static int tree_read(struct store *store, uint64_t offset, void *buf, size_t len)
{
	struct spool *s = (struct spool *)store;
	uint8_t *p = buf;
	int ret = 0;

	pthread_rwlock_rdlock(&s->tree);
	while (len && !ret) {
		size_t n = len;

		if (offset < s->catalog_len) {
			n = s->catalog_len - offset < n ? (size_t)(s->catalog_len - offset) : n;
			ret = read_or_zero(s->catalog_fd, p, n, offset);
		} else {
			ret = read_entry(s, offset, p, &n);
		}
		p += n;
		offset += n;
		len -= n;
	}
	pthread_rwlock_unlock(&s->tree);
	return ret;
}

static bool never_hole(struct store *store, uint64_t offset, size_t len)
{
	(void)store;
	(void)offset;
	(void)len;
	return false;
}

/* --- opening ------------------------------------------------------------------------------------
 */

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

static int tree_open(struct spool *s)
{
	char path[PATH_MAX];
	int ret = mkdir_path(s->dest, 0777);

	if (ret)
		return log_err(ret, "cannot create the folder '%s'", s->dest);
	if (asprintf(&s->part, "%s/" TREE_PART, s->dest) < 0) {
		s->part = NULL;
		return log_err(-ENOMEM, "'%s'", s->dest);
	}
	snprintf(path, sizeof(path), "%s/tree", s->part);
	if ((mkdir(s->part, 0700) && errno != EEXIST) || (mkdir(path, 0700) && errno != EEXIST))
		return log_err(-errno, "cannot create the folder '%s'", path);
	s->fd = open(s->part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (s->fd < 0)
		return log_err(-errno, "cannot open '%s'", s->part);
	s->catalog_fd =
		openat(s->fd, CATALOG_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return s->catalog_fd < 0 ? log_err(-errno, "cannot create a file in '%s'", s->part) : 0;
}

static int open_kind(struct spool *s)
{
	struct stat st;

	if (s->kind == RING_TREE) {
		s->store = (struct store){tree_read, never_hole};
		return tree_open(s);
	}
	s->store = (struct store){file_read_at, file_is_hole};
	return !stat(s->dest, &st) && S_ISBLK(st.st_mode) ? device_open(s) : file_open(s);
}

int spool_open(struct spool *s, const char *dest, const struct ring_welcome *what)
{
	struct stat st;
	int ret;

	*s = (struct spool){.kind = what->kind,
			    .length = what->length,
			    .mode = what->mode,
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
		return !fstat(s->catalog_fd, &st) && (uint64_t)st.st_size == s->catalog_len
			       ? s->length
			       : 0;
	return fstat(s->fd, &st) ? 0 : (uint64_t)st.st_size;
}

/* --- the catalog of a tree ----------------------------------------------------------------------
 */

static int make_folders(struct spool *s, const struct catalog *c)
{
	char path[2 * PATH_MAX];

	for (size_t i = 0; i < c->count; i++) {
		if (c->entries[i].type != CATALOG_DIR)
			continue;
		tree_path(s, &c->entries[i], path, sizeof(path));
		if (mkdir(path, 0700) && errno != EEXIST)
			return log_err(-errno, "cannot create the folder '%s'", path);
	}
	return 0;
}

/* Called when all of the catalog has been verified and lies in its file. */
static int load_catalog(struct spool *s)
{
	_cleanup_free_ char *text = NULL;
	struct catalog c;
	char why[160];
	int ret;

	if (s->catalog_len > CATALOG_MAX)
		return log_err(-EFBIG, "the list of files is too long");
	text = malloc(s->catalog_len + 1);
	ret = text ? read_or_zero(s->catalog_fd, (uint8_t *)text, s->catalog_len, 0) : -ENOMEM;
	if (ret)
		return log_err(ret, "cannot read the list of files");
	ret = catalog_parse(&c, text, s->catalog_len, why, sizeof(why));
	if (ret)
		return log_err(ret, "%s", why);
	if (c.end != s->length) {
		catalog_free(&c);
		return log_err(-EBADMSG, "the list of files does not fit to the length");
	}
	pthread_rwlock_wrlock(&s->tree);
	s->catalog = c;
	pthread_rwlock_unlock(&s->tree);
	return make_folders(s, &s->catalog);
}

static int catalog_reached(struct spool *s, uint64_t end)
{
	return s->kind == RING_TREE && !s->catalog.text && end >= s->catalog_len ? load_catalog(s)
										 : 0;
}

int spool_accept(struct spool *s, uint64_t offset, size_t len)
{
	return catalog_reached(s, offset + len);
}

/* --- writing ------------------------------------------------------------------------------------
 */

static int clear_device(int fd, const uint8_t *zeros, size_t len, uint64_t offset)
{
	if (!fallocate(fd, FALLOC_FL_ZERO_RANGE, (off_t)offset, (off_t)len))
		return 0;
	return pwrite_full(fd, zeros, len, offset);
}

/* Leaves out what is zero, in units of a page; a device has to be cleared there. */
static int write_sparse(const struct spool *s, int fd, const uint8_t *p, size_t len,
			uint64_t offset)
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

static void close_out(struct spool *s)
{
	if (s->out_fd >= 0)
		close(s->out_fd);
	s->out_fd = -1;
	s->out_entry = NULL;
}

static int write_entry(struct spool *s, const struct catalog_entry *e, const uint8_t *p, size_t len,
		       uint64_t offset)
{
	char path[2 * PATH_MAX];
	int ret;

	tree_path(s, e, path, sizeof(path));
	if (s->out_entry != e) {
		close_out(s);
		s->out_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (s->out_fd < 0)
			return log_err(-errno, "cannot create '%s'", path);
		s->out_entry = e;
	}
	ret = write_sparse(s, s->out_fd, p, len, offset - e->offset);
	return ret ? log_err(ret, "cannot write '%s'", path) : 0;
}

static int write_catalog(struct spool *s, const uint8_t *p, size_t len, uint64_t offset)
{
	int ret = pwrite_full(s->catalog_fd, p, len, offset);

	return ret ? log_err(ret, "cannot write the list of files in '%s'", s->part) : 0;
}

static int write_tree(struct spool *s, uint64_t offset, const uint8_t *p, size_t len)
{
	while (len) {
		const struct catalog_entry *e = NULL;
		uint64_t end = s->catalog_len;
		size_t n;
		int ret;

		if (offset >= s->catalog_len) {
			e = catalog_find(&s->catalog, offset);
			if (!e)
				return log_err(-EBADMSG, "data past the list of files");
			end = e->offset + e->size;
		}
		n = end - offset < len ? (size_t)(end - offset) : len;
		ret = e ? write_entry(s, e, p, n, offset) : write_catalog(s, p, n, offset);
		if (!ret)
			ret = catalog_reached(s, offset + n);
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
		return write_tree(s, offset, data, len);
	ret = write_sparse(s, s->fd, data, len, offset);
	if (ret)
		return log_err(ret, "cannot write '%s'", s->device ? s->dest : s->part);
	sync_file_range(s->fd, (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE);
	return 0;
}

static int truncate_entry(const struct spool *s, const struct catalog_entry *e, uint64_t offset)
{
	char path[2 * PATH_MAX];
	int ret;

	tree_path(s, e, path, sizeof(path));
	ret = offset > e->offset ? truncate(path, (off_t)(offset - e->offset)) : unlink(path);
	return ret && errno != ENOENT ? log_err(-errno, "cannot cut '%s'", path) : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* What lies there belongs to another catalog: nothing of it may shine through. */
static int clear_tree(const struct spool *s)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/tree", s->part);
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		return log_err(-errno, "cannot empty '%s'", path);
	return mkdir(path, 0700) ? log_err(-errno, "cannot create the folder '%s'", path) : 0;
}

int spool_truncate(struct spool *s, uint64_t offset)
{
	if (s->device)
		return 0;
	if (s->kind == RING_FILE)
		return ftruncate(s->fd, (off_t)offset) ? log_err(-errno, "cannot cut '%s'", s->part)
						       : 0;
	close_out(s);
	if (!s->catalog.text)
		return clear_tree(s);
	for (size_t i = 0; i < s->catalog.count; i++) {
		const struct catalog_entry *e = &s->catalog.entries[i];
		int ret = 0;

		if (e->type == CATALOG_FILE && e->offset + e->size > offset)
			ret = truncate_entry(s, e, offset);
		if (ret)
			return ret;
	}
	return 0;
}

/* --- the end ------------------------------------------------------------------------------------
 */

static int set_meta(int fd, uint32_t mode, int64_t mtime)
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
		ret = set_meta(s->fd, s->mode, s->mtime);
	if (!ret && rename(s->part, s->dest))
		ret = -errno;
	if (!ret)
		ret = sync_folder_of(s->dest);
	return ret ? log_err(ret, "cannot finish '%s'", s->dest) : 0;
}

/* The folder of an entry below DEST, each component opened without following links. */
static int open_folder(int root, const char *path)
{
	int fd = dup(root);

	while (fd >= 0) {
		size_t n = strcspn(path, "/");
		char name[256];
		int next;

		if (!path[n])
			return fd;
		memcpy(name, path, n);
		name[n] = '\0';
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		close(fd);
		fd = next;
		path += n + 1;
	}
	return -errno;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int place_file(struct spool *s, const struct catalog_entry *e, int folder)
{
	char from[CATALOG_PATH_MAX + 8];
	_cleanup_close_ int fd = -1;
	int ret;

	snprintf(from, sizeof(from), "tree/%s", e->path);
	fd = openat(s->fd, from, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)e->size))
		return -errno;
	ret = set_meta(fd, e->mode, e->mtime);
	if (ret)
		return ret;
	return renameat(s->fd, from, folder, base_of(e->path)) ? -errno : 0;
}

static int place_link(struct spool *s, const struct catalog_entry *e, int folder)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = e->mtime}};

	if (unlinkat(s->fd, "link", 0) && errno != ENOENT)
		return -errno;
	if (symlinkat(e->target, s->fd, "link") ||
	    utimensat(s->fd, "link", times, AT_SYMLINK_NOFOLLOW))
		return -errno;
	return renameat(s->fd, "link", folder, base_of(e->path)) ? -errno : 0;
}

static int place_folder(const struct catalog_entry *e, int folder)
{
	_cleanup_close_ int fd = -1;

	if (mkdirat(folder, base_of(e->path), 0700) && errno != EEXIST)
		return -errno;
	fd = openat(folder, base_of(e->path), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : 0;
}

static int place_entry(struct spool *s, const struct catalog_entry *e, int root)
{
	_cleanup_close_ int folder = open_folder(root, e->path);
	int ret;

	if (folder < 0)
		ret = folder;
	else if (e->type == CATALOG_FILE)
		ret = place_file(s, e, folder);
	else if (e->type == CATALOG_LINK)
		ret = place_link(s, e, folder);
	else
		ret = place_folder(e, folder);
	return ret ? log_err(ret, "cannot put '%s' into '%s'", e->path, s->dest) : 0;
}

/* Backwards, so that what lies in a folder is there before its mode and time are set; the emptied
 * folders of the partial tree go on the way. */
static int finish_folders(struct spool *s, int root)
{
	char path[CATALOG_PATH_MAX + 8];

	for (size_t i = s->catalog.count; i--;) {
		const struct catalog_entry *e = &s->catalog.entries[i];
		_cleanup_close_ int folder = -1, fd = -1;
		int ret;

		if (e->type != CATALOG_DIR)
			continue;
		snprintf(path, sizeof(path), "tree/%s", e->path);
		unlinkat(s->fd, path, AT_REMOVEDIR);
		folder = open_folder(root, e->path);
		fd = folder < 0 ? -1
				: openat(folder, base_of(e->path),
					 O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		ret = fd < 0 ? -errno : set_meta(fd, e->mode, e->mtime);
		if (ret)
			return log_err(ret, "cannot finish the folder '%s'", e->path);
	}
	return 0;
}

static int place_all(struct spool *s, int root)
{
	for (size_t i = 0; i < s->catalog.count; i++) {
		int ret = place_entry(s, &s->catalog.entries[i], root);

		if (ret)
			return ret;
	}
	return finish_folders(s, root);
}

static int finish_tree(struct spool *s)
{
	_cleanup_close_ int root = open(s->dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret;

	close_out(s);
	if (root < 0 || syncfs(root))
		return log_err(-errno, "cannot write '%s'", s->dest);
	pthread_rwlock_wrlock(&s->tree);
	ret = place_all(s, root);
	s->finished = !ret;
	pthread_rwlock_unlock(&s->tree);
	if (ret)
		return ret;
	unlinkat(s->fd, "tree", AT_REMOVEDIR);
	unlinkat(s->fd, CATALOG_NAME, 0);
	unlinkat(root, TREE_PART, AT_REMOVEDIR);
	return syncfs(root) ? log_err(-errno, "cannot write '%s'", s->dest) : 0;
}

int spool_finish(struct spool *s)
{
	return s->kind == RING_TREE ? finish_tree(s) : finish_file(s);
}

void spool_close(struct spool *s)
{
	close_out(s);
	if (s->fd >= 0)
		close(s->fd);
	if (s->catalog_fd >= 0)
		close(s->catalog_fd);
	s->fd = s->catalog_fd = -1;
	catalog_free(&s->catalog);
	free(s->dest);
	free(s->part);
	s->dest = s->part = NULL;
	pthread_rwlock_destroy(&s->tree);
}
