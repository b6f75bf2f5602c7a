/* See explain.h. A disk is a row of boxes in the order of the disk; each is as wide as its share, but
 * never narrower than its words. */
#include "host-tools/lib/explain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "modules/lib/steps.h"
#include "modules/lib/volume.h"

#define WIDTH	  96 /* of the row, where the words leave room */
#define ROWS	  3
#define BOXES_MAX (2 * TABLE_PARTS_MAX + 1)
#define FREE_MIN  ((uint64_t)4 << 20) /* smaller gaps are alignment */
#define MIB	  ((uint64_t)1 << 20)
#define SIZE_TOP  ((uint64_t)1 << 60)

struct box {
	uint64_t start, bytes;
	char text[ROWS][28];
	int width;
};

struct row {
	struct box list[BOXES_MAX];
	size_t count;
};

__attribute__((format(printf, 5, 6))) static void add_box(struct row *r, uint64_t start,
							  uint64_t bytes, const char *head,
							  const char *fmt, ...)
{
	struct box *b = &r->list[r->count];
	char size[16];
	va_list ap;

	if (r->count == BOXES_MAX)
		return;
	r->count++;
	*b = (struct box){.start = start, .bytes = bytes};
	snprintf(b->text[0], sizeof(b->text[0]), "%s", head);
	va_start(ap, fmt);
	vsnprintf(b->text[1], sizeof(b->text[1]), fmt, ap);
	va_end(ap);
	snprintf(b->text[2], sizeof(b->text[2]), "%s", str_from_size(bytes, size, sizeof(size)));
}

static int by_start(const void *a, const void *b)
{
	const struct box *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void add_gaps(struct row *r, uint64_t disk_bytes)
{
	size_t parts = r->count;
	uint64_t at = 0;

	qsort(r->list, parts, sizeof(r->list[0]), by_start);
	for (size_t i = 0; i < parts; i++) {
		uint64_t start = r->list[i].start, end = start + r->list[i].bytes;

		if (start > at && start - at >= FREE_MIN)
			add_box(r, at, start - at, "", "free");
		at = end > at ? end : at;
	}
	if (disk_bytes > at && disk_bytes - at >= FREE_MIN)
		add_box(r, at, disk_bytes - at, "", "free");
	qsort(r->list, r->count, sizeof(r->list[0]), by_start);
}

static void set_widths(struct row *r)
{
	uint64_t whole = 0;
	int needed = 0;

	for (size_t i = 0; i < r->count; i++) {
		struct box *b = &r->list[i];

		for (size_t n = 0; n < ROWS; n++)
			if ((int)strlen(b->text[n]) > b->width)
				b->width = (int)strlen(b->text[n]);
		whole += b->bytes;
		needed += b->width + 3;
	}
	for (size_t i = 0; i < r->count && needed < WIDTH && whole; i++)
		r->list[i].width +=
			(int)((double)r->list[i].bytes / (double)whole * (double)(WIDTH - needed));
}

static void draw_edge(struct strbuf *out, const struct row *r)
{
	strbuf_adds(out, "  +");
	for (size_t i = 0; i < r->count; i++) {
		for (int n = 0; n < r->list[i].width + 2; n++)
			strbuf_adds(out, "-");
		strbuf_adds(out, "+");
	}
	strbuf_adds(out, "\n");
}

static void draw(struct strbuf *out, struct row *r, uint64_t disk_bytes)
{
	add_gaps(r, disk_bytes);
	set_widths(r);
	draw_edge(out, r);
	for (size_t n = 0; n < ROWS; n++) {
		strbuf_adds(out, "  |");
		for (size_t i = 0; i < r->count; i++)
			strbuf_addf(out, " %-*s |", r->list[i].width, r->list[i].text[n]);
		strbuf_adds(out, "\n");
	}
	draw_edge(out, r);
}

static void add_title(struct strbuf *out, const struct layout *l, size_t disk, const char *what,
		      uint64_t bytes)
{
	char size[16];

	strbuf_addf(out, "disk '%s' %s, %s\n", l->disks[disk].name, what,
		    str_from_size(bytes, size, sizeof(size)));
}

void explain_found(struct strbuf *out, const struct layout *l, size_t disk,
		   const struct survey *found)
{
	_cleanup_free_ struct row *r = calloc(1, sizeof(*r));

	if (!r)
		return;
	for (size_t i = 0; i < found->table.count; i++) {
		const struct table_part *p = &found->table.parts[i];
		char number[16];

		if (p->extended)
			continue;
		snprintf(number, sizeof(number), "%u", p->number);
		add_box(r, p->start, p->bytes, number, "%s%s%s",
			p->content.type[0] ? p->content.type : "?", p->content.label[0] ? " " : "",
			p->content.label);
	}
	add_title(out, l, disk, "before", found->bytes);
	draw(out, r, found->bytes);
}

void explain_layout(struct strbuf *out, const struct layout *l, size_t disk, uint64_t disk_bytes)
{
	_cleanup_free_ struct row *r = calloc(1, sizeof(*r));

	if (!r)
		return;
	for (size_t i = 0; i < l->part_count; i++) {
		const struct layout_part *part = &l->parts[i];
		char number[24];

		if (part->disk != disk)
			continue;
		snprintf(number, sizeof(number), "%u%s", part->number,
			 !part->kept		      ? part->logical ? " logical" : ""
			 : part->keep == KEEP_CONTENT ? " stays"
						      : " made anew");
		add_box(r, part->start, part->bytes, number, "%s%s%s", layout_fs_name(part->fs),
			part->mount[0] == '/' ? " " : "", part->mount[0] == '/' ? part->mount : "");
	}
	add_title(out, l, disk, "after", disk_bytes);
	draw(out, r, disk_bytes);
}

static void add_members(struct strbuf *out, const struct layout *l, const struct layout_part *part)
{
	char title[LAYOUT_TITLE_MAX];

	for (size_t i = 0; i < part->member_count; i++)
		strbuf_addf(out, " %s", layout_title(l, part->members[i], title));
}

void explain_devices(struct strbuf *out, const struct layout *l)
{
	for (size_t i = 0; i < l->part_count; i++) {
		const struct layout_part *part = &l->parts[i];
		char title[LAYOUT_TITLE_MAX], size[16];

		if (part->kind == PART_DISK)
			continue;
		strbuf_addf(out, "  %-4s %-16s %10s  ", layout_kind_name(part->kind),
			    layout_title(l, i, title),
			    str_from_size(part->bytes, size, sizeof(size)));
		if (part->kind == PART_RAID)
			strbuf_addf(out, "level %u, ", part->level);
		if (part->fs != FS_MEMBER)
			strbuf_addf(out, "%s %s, ", layout_fs_name(part->fs), part->mount);
		strbuf_adds(out, part->kind == PART_LV ? "in" : "of");
		add_members(out, l, part);
		strbuf_adds(out, "\n");
	}
}

/* --- the smallest disks --- */

/* By halving: what fits a disk fits every larger one, but for percents, which are rounded. */
static uint64_t smallest(struct layout *l, size_t disk, uint64_t ram)
{
	uint64_t low = 0, high = SIZE_TOP;
	char why[160];

	if (layout_place(l, disk, high, ram, why, sizeof(why)))
		return 0;
	while (high - low > MIB) {
		uint64_t middle = low + (high - low) / 2;

		if (layout_place(l, disk, middle, ram, why, sizeof(why)))
			low = middle;
		else
			high = middle;
	}
	return high / MIB * MIB + MIB;
}

static int place_smallest(struct strbuf *out, struct layout *l, size_t disk, uint64_t ram)
{
	uint64_t bytes = smallest(l, disk, ram);
	char why[160] = "no disk is large enough for it";

	if (!bytes || layout_place(l, disk, bytes, ram, why, sizeof(why)))
		return log_err(-ENOSPC, "disk '%s': %s", l->disks[disk].name, why);
	explain_layout(out, l, disk, bytes);
	return 0;
}

int explain_smallest(struct strbuf *out, const struct plan *plan, uint64_t ram)
{
	_cleanup_free_ struct layout *l = malloc(sizeof(*l));
	char why[160];
	int ret = l ? volume_layout(plan, l) : log_err(-ENOMEM, "cannot begin");

	if (ret)
		return ret;
	strbuf_adds(out, "the smallest disks that fit\n");
	for (size_t i = 0; !ret && i < l->disk_count; i++)
		ret = place_smallest(out, l, i, ram);
	if (!ret && steps_estimate(l, ram, why, sizeof(why)))
		strbuf_addf(out, "  with these: %s\n", why);
	if (!ret)
		explain_devices(out, l);
	return ret;
}
