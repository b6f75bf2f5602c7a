/* Making, linking, syncing and switching; see generation.h. */
#include "host-tools/lib/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/update.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define CONTENTS     "contents" /* the list of its files, for the next one to compare with */
#define CONTENTS_MAX ((size_t)64 << 20)
#define KEEP	     3

/* Names that stay, and lead into the generation in force. */
static const char *const names[] = {"definition", "dnsmasq.conf", "fragments",
				    "files",	  "modules",	  "tftp"};

/* --- numbers --- */

static unsigned int number_of(const char *name)
{
	uint64_t v;

	return str_to_u64(name, &v) || !v || v >= UINT_MAX ? 0 : (unsigned int)v;
}

unsigned int generation_current(const char *state_dir)
{
	_cleanup_free_ char *path = xasprintf("%s/current", state_dir);
	char target[64];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0)
		return 0;
	target[n] = '\0';
	return str_starts(target, GENERATIONS "/") ? number_of(target + strlen(GENERATIONS "/"))
						   : 0;
}

/* Calls each() with the number of every generation there is, until it fails. */
static int for_each(const char *state_dir,
		    int (*each)(const char *folder, unsigned int number, void *arg), void *arg)
{
	_cleanup_free_ char *path = xasprintf("%s/" GENERATIONS, state_dir);
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *e;
	int ret = 0;

	if (!dir)
		return log_err(-errno, "cannot read '%s'", path);
	while (!ret && (e = readdir(dir)))
		if (number_of(e->d_name))
			ret = each(path, number_of(e->d_name), arg);
	return ret;
}

static int folder_remove(const char *folder, unsigned int number)
{
	_cleanup_free_ char *path = xasprintf("%s/%u", folder, number);
	int ret = remove_tree(path);

	return ret ? log_err(ret, "cannot remove '%s'", path) : 0;
}

/* --- begin and end --- */

static int count_one(const char *folder, unsigned int number, void *arg)
{
	(void)folder;
	(void)number;
	++*(unsigned int *)arg;
	return 0;
}

/* Where the link is lost, what is in force is not known: nothing is taken for unfinished then. */
static int check_current(const char *state_dir, unsigned int current)
{
	unsigned int count = 0;
	int ret = current ? 0 : for_each(state_dir, count_one, &count);

	if (!ret && count > 1)
		ret = log_err(
			-ENOLINK,
			"'%s/current' leads to no generation, and there are %u (ln -s " GENERATIONS
			"/N current, of the newest that is whole)",
			state_dir, count);
	return ret;
}

static int remove_unfinished(const char *folder, unsigned int number, void *arg)
{
	const unsigned int *current = arg;

	return number > *current ? folder_remove(folder, number) : 0;
}

int generation_begin(struct generation *g, const char *state_dir)
{
	_cleanup_free_ char *folder = xasprintf("%s/" GENERATIONS, state_dir);
	unsigned int current = generation_current(state_dir);
	int ret = mkdir_path(folder, 0755);

	*g = (struct generation){.state_dir = state_dir, .number = current + 1};
	if (ret)
		return log_err(ret, "cannot make '%s'", folder);
	ret = check_current(state_dir, current);
	if (!ret)
		ret = for_each(state_dir, remove_unfinished, &current);
	if (ret)
		return ret;
	if (current)
		g->previous = xasprintf("%s/%u", folder, current);
	g->dir = xasprintf("%s/%u", folder, g->number);
	return mkdir(g->dir, 0755) ? log_err(-errno, "cannot make '%s'", g->dir) : 0;
}

void generation_end(struct generation *g)
{
	if (g->dir && generation_current(g->state_dir) != g->number)
		remove_tree(g->dir);
	free(g->dir);
	free(g->previous);
	map_free(&g->files);
	strbuf_free(&g->contents);
	arena_free(&g->arena);
}

/* --- files --- */

static int make_parent(const char *path)
{
	_cleanup_free_ char *parent = xstrdup(path);

	*strrchr(parent, '/') = '\0';
	return mkdir_path(parent, 0755);
}

int generation_carry(struct generation *g, const char *path)
{
	_cleanup_free_ char *to = xasprintf("%s/%s", g->dir, path);
	_cleanup_free_ char *from = g->previous ? xasprintf("%s/%s", g->previous, path) : NULL;
	const char *name = arena_strdup(&g->arena, path);
	int ret = make_parent(to);

	if (ret)
		return ret;
	if (!map_put(&g->files, name, g))
		strbuf_addf(&g->contents, "%s\n", name);
	if (from && link(from, to) && errno != ENOENT && errno != EEXIST)
		return -errno;
	return g->contents.error;
}

int generation_update(struct generation *g, const char *path, const void *data, size_t len,
		      mode_t mode)
{
	_cleanup_free_ char *to = xasprintf("%s/%s", g->dir, path);
	int ret = generation_carry(g, path);

	return ret ? ret : file_update(to, data, len, mode);
}

int generation_copy(struct generation *g, const char *path, const char *from, mode_t mode)
{
	_cleanup_free_ char *to = xasprintf("%s/%s", g->dir, path);
	int ret = generation_carry(g, path);

	return ret ? ret : file_copy_update(to, from, mode);
}

int generation_removed(const struct generation *g, void (*removed)(const char *path, void *arg),
		       void *arg)
{
	_cleanup_free_ char *path = g->previous ? xasprintf("%s/" CONTENTS, g->previous) : NULL;
	_cleanup_free_ char *list = NULL;
	char *rest, *name;
	int ret = path ? file_read(path, CONTENTS_MAX, &list, NULL) : 0;

	if (ret)
		return log_err(ret, "cannot read '%s'", path);
	rest = list;
	while ((name = strsep(&rest, "\n")))
		if (*name && !map_get(&g->files, name))
			removed(name, arg);
	return 0;
}

/* --- boot files of other generations --- */

/* Below tftp/N lies what the boot loaders read of generation N, also in the TFTP folders of those
 * that follow it: a node that is loading goes on with the kernel and the archives that it began
 * with. */
static int link_files(const char *from, const char *to)
{
	_cleanup_closedir_ DIR *dir = opendir(from);
	struct dirent *e;

	if (!dir)
		return errno == ENOENT ? 0 : log_err(-errno, "cannot read '%s'", from);
	if (mkdir(to, 0755))
		return log_err(-errno, "cannot make '%s'", to);
	while ((e = readdir(dir))) {
		_cleanup_free_ char *old = xasprintf("%s/%s", from, e->d_name);
		_cleanup_free_ char *new = xasprintf("%s/%s", to, e->d_name);
		struct stat st;

		if (lstat(old, &st))
			return log_err(-errno, "cannot look at '%s'", old);
		if (S_ISREG(st.st_mode) && link(old, new))
			return log_err(-errno, "cannot make '%s'", new);
	}
	return 0;
}

static int link_generation(const char *folder, unsigned int number, void *arg)
{
	const struct generation *g = arg;
	_cleanup_free_ char *from = xasprintf("%s/%u/tftp", folder, number);
	_cleanup_free_ char *to = xasprintf("%s/tftp/%u", g->dir, number);

	if (number != g->number)
		return link_files(from, to);
	return symlink(".", to) ? log_err(-errno, "cannot make '%s'", to) : 0;
}

/* --- in force --- */

static int sync_path(const char *path, int flags)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

	return fd < 0 || fsync(fd) ? log_err(-errno, "cannot sync '%s'", path) : 0;
}

/* The folders on the way to a file, each once. */
static int sync_parents(struct generation *g, struct map *seen, const char *path)
{
	char *parent = arena_printf(&g->arena, "%s/%s", g->dir, path), *slash;
	int ret = 0;

	while (!ret && (slash = strrchr(parent, '/')) >= parent + strlen(g->dir)) {
		*slash = '\0';
		if (map_get(seen, parent))
			break;
		map_put(seen, arena_strdup(&g->arena, parent), g);
		ret = sync_path(parent, O_DIRECTORY);
	}
	return ret;
}

/* What is linked was synced when it was made. */
static int sync_file(const struct generation *g, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", g->dir, name);
	struct stat st;

	if (lstat(path, &st))
		return log_err(-errno, "cannot sync '%s'", path);
	return st.st_nlink > 1 ? 0 : sync_path(path, 0);
}

static int sync_all(struct generation *g)
{
	_cleanup_free_ char *list = xstrdup(g->contents.buf ? g->contents.buf : "");
	char *rest = list, *name;
	struct map seen = {0};
	int ret = 0;

	while (!ret && (name = strsep(&rest, "\n"))) {
		if (!*name)
			continue;
		ret = sync_file(g, name);
		if (!ret)
			ret = sync_parents(g, &seen, name);
	}
	map_free(&seen);
	return ret;
}

/* STATE/name -> target, replaced by a rename. */
static int point(const char *state_dir, const char *name, const char *target)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", state_dir, name);
	_cleanup_free_ char *tmp = xasprintf("%s.%ld~", path, (long)getpid());

	unlink(tmp);
	if (symlink(target, tmp))
		return log_err(-errno, "cannot make '%s'", tmp);
	if (!rename(tmp, path))
		return 0;
	unlink(tmp);
	return log_err(-errno, "cannot replace '%s'", path);
}

static int point_names(const char *state_dir)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", state_dir, names[i]);
		_cleanup_free_ char *target = xasprintf("current/%s", names[i]);
		struct stat st;
		int ret = 0;

		if (lstat(path, &st))
			ret = point(state_dir, names[i], target);
		else if (!S_ISLNK(st.st_mode))
			ret = log_err(0, "'%s' is not of this version's setup: move it away", path);
		if (ret)
			return ret;
	}
	return 0;
}

int generation_commit(struct generation *g)
{
	_cleanup_free_ char *contents = xasprintf("%s/" CONTENTS, g->dir);
	_cleanup_free_ char *target = xasprintf(GENERATIONS "/%u", g->number);
	int ret = file_replace(contents, g->contents.buf, g->contents.len, 0644);

	if (ret)
		return log_err(ret, "cannot write '%s'", contents);
	ret = for_each(g->state_dir, link_generation, g);
	if (!ret)
		ret = sync_all(g);
	if (!ret)
		ret = point_names(g->state_dir);
	if (!ret)
		ret = point(g->state_dir, "current", target);
	return ret ? ret : sync_path(g->state_dir, O_DIRECTORY);
}

/* --- old ones --- */

struct prune {
	const struct generation *g;
	int64_t since;
};

/* A generation was in force until the next one's folder was complete. */
static int prune_one(const char *folder, unsigned int number, void *arg)
{
	const struct prune *p = arg;
	_cleanup_free_ char *next = xasprintf("%s/%u", folder, number + 1);
	struct stat st;

	if (number + KEEP > p->g->number || (!stat(next, &st) && st.st_mtime >= p->since))
		return 0;
	return folder_remove(folder, number);
}

int generation_prune(const struct generation *g, int64_t since)
{
	struct prune p = {g, since};

	return for_each(g->state_dir, prune_one, &p);
}
