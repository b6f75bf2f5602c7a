/* See folder-sync.h. A file is ours as long as its content is what the list says that we wrote. */
#include "host-tools/lib/folder-sync.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/map.h"
#include "host-tools/lib/update.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

#define LIST_MAX	 ((size_t)64 << 20)
#define HASH_TEXT	 (2 * crypto_hash_sha256_BYTES + 1)
#define REPLACED_SECONDS (24 * 60 * 60)

struct item {
	const char *type, *path; /* "file", "link", "dir"; "/..." */
	const char *value;	 /* mode, or a link's target */
	const char *hash;	 /* of a file: SHA-256 in hex */
};

struct list {
	char *text;
	struct item *items;
	size_t count;
	struct map by_path;
};

/* --- lists --- */

static bool path_is_inside(const char *path)
{
	size_t n = strlen(path);

	return path[0] == '/' && !strstr(path, "/../") && (n < 3 || strcmp(path + n - 3, "/..")) &&
	       str_is_text(path, n);
}

static int list_line(struct list *l, char *line)
{
	struct item *i = &l->items[l->count];

	*i = (struct item){.type = str_word(&line)};
	if (!i->type)
		return 0;
	i->path = str_word(&line);
	i->value = str_word(&line);
	i->hash = str_word(&line);
	if (!i->value || !path_is_inside(i->path) || (!strcmp(i->type, "file") && !i->hash))
		return -EINVAL;
	map_put(&l->by_path, i->path, i);
	l->count++;
	return 0;
}

static int list_read(struct list *l, const char *path)
{
	size_t lines = 1;
	char *rest, *line;
	int ret = file_read(path, LIST_MAX, &l->text, NULL);

	if (ret)
		return ret;
	for (const char *p = l->text; (p = strchr(p, '\n')); p++)
		lines++;
	l->items = xcalloc(lines, sizeof(*l->items));
	rest = l->text;
	while (!ret && (line = strsep(&rest, "\n")))
		ret = list_line(l, line);
	return ret;
}

static void list_free(struct list *l)
{
	map_free(&l->by_path);
	free(l->items);
	free(l->text);
}

static bool same(const struct item *a, const struct item *b)
{
	return !strcmp(a->type, b->type) && !strcmp(a->value, b->value) &&
	       (!a->hash || !b->hash ? a->hash == b->hash : !strcmp(a->hash, b->hash));
}

/* --- what is there --- */

static int hash_file(const char *path, char out[HASH_TEXT])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	unsigned char buf[65536], hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	ssize_t n;

	if (fd < 0)
		return -errno;
	crypto_hash_sha256_init(&state);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		crypto_hash_sha256_update(&state, buf, (size_t)n);
	if (n < 0)
		return -errno;
	crypto_hash_sha256_final(&state, hash);
	str_to_hex(hash, sizeof(hash), out);
	return 0;
}

/* Whether what lies there is what the item says; a folder is whoever's it is. */
static bool is_there(const char *path, const struct item *i)
{
	char target[PATH_MAX], hash[HASH_TEXT];
	struct stat st;
	ssize_t n;

	if (!i || lstat(path, &st))
		return false;
	if (!strcmp(i->type, "dir"))
		return S_ISDIR(st.st_mode);
	if (!strcmp(i->type, "file"))
		return S_ISREG(st.st_mode) && !hash_file(path, hash) && !strcmp(hash, i->hash);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	return !strcmp(target, i->value);
}

/* --- changes --- */

/* A second name for a file that loses its own: an open file of an NFS client lives as long as it has
 * one. */
static void put_aside(const struct folder_sync *s, const char *path, const struct item *old)
{
	_cleanup_free_ char *aside = xasprintf("%s.replaced/%s", s->to, old->hash ? old->hash : "");

	if (old->hash && link(path, aside) && errno != EEXIST)
		log_warn("cannot keep '%s' for machines that have it open: %s", path,
			 strerror(errno));
}

static int make_aside(const struct folder_sync *s)
{
	_cleanup_free_ char *folder = xasprintf("%s.replaced", s->to);
	_cleanup_closedir_ DIR *dir = NULL;
	time_t now = time(NULL);
	struct dirent *e;
	struct stat st;
	int ret = mkdir_path(folder, 0755);

	if (ret || !(dir = opendir(folder)))
		return log_err(ret ? ret : -errno, "cannot make '%s'", folder);
	while ((e = readdir(dir)))
		if (!fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    S_ISREG(st.st_mode) && st.st_ctime + REPLACED_SECONDS < now)
			unlinkat(dirfd(dir), e->d_name, 0);
	return 0;
}

static int write_item(const struct folder_sync *s, const char *path, const struct item *i)
{
	_cleanup_free_ char *from = xasprintf("%s%s", s->from, i->path);
	mode_t mode = (mode_t)strtoul(i->value, NULL, 8) & 07777;
	int ret = 0;

	if (!strcmp(i->type, "file"))
		ret = file_copy_update(path, from, mode);
	else if (!strcmp(i->type, "dir"))
		ret = mkdir(path, 0755) || chmod(path, mode) ? -errno : 0;
	else
		ret = symlink(i->value, path) ? -errno : 0;
	return ret < 0 ? log_err(ret, "cannot write '%s'", path) : 0;
}

static int sync_item(struct folder_sync *s, const struct item *i, const struct item *old)
{
	_cleanup_free_ char *path = xasprintf("%s%s", s->to, i->path);
	bool present = !faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW);

	if (present && ((old && same(i, old)) || is_there(path, i)))
		return 0;
	if (present && !is_there(path, old)) {
		s->kept++;
		printf("kept %s%s: it is not what setup wrote\n", s->name, i->path);
		return 0;
	}
	if (present)
		put_aside(s, path, old);
	if (present && strcmp(i->type, "file") != 0)
		unlink(path);
	s->written++;
	return write_item(s, path, i);
}

/* What the build no longer has. Folders go when they are empty. */
static void remove_item(struct folder_sync *s, const struct item *old)
{
	_cleanup_free_ char *path = xasprintf("%s%s", s->to, old->path);

	if (!is_there(path, old))
		return;
	if (!strcmp(old->type, "dir")) {
		rmdir(path);
		return;
	}
	put_aside(s, path, old);
	if (unlink(path))
		log_warn("cannot remove '%s': %s", path, strerror(errno));
	else
		s->removed++;
}

static int sync_lists(struct folder_sync *s, struct list *new, struct list *old)
{
	int ret = mkdir_path(s->to, 0755);

	ret = ret ? log_err(ret, "cannot make '%s'", s->to) : make_aside(s);
	for (size_t i = 0; !ret && i < new->count; i++)
		ret = sync_item(s, &new->items[i], map_get(&old->by_path, new->items[i].path));
	for (size_t i = old->count; !ret && i-- > 0;)
		if (!map_get(&new->by_path, old->items[i].path))
			remove_item(s, &old->items[i]);
	return ret;
}

int folder_sync(struct folder_sync *s)
{
	_cleanup_free_ char *from = xasprintf("%s.list", s->from),
			    *to = xasprintf("%s.list", s->to);
	struct list new = {0}, old = {0};
	int ret = list_read(&new, from);

	if (ret) {
		log_err(ret, "cannot read '%s'", from);
	} else if ((ret = list_read(&old, to)) && ret != -ENOENT) {
		log_err(ret, "cannot read '%s'", to);
	} else {
		ret = sync_lists(s, &new, &old);
		if (!ret && (ret = file_copy_update(to, from, 0644)) < 0)
			log_err(ret, "cannot write '%s'", to);
	}
	list_free(&new);
	list_free(&old);
	return ret < 0 ? ret : 0;
}
