/* See layout-needs.h. */
#include "host-tools/lib/layout-needs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "init/lib/str.h"
#include "modules/lib/layout.h"
#include "modules/lib/volume.h"

static const struct layout_need need_raid = {"mdadm", NULL, "sbin/mdadm"},
				need_lvm = {"lvm2", NULL, "sbin/lvm"},
				need_xfs = {"xfsprogs", NULL, "sbin/xfs_repair"},
				need_luks = {"cryptsetup", "cryptsetup-initramfs",
					     "sbin/cryptsetup"},
				need_luks_root = {"cryptsetup-initramfs", NULL,
						  "share/initramfs-tools/hooks/cryptroot"};

static bool lies_on_luks(const struct layout *l, size_t index)
{
	const struct layout_part *part = &l->parts[index];
	bool found = part->kind == PART_LUKS;

	for (size_t i = 0; !found && i < part->member_count; i++)
		found = lies_on_luks(l, part->members[i]);
	return found;
}

/* Only the initramfs can open what holds the programs that would. */
static bool has_luks_root(const struct layout *l)
{
	int root = layout_find_mount(l, "/"), usr = layout_find_mount(l, "/usr");

	return (root >= 0 && lies_on_luks(l, (size_t)root)) ||
	       (usr >= 0 && lies_on_luks(l, (size_t)usr));
}

/* PACKAGE[:ARCHITECTURE][=VERSION|/SUITE] */
static bool is_installed(const struct plan *plan, const char *package)
{
	size_t n = strlen(package);

	plan_for_each (line, plan_section(plan, "install"), "package")
		if (str_starts(line->value, package) && strcspn(line->value, ":=/") == n)
			return true;
	return false;
}

static void no_error(unsigned int line, const char *message, void *arg)
{
	(void)line, (void)message, (void)arg;
}

const struct layout_need *layout_need_unmet(const struct plan *plan,
					    bool (*has)(const struct layout_need *need,
							const void *arg),
					    const void *arg)
{
	_cleanup_free_ struct layout *l = xcalloc(1, sizeof(*l));

	if (!volume_plan_runs(plan, "extrbase") ||
	    layout_parse(l, plan_section(plan, "layout"), no_error, NULL))
		return NULL;

	const struct {
		const struct layout_need *need;
		bool there;
	} all[] = {
		{&need_raid, layout_has_kind(l, PART_RAID)},
		{&need_lvm, layout_has_kind(l, PART_VG)},
		{&need_luks, layout_has_kind(l, PART_LUKS)},
		{&need_luks_root, has_luks_root(l)},
		{&need_xfs, layout_has_fs(l, FS_XFS)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const struct layout_need *n = all[i].need;

		if (all[i].there && !is_installed(plan, n->package) &&
		    !(n->more && is_installed(plan, n->more)) && !has(n, arg))
			return n;
	}
	return NULL;
}

/* A line ends in a blank and the path. */
bool layout_need_is_listed(const struct layout_need *need, const char *listing)
{
	static const char *const below[] = {"", "usr/"};
	char end[128];

	for (size_t i = 0; i < ARRAY_SIZE(below); i++) {
		snprintf(end, sizeof(end), " %s%s\n", below[i], need->program);
		if (strstr(listing, end))
			return true;
	}
	return false;
}
