/* The boot files follow the state: see boot-files.h and site.h. */
#include "host-tools/lib/site.h"

#include <errno.h>
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
