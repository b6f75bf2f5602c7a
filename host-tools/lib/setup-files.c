/* Blobs of a definition: the folders of configuration files, and bases that are files. */
#include "host-tools/lib/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-tools/lib/arena.h"
#include "host-tools/lib/base.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/files-blob.h"
#include "host-tools/lib/map.h"
#include "host-tools/lib/store.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

/* One of FOLDER/default, FOLDER/group/NAME, FOLDER/host/NAME. */
static int pack_class(struct setup *s, struct map *seen, struct arena *arena, const char *folder,
		      const char *class)
{
	const char *source = arena_printf(arena, "%s/%s", folder, class), *name;
	_cleanup_free_ char *tmp = xasprintf("%s/files/new~", s->g.dir);
	struct store_blob blob;
	struct stat st;
	char path[PATH_MAX];
	int ret;

	if (map_put(seen, source, s) || stat(source, &st) || !S_ISDIR(st.st_mode))
		return 0;
	ret = store_files_path(s->g.dir, folder, class, path);
	if (ret)
		return log_err(ret, "files of '%s'", source);
	name = path + strlen(s->g.dir) + 1;
	ret = generation_carry(&s->g, name);
	if (!ret)
		ret = generation_carry(&s->g, arena_printf(arena, "%s.blob", name));
	if (ret)
		return log_err(ret, "cannot write '%s'", path);
	ret = files_pack(source, tmp);
	if (ret) {
		unlink(tmp);
		return ret;
	}
	return setup_said(s, store_put(s->dir, tmp, path, &blob),
			  arena_printf(arena, "files/%s", source));
}

static int pack_host(struct setup *s, struct map *seen, struct arena *arena,
		     const struct cluster_object *host)
{
	const char *folder = cluster_host_get(s->c, host, "files");
	const struct cluster_object *group;
	int ret;

	if (!folder)
		return 0;
	ret = pack_class(s, seen, arena, folder, "default");
	for (size_t i = 0; !ret && (group = cluster_host_group(host, i)); i++)
		ret = pack_class(s, seen, arena, folder,
				 arena_printf(arena, "group/%s", group->name));
	return ret ? ret
		   : pack_class(s, seen, arena, folder, arena_printf(arena, "host/%s", host->name));
}

int setup_files(struct setup *s)
{
	struct map seen = {0};
	struct arena arena = {0};
	int ret = store_make_files(s->g.dir);

	if (ret)
		return log_err(ret, "cannot make '%s/files'", s->g.dir);
	for (size_t i = 0; !ret && i < cluster_count(s->c, TYPE_HOST); i++)
		ret = pack_host(s, &seen, &arena, cluster_at(s->c, TYPE_HOST, i));
	map_free(&seen);
	arena_free(&arena);
	return ret;
}

/* Bases that are files are taken in; of the others it is said when one that a host needs is not
 * built yet. They are no part of a generation: this is the last step before the switch. */
int setup_bases(struct setup *s)
{
	struct map seen = {0};
	int ret = 0;

	for (size_t i = 0; ret >= 0 && i < cluster_count(s->c, TYPE_HOST); i++) {
		const struct cluster_object *host = cluster_at(s->c, TYPE_HOST, i);
		const struct cluster_object *base = cluster_host_ref(s->c, host, "base", TYPE_BASE);
		const char *file = base ? cluster_get(base, "file") : NULL;
		struct store_blob blob;

		if (!base || map_put(&seen, base->name, s))
			continue;
		if (file)
			ret = base_add(s->dir, base->name, file);
		else if (store_base(s->dir, base->name, &blob))
			printf("base %s is not built yet: `lucie base build %s` does it\n",
			       base->name, base->name);
	}
	map_free(&seen);
	return ret < 0 ? ret : 0;
}

/* Of data sets that a host wants it is said when they are not made yet. */
int setup_datasets(struct setup *s)
{
	struct map seen = {0};

	for (size_t i = 0; i < cluster_count(s->c, TYPE_HOST); i++) {
		const struct cluster_object *host = cluster_at(s->c, TYPE_HOST, i);
		const char *list = cluster_host_get(s->c, host, "datasets");
		char name[CLUSTER_ITEM_MAX];
		size_t pos = 0, offset;

		while (list && cluster_list_next(list, &pos, name, sizeof(name), &offset)) {
			const struct cluster_object *o = cluster_find(s->c, TYPE_DATASET, name);
			struct store_blob blob;

			if (o && !map_put(&seen, o->name, s) &&
			    store_dataset(s->dir, o->name, &blob))
				printf("dataset %s is not made yet: `lucie data %s` does it\n",
				       o->name, o->name);
		}
	}
	map_free(&seen);
	return 0;
}
