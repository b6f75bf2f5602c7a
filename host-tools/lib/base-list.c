/* The base systems that a state directory has: shown, and those that no definition names removed.
 * Their blobs go with store_prune(), when no installation can want them any more. */
#include "host-tools/lib/base.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-tools/lib/cells.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/store.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

#define LISTING ".listing"
#define WIDTH	20

static void show(const struct cluster *c, const char *state_dir, const char *name)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	char path[PATH_MAX], size[CELL_TEXT], time[CELL_TIME];
	struct store_blob blob;
	struct stat st;

	cell_column(&line, name, WIDTH);
	if (store_base(state_dir, name, &blob) ||
	    store_base_path(state_dir, name, blob.format, path) || stat(path, &st)) {
		strbuf_addf(&line, "not there (lucie base build %s)", name);
	} else {
		cell_column(&line, cell_size(blob.bytes, size), 5);
		cell_column(&line, cell_time(st.st_mtime, time), 19);
		if (!cluster_find(c, TYPE_BASE, name))
			strbuf_addf(&line, "in no definition (lucie base remove %s)", name);
	}
	cell_print(&line);
}

static int is_listing(const struct dirent *entry)
{
	return str_ends(entry->d_name, LISTING);
}

int base_list(const struct cluster *c, const char *state_dir)
{
	_cleanup_free_ char *folder = xasprintf("%s/bases", state_dir);
	struct dirent **list = NULL;
	int count = scandir(folder, &list, is_listing, alphasort);

	if (count < 0 && errno != ENOENT)
		return log_err(-errno, "cannot read '%s'", folder);
	for (size_t i = 0; i < cluster_count(c, TYPE_BASE); i++)
		show(c, state_dir, cluster_at(c, TYPE_BASE, i)->name);
	for (int i = 0; i < count; i++) {
		list[i]->d_name[strlen(list[i]->d_name) - strlen(LISTING)] = '\0';
		if (!cluster_find(c, TYPE_BASE, list[i]->d_name))
			show(c, state_dir, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return 0;
}

int base_remove(const struct cluster *c, const char *state_dir, const char *name)
{
	static const char *const parts[] = {LISTING, LISTING ".blob", ".packages", ".source"};
	struct store_blob blob;
	int ret;

	if (cluster_find(c, TYPE_BASE, name))
		return log_err(-EBUSY, "base '%s' is in the definition in force", name);
	if (!str_is_name(name) || store_base(state_dir, name, &blob))
		return log_err(-ENOENT, "no base '%s' is in '%s/bases'", name, state_dir);
	ret = store_drop_other_formats(state_dir, name, "");
	for (size_t i = 0; !ret && i < ARRAY_SIZE(parts); i++) {
		_cleanup_free_ char *path = xasprintf("%s/bases/%s%s", state_dir, name, parts[i]);

		if (unlink(path) && errno != ENOENT)
			ret = -errno;
	}
	return ret ? log_err(ret, "cannot remove base '%s'", name) : 0;
}
