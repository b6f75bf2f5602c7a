/* The master's side of a stream: files read in place; see source.h. */
#include "ring/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

#define TREE_ENTRIES_MAX 4000000
#define TOPS_MAX	 4096

/* The last component, without slashes at its end; false where there is none ("/", "."). */
static bool last_component(const char *path, char *out, size_t size)
{
	size_t end = strlen(path), start;

	while (end && path[end - 1] == '/')
		end--;
	for (start = end; start && path[start - 1] != '/';)
		start--;
	if (end - start >= size)
		return false;
	memcpy(out, path + start, end - start);
	out[end - start] = '\0';
	return ring_name_is_safe(out);
}

/* A file that has become shorter has no holes past its end: reading it will show what is wrong. */
static bool fd_is_hole(int fd, uint64_t offset, size_t len)
{
	struct stat st;

	return !fd_has_data(fd, offset, len) && !fstat(fd, &st) &&
	       (uint64_t)st.st_size >= offset + len;
}

static int unreadable(int err, const char *path)
{
	if (err != -ENODATA)
		return log_err(err, "cannot read '%s'", path);
	log_err(0, "'%s' has become shorter", path);
	return err;
}

static int file_read_at(struct store *store, uint64_t offset, void *buf, size_t len)
{
	const struct source *s = (struct source *)store;
	int ret = pread_full(s->fd, buf, len, offset);

	return ret ? unreadable(ret, s->path) : 0;
}

static bool file_is_hole(struct store *store, uint64_t offset, size_t len)
{
	return fd_is_hole(((struct source *)store)->fd, offset, len);
}

static int open_file(struct source *s, const char *path, const struct stat *st)
{
	s->kind = RING_FILE;
	s->path = path;
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return log_err(-errno, "cannot open '%s'", path);
	if (!last_component(path, s->name, sizeof(s->name)))
		return log_err(-EINVAL, "'%s' has no usable last component", path);
	s->length = (uint64_t)st->st_size;
	if (S_ISBLK(st->st_mode) && ioctl(s->fd, BLKGETSIZE64, &s->length))
		return log_err(-errno, "cannot read the size of '%s'", path);
	s->mode = S_ISBLK(st->st_mode) ? 0600 : st->st_mode & 07777;
	s->mtime = st->st_mtime;
	s->store = (struct store){file_read_at, file_is_hole};
	return 0;
}

static void entry_path(const struct source *s, const struct catalog_entry *e, char *out,
		       size_t size)
{
	snprintf(out, size, "%s%s", s->tops[s->top_of[e - s->catalog.entries]], e->path);
}

/* What was named by a person may be a link; what was found below it was none. */
static int entry_open(const struct source *s, const struct catalog_entry *e)
{
	int follow = strchr(e->path, '/') ? O_NOFOLLOW : 0;
	char path[2 * PATH_MAX];
	int fd;

	entry_path(s, e, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC | follow);
	return fd < 0 ? -errno : fd;
}

/* At most len bytes of the file that holds this byte of the stream; how many, or -errno. */
static ssize_t entry_read(const struct source *s, uint64_t offset, void *buf, size_t len)
{
	const struct catalog_entry *e = catalog_find(&s->catalog, offset);
	char path[2 * PATH_MAX];
	_cleanup_close_ int fd = -1;
	uint64_t left;
	int ret;

	if (!e)
		return -ENODATA;
	left = e->offset + e->size - offset;
	len = left < len ? (size_t)left : len;
	fd = entry_open(s, e);
	ret = fd < 0 ? fd : pread_full(fd, buf, len, offset - e->offset);
	if (!ret)
		return (ssize_t)len;
	entry_path(s, e, path, sizeof(path));
	return unreadable(ret, path);
}

static int tree_read(struct store *store, uint64_t offset, void *buf, size_t len)
{
	struct source *s = (struct source *)store;
	uint8_t *p = buf;

	while (len) {
		ssize_t n;

		if (offset < s->text.len) {
			n = (ssize_t)(s->text.len - offset < len ? s->text.len - offset : len);
			memcpy(p, s->text.buf + offset, (size_t)n);
		} else {
			n = entry_read(s, offset, p, len);
			if (n < 0)
				return (int)n;
		}
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static bool tree_is_hole(struct store *store, uint64_t offset, size_t len)
{
	struct source *s = (struct source *)store;
	const struct catalog_entry *e = catalog_find(&s->catalog, offset);
	_cleanup_close_ int fd = -1;

	if (!e || offset + len > e->offset + e->size)
		return false;
	fd = entry_open(s, e);
	return fd >= 0 && fd_is_hole(fd, offset - e->offset, len);
}

/* Walking: `path` is the place on disk, `inner` the name in the tree. */
struct walk {
	struct source *s;
	size_t entries, cap;
	uint32_t top;
};

static int add_entry(struct walk *w, const struct catalog_entry *e)
{
	uint32_t *grown;

	if (w->entries >= TREE_ENTRIES_MAX)
		return log_err(-EFBIG, "more than %d entries", TREE_ENTRIES_MAX);
	if (w->entries == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 1024;
		grown = realloc(w->s->top_of, w->cap * sizeof(*grown));
		if (!grown)
			return log_err(-ENOMEM, "cannot list '%s'", e->path);
		w->s->top_of = grown;
	}
	w->s->top_of[w->entries++] = w->top;
	catalog_write(&w->s->text, e);
	return w->s->text.error ? log_err(w->s->text.error, "cannot list '%s'", e->path) : 0;
}

static int walk_entry(struct walk *w, const char *path, const char *inner, int depth);

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
}

static int walk_dir(struct walk *w, const char *path, const char *inner, int depth)
{
	struct dirent **list;
	int n = scandir(path, &list, not_dots, by_bytes), ret = 0;

	if (n < 0)
		return log_err(-errno, "cannot read the folder '%s'", path);
	for (int i = 0; i < n; i++) {
		char below[PATH_MAX], name[CATALOG_PATH_MAX];

		if ((size_t)snprintf(below, sizeof(below), "%s/%s", path, list[i]->d_name) >=
			    sizeof(below) ||
		    (size_t)snprintf(name, sizeof(name), "%s/%s", inner, list[i]->d_name) >=
			    sizeof(name))
			ret = ret ? ret : log_err(-ENAMETOOLONG, "in folder '%s'", path);
		if (!ret)
			ret = walk_entry(w, below, name, depth + 1);
		free(list[i]);
	}
	free(list);
	return ret;
}

/* A link at the top (depth 1) stands for what it leads to. */
static int walk_entry(struct walk *w, const char *path, const char *inner, int depth)
{
	char target[CATALOG_PATH_MAX] = "";
	struct catalog_entry e = {.path = (char *)inner, .target = target};
	struct stat st;
	int ret;

	if (depth > CATALOG_DEPTH_MAX)
		return log_err(-ELOOP, "'%s' lies too deep", path);
	if (depth == 1 ? stat(path, &st) : lstat(path, &st))
		return log_err(-errno, "cannot look at '%s'", path);
	e.mode = st.st_mode & 07777;
	e.mtime = st.st_mtime;
	if (S_ISREG(st.st_mode)) {
		e.type = CATALOG_FILE;
		e.size = (uint64_t)st.st_size;
	} else if (S_ISDIR(st.st_mode)) {
		e.type = CATALOG_DIR;
	} else if (S_ISLNK(st.st_mode)) {
		e.type = CATALOG_LINK;
		if (readlink(path, target, sizeof(target) - 1) < 0)
			return log_err(-errno, "cannot read the link '%s'", path);
	} else {
		log_warn("'%s' is neither file, folder nor link: left out", path);
		return 0;
	}
	ret = add_entry(w, &e);
	return ret || e.type != CATALOG_DIR ? ret : walk_dir(w, path, inner, depth);
}

struct top {
	char name[RING_NAME_MAX];
	const char *path;
};

static int top_compare(const void *a, const void *b)
{
	return strcmp(((const struct top *)a)->name, ((const struct top *)b)->name);
}

/* "/a/b" -> "/a/"; "b" -> "" */
static char *folder_of(const char *path, const char *name)
{
	const char *end = path + strlen(path);

	while (end > path && end[-1] == '/')
		end--;
	end -= strlen(name);
	return strndup(path, (size_t)(end - path));
}

static int walk_tops(struct source *s, const struct top *tops, size_t count)
{
	struct walk w = {.s = s};

	s->tops = calloc(count, sizeof(*s->tops));
	if (!s->tops)
		return log_err(-ENOMEM, "cannot list what to send");
	for (size_t i = 0; i < count; i++) {
		int ret;

		if (i && !strcmp(tops[i].name, tops[i - 1].name))
			return log_err(-EEXIST, "'%s' and '%s' have the same last component",
				       tops[i - 1].path, tops[i].path);
		s->tops[i] = folder_of(tops[i].path, tops[i].name);
		s->top_count = i + 1;
		if (!s->tops[i])
			return log_err(-ENOMEM, "cannot list '%s'", tops[i].path);
		w.top = (uint32_t)i;
		ret = walk_entry(&w, tops[i].path, tops[i].name, 1);
		if (ret)
			return ret;
	}
	return 0;
}

static int open_tree(struct source *s, char *const *paths, size_t count)
{
	_cleanup_free_ struct top *tops = calloc(count, sizeof(*tops));
	char why[160];
	int ret;

	if (!tops)
		return log_err(-ENOMEM, "cannot list what to send");
	s->kind = RING_TREE;
	s->text.max = CATALOG_MAX;
	for (size_t i = 0; i < count; i++) {
		tops[i].path = paths[i];
		if (!last_component(paths[i], tops[i].name, sizeof(tops[i].name)))
			return log_err(-EINVAL, "'%s' has no usable last component", paths[i]);
	}
	qsort(tops, count, sizeof(*tops), top_compare);
	catalog_write_start(&s->text);
	ret = walk_tops(s, tops, count);
	if (ret)
		return ret;
	ret = catalog_parse(&s->catalog, s->text.buf, s->text.len, why, sizeof(why));
	if (ret)
		return log_err(ret, "%s", why);
	s->length = s->catalog.end;
	s->store = (struct store){tree_read, tree_is_hole};
	return 0;
}

int source_open(struct source *s, char *const *paths, size_t count)
{
	struct stat st;
	int ret;

	*s = (struct source){.fd = -1};
	if (!count || count > TOPS_MAX)
		return log_err(-EINVAL, "nothing, or too much, to send");
	if (stat(paths[0], &st))
		return log_err(-errno, "cannot look at '%s'", paths[0]);
	if (count == 1 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)))
		ret = open_file(s, paths[0], &st);
	else
		ret = open_tree(s, paths, count);
	if (!ret && s->length / BLOB_CHUNK >= BLOB_MANIFEST_MAX / BLOB_HASH_LEN)
		ret = log_err(-EFBIG, "'%s' is larger than a stream can be (2 TiB)", paths[0]);
	if (ret)
		source_close(s);
	return ret;
}

void source_close(struct source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	strbuf_free(&s->text);
	catalog_free(&s->catalog);
	for (size_t i = 0; i < s->top_count; i++)
		free(s->tops[i]);
	free(s->tops);
	free(s->top_of);
	s->tops = NULL;
	s->top_of = NULL;
	s->top_count = 0;
}
