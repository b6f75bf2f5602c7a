/* The arithmetic of sizes and places; see layout.h. Every sum is checked before it is made: sizes
 * are below LAYOUT_SIZE_MAX, and there are few of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/str.h"
#include "modules/lib/layout-parse.h"

#define ALIGN_MAX      ((uint64_t)64 << 20) /* what a disk says beyond that is not believed */
#define IO_UNIT	       4096
#define MSDOS_SECTORS  ((uint64_t)1 << 32)
#define LOGICAL_NUMBER 5

/* Lines that share one room: between two partitions that are kept, or in a volume group. */
struct room {
	struct layout_part *list[LAYOUT_PARTS_MAX];
	size_t count;
	uint64_t unit;	/* sizes are multiples of it */
	uint64_t whole; /* what percents are of */
	uint64_t ram;
	uint64_t bytes;
};

static uint64_t align_up(uint64_t bytes, uint64_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

static uint64_t common_multiple(uint64_t a, uint64_t b)
{
	uint64_t x = a, y = b;

	while (y) {
		uint64_t rest = x % y;

		x = y;
		y = rest;
	}
	return a / x * b;
}

void layout_geometry(struct layout *l, size_t disk, unsigned int sector, uint64_t optimal_io)
{
	struct layout_disk *d = &l->disks[disk];

	d->sector = sector;
	d->align = LAYOUT_ALIGN;
	if (optimal_io && optimal_io <= ALIGN_MAX && optimal_io % IO_UNIT == 0)
		d->align = common_multiple(LAYOUT_ALIGN, optimal_io);
	if (d->align > ALIGN_MAX)
		d->align = LAYOUT_ALIGN;
}

/* --- sizes in a room --- */

/* What a line gets before the rest is shared out. */
static uint64_t least_size(const struct layout_part *part, const struct room *r)
{
	uint64_t floor = layout_fs_min(part->fs), bytes = part->size.min;

	if (part->size.percent)
		bytes = r->whole / 100 * part->size.percent / r->unit * r->unit;
	else if (part->size.ram_multiple)
		bytes = r->ram * part->size.ram_multiple;
	return align_up(bytes < floor ? floor : bytes, r->unit);
}

static uint64_t limit(const struct layout_part *part, const struct room *r)
{
	return part->size.max ? part->size.max / r->unit * r->unit : UINT64_MAX;
}

static bool grows(const struct layout_part *part, const struct room *r)
{
	return part->size.min && part->bytes < limit(part, r);
}

/* Shares what is left evenly among the lines that grow; one that reaches its maximum leaves its
 * share to the others. */
static void share_out(struct room *r, uint64_t left)
{
	while (left >= r->unit) {
		uint64_t growing = 0, share;

		for (size_t i = 0; i < r->count; i++)
			growing += grows(r->list[i], r);
		if (!growing)
			return;
		share = left / growing / r->unit * r->unit;
		if (!share)
			share = r->unit;
		for (size_t i = 0; i < r->count && left >= r->unit; i++) {
			struct layout_part *part = r->list[i];
			uint64_t add = share;

			if (!grows(part, r))
				continue;
			if (add > left)
				add = left / r->unit * r->unit;
			if (add > limit(part, r) - part->bytes)
				add = limit(part, r) - part->bytes;
			part->bytes += add;
			left -= add;
		}
	}
}

/* 0 and the sizes are set, or -ENOSPC and *needed. */
static int fill_room(struct room *r, uint64_t *needed)
{
	*needed = 0;
	for (size_t i = 0; i < r->count; i++) {
		r->list[i]->bytes = least_size(r->list[i], r);
		*needed = *needed > LAYOUT_SIZE_MAX ? *needed : *needed + r->list[i]->bytes;
		/* Each logical partition has the sector that describes it before it. */
		if (r->list[i]->logical)
			*needed += r->unit;
	}
	if (*needed > r->bytes)
		return -ENOSPC;
	share_out(r, r->bytes - *needed);
	return 0;
}

static uint64_t bounded_ram(uint64_t ram)
{
	return ram > LAYOUT_SIZE_MAX / 32 ? LAYOUT_SIZE_MAX / 32 : ram;
}

/* --- partitions --- */

struct placing {
	struct layout *l;
	size_t disk;
	struct room room;
	uint64_t from; /* of the room */
	char *why;
	size_t why_len;
};

/* What lies in the room gets its sizes and places; `to` is where it ends. */
static int close_room(struct placing *p, uint64_t to, const struct layout_part *next)
{
	struct room *r = &p->room;
	char needs[16], has[16];
	uint64_t at = align_up(p->from, r->unit), needed;

	r->bytes = to > at ? (to - at) / r->unit * r->unit : 0;
	if (fill_room(r, &needed)) {
		snprintf(p->why, p->why_len,
			 "the partitions of disk '%s'%s%s need %s, there is room for %s",
			 p->l->disks[p->disk].name, next ? " before the kept one of " : "",
			 next ? next->mount : "", str_from_size(needed, needs, sizeof(needs)),
			 str_from_size(r->bytes, has, sizeof(has)));
		return -ENOSPC;
	}
	for (size_t i = 0; i < r->count; i++) {
		at += r->list[i]->logical ? r->unit : 0;
		r->list[i]->start = at;
		at += r->list[i]->bytes;
	}
	r->count = 0;
	return 0;
}

/* Where what is kept begins and ends, of a logical partition with the extended one around it. */
static void extent_of_kept(const struct layout *l, const struct layout_part *part, uint64_t *start,
			   uint64_t *end)
{
	const struct layout_extended *e = &l->disks[part->disk].extended;

	*start = part->logical ? e->start : part->start;
	*end = part->logical ? e->start + e->bytes : part->start + part->bytes;
}

static int place_all(struct placing *p, uint64_t end)
{
	const struct layout_part *inside = NULL; /* the same extended partition as the one before */
	int ret = 0;

	for (size_t i = 0; !ret && i < p->l->part_count; i++) {
		struct layout_part *part = &p->l->parts[i];
		uint64_t start, after;

		if (part->disk != p->disk)
			continue;
		if (!part->kept) {
			p->room.list[p->room.count++] = part;
			continue;
		}
		extent_of_kept(p->l, part, &start, &after);
		if (inside && part->logical)
			continue;
		inside = part->logical ? part : NULL;
		if (start < p->from) {
			snprintf(p->why, p->why_len,
				 "partition %u of disk '%s' lies before that of an earlier line, "
				 "expected the lines in the order of the disk",
				 part->number, p->l->disks[p->disk].name);
			return -EINVAL;
		}
		ret = close_room(p, start, part);
		p->from = after;
	}
	return ret ? ret : close_room(p, end, NULL);
}

/* --- numbers --- */

static bool is_number_kept(const struct layout *l, size_t disk, unsigned int number)
{
	const struct layout_extended *e = &l->disks[disk].extended;

	if (e->kept && e->number == number)
		return true;
	for (size_t i = 0; i < l->part_count; i++)
		if (l->parts[i].disk == disk && l->parts[i].kept && l->parts[i].number == number)
			return true;
	return false;
}

static unsigned int next_number(const struct layout *l, size_t disk, unsigned int *last)
{
	do
		++*last;
	while (is_number_kept(l, disk, *last));
	return *last;
}

/* Those that are kept keep theirs; the others get what is free, in the order of their lines. */
static void give_numbers(struct layout *l, size_t disk)
{
	struct layout_extended *e = &l->disks[disk].extended;
	unsigned int primary = 0, logical = LOGICAL_NUMBER - 1;

	for (size_t i = 0; i < l->part_count; i++) {
		struct layout_part *part = &l->parts[i];

		if (part->disk != disk || part->kept)
			continue;
		if (part->logical && !e->number)
			e->number = next_number(l, disk, &primary);
		part->number = next_number(l, disk, part->logical ? &logical : &primary);
	}
}

/* Around the logical partitions that are new, with the sector before the first. */
static void place_extended(struct layout *l, size_t disk)
{
	struct layout_extended *e = &l->disks[disk].extended;

	for (size_t i = 0; i < l->part_count; i++) {
		const struct layout_part *part = &l->parts[i];

		if (part->disk != disk || !part->logical || part->kept)
			continue;
		if (!e->bytes)
			e->start = part->start - l->disks[disk].align;
		e->bytes = part->start + part->bytes - e->start;
	}
}

int layout_place(struct layout *l, size_t disk, uint64_t disk_bytes, uint64_t ram_bytes, char *why,
		 size_t why_len)
{
	struct layout_disk *d = &l->disks[disk];
	uint64_t end = disk_bytes / LAYOUT_ALIGN * LAYOUT_ALIGN, from = d->align;
	struct placing p = {.l = l, .disk = disk, .from = from, .why = why, .why_len = why_len};
	int ret;

	end = end > LAYOUT_ALIGN ? end - LAYOUT_ALIGN : 0;
	if (d->table == TABLE_MSDOS && end > MSDOS_SECTORS * d->sector - LAYOUT_ALIGN)
		end = MSDOS_SECTORS * d->sector - LAYOUT_ALIGN;
	if (!d->extended.kept)
		d->extended = (struct layout_extended){0};
	p.room.unit = d->align;
	p.room.whole = end > from ? end - from : 0;
	p.room.ram = bounded_ram(ram_bytes);
	ret = place_all(&p, end);
	if (ret)
		return ret;
	place_extended(l, disk);
	give_numbers(l, disk);
	return 0;
}

/* --- volumes --- */

int layout_place_vg(struct layout *l, size_t vg, uint64_t bytes, uint64_t ram_bytes, char *why,
		    size_t why_len)
{
	struct room r = {.unit = LAYOUT_EXTENT, .ram = bounded_ram(ram_bytes)};
	char needs[16], has[16];
	uint64_t needed;

	r.bytes = r.whole = bytes / LAYOUT_EXTENT * LAYOUT_EXTENT;
	for (size_t i = vg; i < l->part_count; i++)
		if (l->parts[i].kind == PART_LV && l->parts[i].members[0] == vg)
			r.list[r.count++] = &l->parts[i];
	if (!fill_room(&r, &needed))
		return 0;
	snprintf(why, why_len, "the volumes of vg '%s' need %s, there is room for %s",
		 l->parts[vg].name, str_from_size(needed, needs, sizeof(needs)),
		 str_from_size(r.bytes, has, sizeof(has)));
	return -ENOSPC;
}
