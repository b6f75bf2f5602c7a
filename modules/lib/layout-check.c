/* What only the whole of a layout shows; see layout.h. Everything here is proven from the lines
 * alone: what depends on the disks of a node is the planner's to say (steps.h). */
#include "modules/lib/layout-parse.h"

#include <string.h>

#include "init/lib/str.h"

#define MSDOS_PRIMARY_MAX 4
#define UNBOUNDED	  UINT64_MAX
#define LUKS_HEADER	  ((uint64_t)16 << 20)

/* --- devices --- */

static void check_use(struct layout_parser *p, const struct layout_part *part, size_t index)
{
	char title[LAYOUT_TITLE_MAX];

	if (part->kind == PART_VG) {
		bool has_lv = false;

		for (size_t i = index; i < p->l->part_count; i++)
			has_lv |= p->l->parts[i].kind == PART_LV &&
				  p->l->parts[i].members[0] == index;
		if (!has_lv)
			layout_fail(p, "vg '%s' has no lv", part->name);
	} else if (part->fs == FS_MEMBER && !part->used) {
		layout_fail(
			p,
			part->kind == PART_DISK
				? "no raid, luks or vg has '%s' as its member"
				: "'%s' has no filesystem line, and nothing has it as its member",
			layout_title(p->l, index, title));
	}
	if (part->kind == PART_LUKS && part->key == KEY_RANDOM && part->fs != FS_SWAP)
		layout_fail(p,
			    "luks '%s' has a random key, which is lost at the next boot, expected "
			    "'filesystem swap %s swap'",
			    part->name, part->name);
}

/* Initramfs-tools' cryptsetup knows no TPM. */
static bool needs_tpm(const struct layout *l, size_t index)
{
	const struct layout_part *part = &l->parts[index];
	bool needs = part->kind == PART_LUKS && part->key == KEY_TPM2;

	for (size_t i = 0; !needs && i < part->member_count; i++)
		needs = needs_tpm(l, part->members[i]);
	return needs;
}

static void check_early(struct layout_parser *p, const char *mount)
{
	int i = layout_find_mount(p->l, mount);

	if (i < 0 || !needs_tpm(p->l, (size_t)i))
		return;
	p->line = p->l->parts[i].line;
	layout_fail(p,
		    "the initramfs cannot ask a TPM for the key of %s, expected key=plan, or "
		    "key=tpm2 for what is mounted later",
		    mount);
}

/* --- boot --- */

/* Firmware and boot loader know partitions, and arrays only by their members. */
static bool is_plain(const struct layout *l, size_t index)
{
	const struct layout_part *part = &l->parts[index];

	return part->kind == PART_DISK || (part->kind == PART_RAID && part->level == 1 &&
					   l->parts[part->members[0]].kind == PART_DISK);
}

static void check_boot(struct layout_parser *p)
{
	int boot = layout_find_mount(p->l, "/boot");
	const struct layout_part *part = boot < 0 ? NULL : &p->l->parts[boot];

	for (size_t i = 0; i < p->l->part_count; i++) {
		p->line = p->l->parts[i].line;
		if (layout_is_esp(p->l->parts[i].fs, p->l->parts[i].mount) && !is_plain(p->l, i))
			layout_fail(p,
				    "the firmware cannot read '%s' here, expected a partition "
				    "or a raid of level 1",
				    p->l->parts[i].mount);
	}
	if (!part)
		return;
	p->line = part->line;
	if (!is_plain(p->l, (size_t)boot))
		layout_fail(p,
			    "the boot loader cannot read %s here, expected a partition '/boot' "
			    "or a raid of level 1 for it",
			    part->mount);
	else if (part->fs != FS_EXT4 && part->fs != FS_VFAT)
		layout_fail(p, "the boot loader cannot read %s, expected an ext4 partition '/boot'",
			    layout_fs_name(part->fs));
}

/* --- sizes of volume groups --- */

/* What a device offers at most, if its partitions say so. */
static uint64_t most(const struct layout *l, size_t index)
{
	const struct layout_part *part = &l->parts[index];
	uint64_t least = UNBOUNDED, sum = 0;
	size_t active = part->member_count - part->spares;

	if (part->kind == PART_DISK)
		return part->size.max ? part->size.max : UNBOUNDED;
	for (size_t i = 0; i < active; i++) {
		uint64_t bytes = most(l, part->members[i]);

		least = bytes < least ? bytes : least;
		sum = bytes == UNBOUNDED || sum == UNBOUNDED ? UNBOUNDED : sum + bytes;
	}
	if (part->kind == PART_LUKS && least != UNBOUNDED)
		return least > LUKS_HEADER ? least - LUKS_HEADER : 0;
	if (part->kind != PART_RAID || part->level == 0)
		return sum;
	if (least == UNBOUNDED || part->level == 1)
		return least;
	return least * (part->level == 10 ? active / 2 : active - (part->level == 5 ? 1 : 2));
}

static void check_vg(struct layout_parser *p, size_t vg)
{
	uint64_t has = most(p->l, vg), needed = 0;
	unsigned int percent = 0;
	char needs[16], room[16];

	for (size_t i = vg; i < p->l->part_count; i++) {
		const struct layout_part *lv = &p->l->parts[i];

		if (lv->kind != PART_LV || lv->members[0] != vg)
			continue;
		percent += lv->size.percent;
		needed += (lv->size.min + LAYOUT_EXTENT - 1) / LAYOUT_EXTENT * LAYOUT_EXTENT;
	}
	if (percent > 100)
		layout_fail(p, "the volumes of vg '%s' take %u%% of it, expected at most 100%%",
			    p->l->parts[vg].name, percent);
	if (has != UNBOUNDED && needed >= has)
		layout_fail(p, "the volumes of vg '%s' need %s and some MiB, its members have %s",
			    p->l->parts[vg].name, str_from_size(needed, needs, sizeof(needs)),
			    str_from_size(has, room, sizeof(room)));
}

/* --- logical partitions --- */

/* Where no line says which, those from the fourth on are logical, if there are more than four. */
static void choose_logical(struct layout *l, size_t disk)
{
	size_t lines = 0, nth = 0;

	for (size_t i = 0; i < l->part_count; i++) {
		if (l->parts[i].disk != disk)
			continue;
		if (l->parts[i].logical)
			return;
		lines++;
	}
	for (size_t i = 0; lines > MSDOS_PRIMARY_MAX && i < l->part_count; i++)
		if (l->parts[i].disk == disk)
			l->parts[i].logical = ++nth >= MSDOS_PRIMARY_MAX;
}

static void check_msdos(struct layout_parser *p, size_t disk)
{
	unsigned int primary = 0;
	bool had = false, before = false;

	choose_logical(p->l, disk);
	for (size_t i = 0; i < p->l->part_count; i++) {
		const struct layout_part *part = &p->l->parts[i];

		if (part->disk != disk)
			continue;
		p->line = part->line;
		if (part->logical && had && !before)
			layout_fail(p, "the logical partitions of a disk follow each other");
		had |= part->logical;
		before = part->logical;
		primary += !part->logical;
		if (primary + had > MSDOS_PRIMARY_MAX) {
			layout_fail(p,
				    "an msdos table has room for %d partitions, the extended one "
				    "that holds the logical ones included; use 'logical' or "
				    "table=gpt",
				    MSDOS_PRIMARY_MAX);
			return;
		}
	}
}

void layout_check(struct layout_parser *p)
{
	for (size_t i = 0; i < p->l->part_count; i++) {
		p->line = p->l->parts[i].line;
		check_use(p, &p->l->parts[i], i);
		if (p->l->parts[i].kind == PART_VG)
			check_vg(p, i);
	}
	for (size_t i = 0; i < p->l->disk_count; i++)
		if (p->l->disks[i].table == TABLE_MSDOS)
			check_msdos(p, i);
	check_boot(p);
	check_early(p, "/");
	check_early(p, "/usr");
}
