/* Names and questions about a parsed layout; see layout.h. */
#include "modules/lib/layout.h"

#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "modules/lib/vfat.h"

#define EXT4_MIN ((uint64_t)16 << 20)
#define XFS_MIN	 ((uint64_t)300 << 20) /* mkfs.xfs refuses less */

const char *layout_fs_name(enum layout_fs fs)
{
	static const char *const names[FS_COUNT] = {
		[FS_EXT4] = "ext4", [FS_VFAT] = "vfat", [FS_SWAP] = "swap",
		[FS_RAW] = "raw",   [FS_XFS] = "xfs",	[FS_MEMBER] = "member"};

	return names[fs];
}

bool layout_fs_parse(enum layout_fs *fs, const char *name)
{
	for (*fs = FS_EXT4; *fs < FS_COUNT; (*fs)++)
		if (!strcmp(name, layout_fs_name(*fs)))
			return true;
	*fs = FS_EXT4;
	return false;
}

uint64_t layout_fs_min(enum layout_fs fs)
{
	switch (fs) {
	case FS_EXT4:
		return EXT4_MIN;
	case FS_XFS:
		return XFS_MIN;
	case FS_VFAT:
		return VFAT_BYTES_MIN;
	default:
		return LAYOUT_ALIGN;
	}
}

const char *layout_kind_name(enum layout_kind kind)
{
	static const char *const names[] = {[PART_DISK] = "partition",
					    [PART_RAID] = "raid",
					    [PART_LUKS] = "luks",
					    [PART_VG] = "vg",
					    [PART_LV] = "lv"};

	return names[kind];
}

bool layout_is_line(const char *key)
{
	static const char *const keys[] = {"disk", "partition", "raid",	     "luks",
					   "vg",   "lv",	"filesystem"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

bool layout_is_esp(enum layout_fs fs, const char *mount)
{
	size_t n = str_starts(mount, "/boot/efi") ? strlen("/boot/efi")
		   : str_starts(mount, "/efi")	  ? strlen("/efi")
						  : 0;

	if (fs != FS_VFAT || !n)
		return false;
	return !mount[n] || (mount[n] >= '2' && mount[n] <= '9' && !mount[n + 1]);
}

const char *layout_title(const struct layout *l, size_t part, char buf[LAYOUT_TITLE_MAX])
{
	const struct layout_part *p = &l->parts[part];
	unsigned int n = 1;

	if (p->kind == PART_LV) {
		snprintf(buf, LAYOUT_TITLE_MAX, "%s/%s", l->parts[p->members[0]].name, p->name);
	} else if (p->kind == PART_DISK) {
		for (size_t i = 0; i < part; i++)
			n += l->parts[i].disk == p->disk;
		snprintf(buf, LAYOUT_TITLE_MAX, "%s.%u", l->disks[p->disk].name, n);
	} else {
		snprintf(buf, LAYOUT_TITLE_MAX, "%s", p->name);
	}
	return buf;
}

int layout_find_raw(const struct layout *l, const char *label)
{
	int found = -1;

	for (size_t i = 0; i < l->part_count; i++) {
		if (l->parts[i].fs != FS_RAW || strcmp(l->parts[i].label, label) != 0)
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

int layout_find_mount(const struct layout *l, const char *path)
{
	size_t best_len = 0;
	int best = -1;

	for (size_t i = 0; i < l->part_count; i++) {
		const char *mount = l->parts[i].mount;
		size_t n = strlen(mount);

		if (mount[0] == '/' && n > best_len && !strncmp(path, mount, n) &&
		    (n == 1 || !path[n] || path[n] == '/')) {
			best = (int)i;
			best_len = n;
		}
	}
	return best;
}

bool layout_has_kind(const struct layout *l, enum layout_kind kind)
{
	for (size_t i = 0; i < l->part_count; i++)
		if (l->parts[i].kind == kind)
			return true;
	return false;
}

bool layout_has_fs(const struct layout *l, enum layout_fs fs)
{
	for (size_t i = 0; i < l->part_count; i++)
		if (l->parts[i].fs == fs)
			return true;
	return false;
}

/* Members come before what is made of them, so this ends. */
bool layout_is_on(const struct layout *l, size_t part, size_t disk)
{
	const struct layout_part *p = &l->parts[part];

	if (p->kind == PART_DISK)
		return p->disk == disk;
	for (size_t i = 0; i < p->member_count; i++)
		if (layout_is_on(l, p->members[i], disk))
			return true;
	return false;
}

bool layout_raid_boots(const struct layout *l, size_t raid)
{
	const struct layout_part *p = &l->parts[raid];

	return layout_is_esp(p->fs, p->mount) || layout_find_mount(l, "/boot") == (int)raid;
}
