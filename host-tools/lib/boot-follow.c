/* The boot files follow the state: see boot-files.h and site.h. */
#include "host-tools/lib/site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/arena.h"
#include "host-tools/lib/boot-entry.h"
#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/map.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

/* Whoever writes the files looks at the state once more: so the last one to write has seen the last
 * change. */
int boot_file_follow(const char *dir, const struct cluster *c, struct state *state,
		     const struct cluster_object *host)
{
	struct state_node before, after;
	int ret = state_node(state, host->name, &after);

	do {
		if (ret && ret != -ENOENT)
			return ret;
		before = after;
		ret = boot_files_write(dir, c, host, &before);
		if (ret)
			return ret;
		ret = state_node(state, host->name, &after);
	} while (strcmp(before.armed, after.armed) != 0);
	return ret == -ENOENT ? 0 : ret;
}

bool boot_files_disk_failed(int ret)
{
	return ret == -ENOSPC || ret == -EDQUOT || ret == -EIO || ret == -EROFS;
}

/* One node's file that cannot be made keeps no other node from its own. The first error is told, but
 * a disk that fails is everybody's. */
static void note_error(int *first, int ret)
{
	if (!*first || (!boot_files_disk_failed(*first) && boot_files_disk_failed(ret)))
		*first = ret;
}

struct armed {
	struct arena arena;
	struct map names;
};

static void note_armed(const struct state_node *n, void *arg)
{
	struct armed *a = arg;

	if (n->armed[0])
		map_put(&a->names, arena_strdup(&a->arena, n->name), a);
}

/* One file of a card; prefix as in boot-files.h. */
static int check_file(const char *dir, const char *prefix, const char *card,
		      const struct cluster *c, struct state *state, const struct armed *armed)
{
	const struct cluster_object *host = cluster_host_by_mac(c, card + strlen("01-"));
	_cleanup_free_ char *path = NULL;

	if (host)
		return map_get(&armed->names, host->name) ? 0
							  : boot_file_follow(dir, c, state, host);
	path = xasprintf("%s/tftp/%s%s", dir, prefix, card);
	return unlink(path) && errno != ENOENT ? log_err(-errno, "cannot remove '%s'", path) : 0;
}

static int check_folder(const char *state_dir, const char *prefix, const struct cluster *c,
			struct state *state, const struct armed *armed)
{
	const char *start = strrchr(prefix, '/') + 1;
	_cleanup_free_ char *path =
		xasprintf("%s/tftp/%.*s", state_dir, (int)(start - prefix), prefix);
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *e;
	int ret = 0;

	if (!dir)
		return log_err(-errno, "cannot read '%s'", path);
	while ((e = readdir(dir))) {
		const char *card = e->d_name + strlen(start);

		if (str_starts(e->d_name, start) && strlen(card) == BOOT_CARD_TEXT - 1 &&
		    str_starts(card, "01-"))
			note_error(&ret, check_file(state_dir, prefix, card, c, state, armed));
	}
	return ret;
}

static int follow_all(const char *dir, const struct cluster *c, struct state *state,
		      const struct armed *armed)
{
	int ret = 0;

	for (size_t i = 0; i < cluster_count(c, TYPE_HOST); i++) {
		const struct cluster_object *host = cluster_at(c, TYPE_HOST, i);

		if (cluster_discovers(c) || map_get(&armed->names, host->name))
			note_error(&ret, boot_file_follow(dir, c, state, host));
	}
	note_error(&ret, check_folder(dir, BOOT_PXELINUX, c, state, armed));
	note_error(&ret, check_folder(dir, BOOT_GRUB, c, state, armed));
	return ret;
}

int boot_files_follow(const char *dir, const struct cluster *c, struct state *state)
{
	struct armed armed = {0};
	int ret = state_nodes(state, note_armed, &armed);

	if (!ret)
		ret = follow_all(dir, c, state, &armed);
	map_free(&armed.names);
	arena_free(&armed.arena);
	return ret;
}

/* --- those that were left behind --- */

struct stale {
	struct arena arena;
	struct stale_node {
		const char *name;
		char armed[64]; /* what its file says now */
		bool mended;
	} * nodes;
	size_t count;
};

static void note_stale(const char *node, void *arg)
{
	struct stale *s = arg;

	s->nodes = xrealloc(s->nodes, s->count + 1, sizeof(*s->nodes));
	s->nodes[s->count++] = (struct stale_node){.name = arena_strdup(&s->arena, node)};
}

/* What the state says before: if it changes meanwhile, the node stays stale. */
static int mend(const char *dir, const struct cluster *c, struct state *state, struct stale_node *n)
{
	const struct cluster_object *host = cluster_find(c, TYPE_HOST, n->name);
	struct state_node now;
	int ret = state_node(state, n->name, &now);

	if (ret && ret != -ENOENT)
		return ret;
	ret = host ? boot_file_follow(dir, c, state, host) : 0;
	snprintf(n->armed, sizeof(n->armed), "%s", now.armed);
	n->mended = !ret;
	return ret;
}

static int say_fresh(struct state *state, const struct stale *s)
{
	int ret = state_begin(state), ended;

	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < s->count; i++)
		if (s->nodes[i].mended)
			ret = state_fresh(state, s->nodes[i].name, s->nodes[i].armed);
	ended = state_end(state);
	return ret ? ret : ended;
}

int boot_files_mend(const char *dir, const struct cluster *c, struct state *state)
{
	struct stale s = {0};
	int ret = state_stale(state, note_stale, &s);

	for (size_t i = 0; i < s.count; i++)
		note_error(&ret, mend(dir, c, state, &s.nodes[i]));
	if (s.count)
		note_error(&ret, say_fresh(state, &s));
	free(s.nodes);
	arena_free(&s.arena);
	return ret;
}
