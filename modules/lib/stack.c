/* See stack.h. */
#include "modules/lib/stack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "modules/lib/luks.h"
#include "modules/lib/lvm.h"
#include "modules/lib/raid.h"

/* --- making --- */

static size_t list_members(const struct layout_part *part,
			   char paths[LAYOUT_PARTS_MAX][DISK_PATH_MAX],
			   const char *list[LAYOUT_MEMBERS_MAX])
{
	for (size_t i = 0; i < part->member_count; i++)
		list[i] = paths[part->members[i]];
	return part->member_count;
}

/* The key of the plan, in the sealed part of which it came; NULL is one that nobody has. */
static int read_key(struct luks *k, const struct plan *plan, bool random)
{
	const char *key = random ? NULL : plan_get(plan_section(plan, "luks"), "luks_key");

	if (!random && !key)
		return log_err(-EINVAL, "the plan has no key for '%s'", k->name);
	k->key = key;
	k->key_len = key ? strlen(key) : 0;
	return 0;
}

static int make_luks(const struct layout_part *part, const struct plan *plan, const char *uuid,
		     const char *member, char path[DISK_PATH_MAX])
{
	struct luks k = {.name = part->name, .uuid = uuid, .device = member};
	int ret = read_key(&k, plan, part->key == KEY_RANDOM);

	if (!ret)
		ret = luks_format(&k);
	return ret ? ret : luks_open(&k, path);
}

/* How large the group is, is LVM's to say: only now its volumes get their sizes. */
static int make_vg(struct layout *l, size_t index, uint64_t ram, const char *const *members)
{
	const struct layout_part *part = &l->parts[index];
	uint64_t bytes;
	char why[160];
	int ret = lvm_create_vg(part->name, members, part->member_count);

	if (!ret)
		ret = lvm_vg_bytes(part->name, members, part->member_count, &bytes);
	if (ret)
		return ret;
	ret = layout_place_vg(l, index, bytes, ram, why, sizeof(why));
	return ret ? log_err(ret, "%s", why) : 0;
}

static int make_lv(const struct layout *l, size_t index,
		   char paths[LAYOUT_PARTS_MAX][DISK_PATH_MAX])
{
	const struct layout_part *part = &l->parts[index], *vg = &l->parts[part->members[0]];
	const char *members[LAYOUT_MEMBERS_MAX];
	size_t count = list_members(vg, paths, members);

	return lvm_create_lv(vg->name, part->name, part->bytes, members, count, paths[index]);
}

int stack_make(struct layout *l, size_t index, const struct plan *plan, uint64_t ram,
	       const char *device, char paths[LAYOUT_PARTS_MAX][DISK_PATH_MAX])
{
	const struct layout_part *part = &l->parts[index];
	const char *members[LAYOUT_MEMBERS_MAX];
	size_t count = list_members(part, paths, members);

	switch (part->kind) {
	case PART_RAID:
		return raid_create(
			&(struct raid){.name = part->name,
				       .uuid = device,
				       .level = part->level,
				       .metadata = layout_raid_boots(l, index) ? "1.0" : "1.2",
				       .chunk = part->chunk,
				       .members = members,
				       .count = count,
				       .spares = part->spares},
			paths[index]);
	case PART_LUKS:
		return make_luks(part, plan, device, members[0], paths[index]);
	case PART_VG:
		return make_vg(l, index, ram, members);
	default:
		return make_lv(l, index, paths);
	}
}

/* --- finding --- */

static int open_luks(const struct stamp_part *p, const struct plan *plan, const char *member,
		     char path[DISK_PATH_MAX])
{
	struct luks k = {.name = p->name, .uuid = p->device, .device = member};
	int ret;

	if (!strcmp(p->how, "random")) {
		snprintf(path, DISK_PATH_MAX, "/dev/mapper/%s", p->name);
		return 0;
	}
	ret = read_key(&k, plan, false);
	return ret ? ret : luks_open(&k, path);
}

static int find_lv(const struct stamp_part *p, char path[DISK_PATH_MAX])
{
	char vg[LAYOUT_TITLE_MAX];
	char *slash;

	strcpy(vg, p->name);
	slash = strchr(vg, '/');
	if (!slash)
		return log_err(-EBADMSG, "the stamp's volume '%s'", p->name);
	*slash = '\0';
	lvm_path(vg, slash + 1, path);
	return 0;
}

int stack_open(const struct stamp_part *p, const struct plan *plan, const char *const *members,
	       size_t count, char path[DISK_PATH_MAX])
{
	path[0] = '\0';
	if (p->kind == PART_LV)
		return find_lv(p, path);
	if (!count)
		return log_err(-EBADMSG, "the stamp's '%s' has no members", p->name);
	switch (p->kind) {
	case PART_RAID:
		return raid_assemble(p->name, p->device, members, count, path);
	case PART_LUKS:
		return open_luks(p, plan, members[0], path);
	default:
		return lvm_activate(p->name, members, count);
	}
}
