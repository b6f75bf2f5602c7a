/* Roots over NFS (docs/nfs-root.md), where an installer boots one: the small image and what the NFS
 * server has to be told are of the generation; the folder STATE/nfsroot/BOARD is the
 * administrator's too, and is brought up to date when all else is ready. */
#include "host-tools/lib/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/folder-sync.h"
#include "host-tools/lib/map.h"
#include "host-tools/lib/nfs-root.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

static int copy(struct setup *s, const char *from, const char *to)
{
	return setup_said(s, generation_copy(&s->g, to, from, 0644), to);
}

/* A board whose image has none is an error for a host that is to boot it; it counts as not seen. */
static int setup_board(struct setup *s, const struct cluster_object *host, struct map *seen)
{
	const char *board = cluster_host_get(s->c, host, "board");
	_cleanup_free_ char *image = xasprintf("%s/%s/nfsroot.img", s->images, board);
	_cleanup_free_ char *list = xasprintf("%s/%s/nfsroot.list", s->images, board);
	_cleanup_free_ char *to = xasprintf("tftp/nfsroot-%s.img", board);
	_cleanup_free_ char *list_to = xasprintf("nfsroot/%s.list", board);
	int ret = access(image, R_OK) ? -errno : 0;

	if (ret && nfs_root_booted(s->c, cluster_host_get(s->c, host, "installer")))
		return log_err(ret,
			       "host '%s' boots a root over NFS: cannot read '%s' (`make image "
			       "BOARD=%s FORMAT=nfsroot` builds it)",
			       host->name, image, board);
	if (ret)
		return 0;
	map_put(seen, board, s);
	ret = copy(s, image, to);
	return ret ? ret : copy(s, list, list_to);
}

static int setup_boards(struct setup *s)
{
	struct map seen = {0};
	int ret = 0;

	for (size_t i = 0; !ret && i < cluster_count(s->c, TYPE_HOST); i++) {
		const struct cluster_object *host = cluster_at(s->c, TYPE_HOST, i);

		if (!map_get(&seen, cluster_host_get(s->c, host, "board")))
			ret = setup_board(s, host, &seen);
	}
	map_free(&seen);
	return ret;
}

/* Where nothing is said, the server exports its own folder. */
static void set_paths(struct setup *s)
{
	_cleanup_free_ char *path = xasprintf("%s/nfsroot", s->dir);

	for (size_t i = 0; i < cluster_count(s->c, TYPE_LUCIE_GROUP); i++) {
		const struct cluster_object *group = cluster_at(s->c, TYPE_LUCIE_GROUP, i);

		if (!cluster_get(group, "nfs_path"))
			cluster_set(s->c, group, "nfs_path", path);
	}
}

int setup_nfsroot(struct setup *s)
{
	int ret;

	if (!nfs_root_used(s->c))
		return 0;
	set_paths(s);
	ret = setup_boards(s);
	if (!ret)
		ret = setup_rendering(s, "fragments/exports", nfs_root_exports);
	return ret ? ret : setup_rendering(s, "fragments/ganesha.conf", nfs_root_ganesha);
}

/* --- the folders --- */

static int sync_board(struct setup *s, const char *board)
{
	_cleanup_free_ char *from = xasprintf("%s/%s/nfsroot", s->images, board);
	_cleanup_free_ char *name = xasprintf("nfsroot/%s", board);
	_cleanup_free_ char *to = xasprintf("%s/%s", s->dir, name);
	struct folder_sync f = {.from = from, .to = to, .name = name};
	int ret = folder_sync(&f);

	if (!ret && (f.written || f.removed))
		printf("wrote %u file%s of %s, removed %u\n", f.written, f.written == 1 ? "" : "s",
		       name, f.removed);
	return ret;
}

int setup_nfsroot_folders(struct setup *s)
{
	struct map seen = {0};
	int ret = 0;

	for (size_t i = 0; !ret && i < cluster_count(s->c, TYPE_HOST); i++) {
		const char *board = cluster_host_get(s->c, cluster_at(s->c, TYPE_HOST, i), "board");
		_cleanup_free_ char *list = NULL;

		if (map_put(&seen, board, s))
			continue;
		list = xasprintf("%s/nfsroot/%s.list", s->g.dir, board);
		if (!access(list, F_OK))
			ret = sync_board(s, board);
	}
	map_free(&seen);
	return ret;
}
