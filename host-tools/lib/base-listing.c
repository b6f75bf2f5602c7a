/* See base-listing.h. */
#include "host-tools/lib/base-listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <archive_entry.h>

#include "host-tools/lib/arena.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/map.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/path-text.h"
#include "modules/lib/listing.h"

struct base_listing {
	struct arena arena;
	struct map by_path;
	struct listing_entry **order;
	size_t count, room;
	struct listing_entry *open; /* whose data come */
	blake3_hasher hasher;
};

struct base_listing *base_listing_new(void)
{
	return xcalloc(1, sizeof(struct base_listing));
}

static char *path_take(struct base_listing *l, const char *path)
{
	size_t len = strlen(path);
	char *own = arena_alloc(&l->arena, len + 2); /* 2: "." of an empty one */

	memcpy(own, path, len + 1);
	path_tidy(own);
	return own;
}

static struct listing_entry *slot_of(struct base_listing *l, const char *path)
{
	struct listing_entry *e = map_get(&l->by_path, path);

	if (e)
		return e;
	e = arena_alloc(&l->arena, sizeof(*e));
	e->path = path;
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 4096;
		l->order = xrealloc(l->order, l->room, sizeof(*l->order));
	}
	l->order[l->count++] = e;
	map_put(&l->by_path, path, e);
	return e;
}

static int take_xattrs(struct listing_entry *to, struct archive_entry *e, const char *path)
{
	struct listing_xattrs x = {.count = 0};
	const char *name;
	const void *value;
	size_t len;
	int ret = 0;

	archive_entry_xattr_reset(e);
	while (!ret && archive_entry_xattr_next(e, &name, &value, &len) == 0)
		ret = listing_xattr(&x, name, value, len);
	listing_xattrs_hash(&x, to->xattrs);
	return ret ? log_err(ret, "'%s' has more than %d attributes", path, LISTING_XATTRS_MAX) : 0;
}

static void describe(struct listing_entry *to, struct archive_entry *e)
{
	to->type = listing_type_of(archive_entry_filetype(e));
	to->mode = archive_entry_perm(e) & 07777;
	to->uid = (uint32_t)archive_entry_uid(e);
	to->gid = (uint32_t)archive_entry_gid(e);
	if (to->type == LISTING_FILE)
		to->size = (uint64_t)archive_entry_size(e);
	if (to->type == LISTING_CHAR || to->type == LISTING_BLOCK)
		to->size = makedev(archive_entry_rdevmajor(e), archive_entry_rdevminor(e));
	if (to->type == LISTING_LINK && archive_entry_symlink(e))
		listing_hash_text(archive_entry_symlink(e), to->hash);
}

static int hard_link(struct base_listing *l, struct listing_entry *to, const char *target)
{
	const struct listing_entry *from = map_get(&l->by_path, path_take(l, target));
	const char *path = to->path;

	if (!from)
		return log_err(0, "'%s' is a link to '%s', which does not come before it", path,
			       target);
	*to = *from;
	to->path = path;
	return 0;
}

static void end_data(struct base_listing *l)
{
	if (l->open)
		blake3_hasher_finalize(&l->hasher, l->open->hash, LISTING_HASH);
	l->open = NULL;
}

int base_listing_entry(struct base_listing *l, struct archive_entry *e, const char *path)
{
	const char *own = path_take(l, path), *target = archive_entry_hardlink(e);
	struct listing_entry *to;

	end_data(l);
	if (strcmp(own, ".") != 0 && !path_is_inner(own))
		return log_err(0, "'%s' leads out of the base system", path);
	to = slot_of(l, own);
	own = to->path;
	*to = (struct listing_entry){.path = own};
	if (target)
		return hard_link(l, to, target);
	describe(to, e);
	if (to->type == LISTING_FILE) {
		l->open = to;
		blake3_hasher_init(&l->hasher);
	}
	return take_xattrs(to, e, own);
}

void base_listing_data(struct base_listing *l, const void *data, size_t len)
{
	if (l->open)
		blake3_hasher_update(&l->hasher, data, len);
}

void base_listing_write(struct base_listing *l, const char *base, struct strbuf *out)
{
	end_data(l);
	listing_write_start(out, base);
	for (size_t i = 0; i < l->count; i++)
		listing_write(out, l->order[i]);
}

void base_listing_free(struct base_listing *l)
{
	if (!l)
		return;
	map_free(&l->by_path);
	arena_free(&l->arena);
	free(l->order);
	free(l);
}
