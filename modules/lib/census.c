/* See census.h. */
#include "modules/lib/census.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "init/lib/cancel.h"
#include "init/lib/cleanup.h"
#include "init/lib/path-text.h"
#include "modules/lib/target.h"

#define AHEAD	  ((off_t)2 << 20) /* of a large file is asked for at once */
#define LINK_TEXT 32		   /* "/proc/self/fd/N" */

/* --- one place --- */

static void fd_link(int fd, char link[LINK_TEXT])
{
	snprintf(link, LINK_TEXT, "/proc/self/fd/%d", fd);
}

static int look_at_link(int fd, struct listing_entry *e)
{
	char text[PATH_INNER_MAX + 1];
	ssize_t n = readlinkat(fd, "", text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	listing_hash_text(text, e->hash);
	return 0;
}

/* The attributes of a link are nobody's: it has none that a user could set. */
static int look_at_xattrs(int fd, struct listing_entry *e)
{
	struct listing_xattrs x = {.count = 0};
	_cleanup_free_ char *value = NULL;
	char link[LINK_TEXT], names[4096];
	ssize_t len;
	int ret = 0;

	fd_link(fd, link);
	len = listxattr(link, names, sizeof(names));
	if (len <= 0)
		return len && errno != ENOTSUP ? -errno : 0;
	value = malloc(XATTR_SIZE_MAX);
	for (const char *name = names; !ret && name < names + len; name += strlen(name) + 1) {
		ssize_t n = value ? getxattr(link, name, value, XATTR_SIZE_MAX) : -1;

		ret = !value ? -ENOMEM : n < 0 ? -errno : listing_xattr(&x, name, value, (size_t)n);
	}
	listing_xattrs_hash(&x, e->xattrs);
	return ret;
}

static void take(const struct stat *st, struct listing_entry *e)
{
	e->type = listing_type_of(st->st_mode);
	e->mode = st->st_mode & 07777;
	e->uid = st->st_uid;
	e->gid = st->st_gid;
	if (e->type == LISTING_FILE)
		e->size = (uint64_t)st->st_size;
	if (e->type == LISTING_CHAR || e->type == LISTING_BLOCK)
		e->size = st->st_rdev;
}

static int look(int fd, struct listing_entry *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	take(&st, e);
	return e->type == LISTING_LINK ? look_at_link(fd, e) : look_at_xattrs(fd, e);
}

int census_look(int root, const char *path, struct listing_entry *e, int *out)
{
	_cleanup_close_ int fd = target_open_plain(root, path, O_PATH);
	int ret;

	*e = (struct listing_entry){.path = path};
	ret = fd < 0 ? fd : look(fd, e);
	if (!ret && out) {
		*out = fd;
		fd = -1;
	}
	return ret;
}

/* The directory of the path, which stays open; *name is what is looked for in it. */
static int open_directory(struct census_dir *d, int root, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (n >= sizeof(d->path))
		return -1;
	*name = slash ? slash + 1 : path;
	if (d->fd >= 0 && !d->path[n] && !memcmp(d->path, path, n))
		return d->fd;
	if (d->fd >= 0)
		close(d->fd);
	memcpy(d->path, path, n);
	d->path[n] = '\0';
	d->fd = target_open_plain(root, n ? d->path : ".", O_PATH | O_DIRECTORY);
	return d->fd;
}

int census_open(struct census_dir *d, int root, const char *path, struct listing_entry *e)
{
	const char *name;
	struct stat st;
	int dir = open_directory(d, root, path, &name), fd;

	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return -1;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
	if (fd < 0)
		return -1;
	*e = (struct listing_entry){.path = path};
	take(&st, e);
	if (flistxattr(fd, NULL, 0) && look_at_xattrs(fd, e)) {
		close(fd);
		return -1;
	}
	return fd;
}

int census_hash(int place, off_t size, void *buffer, _Atomic uint64_t *bytes,
		uint8_t hash[LISTING_HASH])
{
	_cleanup_close_ int fd = -1;
	char link[LINK_TEXT];
	blake3_hasher h;
	ssize_t n = 1;

	fd_link(place, link);
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NOATIME);
	if (fd < 0)
		return -errno;
	blake3_hasher_init(&h);
	for (off_t done = 0; !module_cancelled(); done += n) {
		if (done % AHEAD == 0 && size > (off_t)CENSUS_BUFFER)
			posix_fadvise(fd, done, 2 * AHEAD, POSIX_FADV_WILLNEED);
		n = read(fd, buffer, CENSUS_BUFFER);
		if (n <= 0)
			break;
		blake3_hasher_update(&h, buffer, (size_t)n);
		*bytes += (uint64_t)n;
	}
	if (n)
		return n < 0 ? -errno : -ECANCELED;
	blake3_hasher_finalize(&h, hash, LISTING_HASH);
	return 0;
}

/* --- all places --- */

/* One that ends in a slash means what is below it. */
static const char *const ignored[] = {
	"dev/",
	"etc/.pwd.lock",
	"etc/.updated",
	"etc/adjtime",
	"etc/machine-id",
	"etc/mtab",
	"etc/resolv.conf",
	"proc/",
	"run/",
	"sys/",
	"tmp/",
	"var/.updated",
	"var/cache/",
	"var/lib/dbus/machine-id",
	"var/lib/lucie/",
	"var/lib/systemd/",
	"var/log/",
	"var/tmp/",
};

static bool is_at_or_below(const char *path, const char *place, size_t n)
{
	if (n && place[n - 1] == '/')
		return !strncmp(path, place, n) && path[n];
	return n && !strncmp(path, place, n) && (!path[n] || path[n] == '/');
}

static bool names_path(const char *words, const char *path)
{
	while (words && *words) {
		size_t n = strcspn(words, " \t,");

		if (*words == '/' && is_at_or_below(path, words + 1, n - 1))
			return true;
		words += n;
		words += strspn(words, " \t,");
	}
	return false;
}

bool census_ignores(const struct census_job *job, const char *path)
{
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (is_at_or_below(path, ignored[i], strlen(ignored[i])))
			return true;
	if (!strcmp(path, "lost+found") || str_ends(path, "/lost+found"))
		return true;
	/* "NAME ROOT MASTER TARGET": of its words the target alone begins with a slash. */
	plan_for_each (line, plan_section(job->plan, "dolly"), "dataset")
		if (names_path(line->value, path))
			return true;
	return names_path(plan_get(job->section, "ignore"), path);
}

bool census_is_since(const struct timespec *t, const struct timespec *since)
{
	return t->tv_sec > since->tv_sec ||
	       (t->tv_sec == since->tv_sec && t->tv_nsec >= since->tv_nsec);
}

static int walk(const struct census_walk *w, int dir, char *path, size_t len, unsigned int depth);

static int walk_one(const struct census_walk *w, int dir, char *path, size_t len, const char *name,
		    unsigned int depth)
{
	size_t n = strlen(name);
	struct stat st;
	int ret, fd;

	if (len + n + 2 > PATH_INNER_MAX)
		return -ENAMETOOLONG;
	if (len)
		path[len++] = '/';
	memcpy(path + len, name, n + 1);
	if (census_ignores(w->job, path))
		return 0;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	ret = w->fn(path, &st, w->arg);
	if (ret || !S_ISDIR(st.st_mode))
		return ret;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : walk(w, fd, path, len + n, depth + 1);
}

/* Whether the entries of the directory have to be looked at that are no directories. */
static bool is_open(const struct census_walk *w, int dir)
{
	struct stat st;

	return !w->since || fstat(dir, &st) || census_is_since(&st.st_ctim, w->since);
}

/* Takes the descriptor over. path has room for PATH_INNER_MAX bytes. */
static int walk(const struct census_walk *w, int fd, char *path, size_t len, unsigned int depth)
{
	_cleanup_closedir_ DIR *dir = fdopendir(fd);
	struct dirent *d;
	bool all = is_open(w, fd);
	int ret = 0;

	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	if (depth > PATH_INNER_DEPTH)
		return -ELOOP;
	while (!ret && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 &&
		    (all || d->d_type == DT_DIR || d->d_type == DT_UNKNOWN))
			ret = module_cancelled() ? -ECANCELED
						 : walk_one(w, fd, path, len, d->d_name, depth);
	path[len] = '\0';
	return ret;
}

int census_walk(const struct census_walk *w)
{
	char path[PATH_INNER_MAX] = "";
	int fd = openat(w->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : walk(w, fd, path, 0, 0);
}
