/* A tree on a node's disk: its catalog, its partial files, and at the end their places; see
 * spool-tree.h. Nothing here follows a symbolic link that came with the data: links are made last,
 * and every folder is opened without following. */
#include "ring/spool-tree.h"

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
#include "init/lib/log.h"

#define TREE_PART    ".dolly-part"
#define CATALOG_NAME "catalog"

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
	return spool_read_sparse(fd, buf, *len, offset - e->offset);
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
			ret = spool_read_sparse(s->catalog_fd, p, n, offset);
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

int tree_open(struct spool *s)
{
	char path[PATH_MAX];
	int ret = mkdir_path(s->dest, 0777);

	s->store = (struct store){tree_read, never_hole};
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

uint64_t tree_claim(const struct spool *s)
{
	struct stat st;

	return !fstat(s->catalog_fd, &st) && (uint64_t)st.st_size == s->catalog_len ? s->length : 0;
}

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
	ret = text ? spool_read_sparse(s->catalog_fd, (uint8_t *)text, s->catalog_len, 0) : -ENOMEM;
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

int tree_accept(struct spool *s, uint64_t end)
{
	return !s->catalog.text && end >= s->catalog_len ? load_catalog(s) : 0;
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
	ret = spool_write_sparse(s, s->out_fd, p, len, offset - e->offset);
	return ret ? log_err(ret, "cannot write '%s'", path) : 0;
}

static int write_catalog(struct spool *s, const uint8_t *p, size_t len, uint64_t offset)
{
	int ret = pwrite_full(s->catalog_fd, p, len, offset);

	return ret ? log_err(ret, "cannot write the list of files in '%s'", s->part) : 0;
}

int tree_write(struct spool *s, uint64_t offset, const uint8_t *p, size_t len)
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
			ret = tree_accept(s, offset + n);
		if (ret)
			return ret;
		p += n;
		offset += n;
		len -= n;
	}
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

/* What lies there belongs to another catalog: nothing of it may shine through. */
static int clear_tree(const struct spool *s)
{
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s/tree", s->part);
	ret = remove_tree(path);
	if (ret && ret != -ENOENT)
		return log_err(ret, "cannot empty '%s'", path);
	return mkdir(path, 0700) ? log_err(-errno, "cannot create the folder '%s'", path) : 0;
}

int tree_truncate(struct spool *s, uint64_t offset)
{
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
	ret = spool_set_meta(fd, e->mode, e->mtime);
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
		ret = fd < 0 ? -errno : spool_set_meta(fd, e->mode, e->mtime);
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

int tree_finish(struct spool *s)
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

void tree_close(struct spool *s)
{
	close_out(s);
	if (s->catalog_fd >= 0)
		close(s->catalog_fd);
	s->catalog_fd = -1;
	catalog_free(&s->catalog);
	pthread_rwlock_destroy(&s->tree);
}
