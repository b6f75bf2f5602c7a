/* Checks the disk layouts of a definition: each line by the parser that the node uses, then whether
 * the sums can fit. How large the disks are is known on the node only: what is refused here fits
 * none, or not each that the selector takes. */
#include "host-tools/lib/cluster-internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"
#include "init/lib/str.h"
#include "modules/lib/layout.h"

#define MSDOS_MIB ((uint64_t)2 << 20) /* 32-bit numbers of sectors of 512 bytes */

struct layout_lines {
	struct cluster *c;
	const struct object *o;
	const struct cluster_value *value[CLUSTER_VALUES_MAX];
	size_t count;
};

static void layout_error(unsigned int line, const char *message, void *arg)
{
	const struct layout_lines *l = arg;
	size_t i;

	for (i = 0; i < l->count && l->value[i]->at.line != line; i++)
		;
	cluster_error(l->c, i < l->count ? &l->value[i]->at : &l->o->public.at, "%s", message);
}

__attribute__((format(printf, 3, 4))) static void disk_error(const struct layout_lines *l,
							     const struct layout_disk *disk,
							     const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	layout_error(disk->line, text, (void *)l);
}

/* What the partitions of a disk ask for, whatever its size. */
struct demand {
	size_t parts;
	unsigned int percents, percent; /* partitions sized so; their sum */
	uint64_t mib; /* of the others, at least; in MiB, so that no sum is too large */
};

static struct demand demand_of(const struct layout *layout, size_t disk)
{
	struct demand d = {0};

	for (size_t i = 0; i < layout->part_count; i++) {
		const struct layout_part *part = &layout->parts[i];

		if (part->disk != disk)
			continue;
		d.parts++;
		d.percents += part->size.percent > 0;
		d.percent += part->size.percent;
		d.mib += part->size.min >> 20;
	}
	return d;
}

static bool is_same_disk(const struct layout_disk *a, const struct layout_disk *b)
{
	if (a->selector != b->selector)
		return false;
	return a->selector == SELECT_NTH
		       ? a->number == b->number
		       : (a->selector == SELECT_PATH || a->selector == SELECT_SERIAL) &&
				 !strcmp(a->pattern, b->pattern);
}

/* What cannot fit on any disk, or not on each that is taken. */
static void check_disk(const struct layout_lines *l, const struct layout *layout, size_t index)
{
	const struct layout_disk *disk = &layout->disks[index];
	struct demand d = demand_of(layout, index);
	char needs[16], has[16];

	for (size_t i = 0; i < index; i++)
		if (is_same_disk(disk, &layout->disks[i]))
			disk_error(l, disk,
				   "disk '%s' is disk '%s' once more, expected another one",
				   disk->name, layout->disks[i].name);
	if (!d.parts)
		disk_error(l, disk, "disk '%s' has no partition, expected one on the line below it",
			   disk->name);
	if (d.percent > 100 || (d.percent == 100 && d.parts > d.percents))
		disk_error(l, disk,
			   "the partitions of disk '%s' take %u%% of it%s, expected %s 100%%",
			   disk->name, d.percent, d.parts > d.percents ? " and more" : "",
			   d.parts > d.percents ? "less than" : "at most");
	str_from_size(d.mib << 20, needs, sizeof(needs));
	if (d.mib >= MSDOS_MIB && disk->table == TABLE_MSDOS)
		disk_error(l, disk,
			   "the partitions of disk '%s' need %s, an msdos table reaches 2 TiB, "
			   "expected table=gpt",
			   disk->name, needs);
	if (disk->selector == SELECT_LARGER && d.mib > disk->number >> 20)
		disk_error(
			l, disk,
			"the partitions of disk '%s' need %s, but disks larger than %s are taken, "
			"expected 'size>%" PRIu64 "M'",
			disk->name, needs, str_from_size(disk->number, has, sizeof(has)), d.mib);
}

/* By its label a later installation could not tell them apart. */
static void check_labels(const struct layout_lines *l, const struct layout *layout)
{
	char text[96];

	for (size_t i = 0; i < layout->part_count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct layout_part *a = &layout->parts[j], *b = &layout->parts[i];

			if (b->kind != PART_DISK || b->disk != a->disk || !b->label[0] ||
			    strcmp(b->label, a->label) != 0)
				continue;
			snprintf(text, sizeof(text),
				 "label '%s' is that of line %u, expected another one", b->label,
				 a->line);
			layout_error(b->line, text, (void *)l);
		}
}

/* The lines come from one object (cluster-resolve.c), so that their numbers tell them apart. */
void cluster_check_layout(struct cluster *c, const struct object *o)
{
	struct plan_line lines[CLUSTER_VALUES_MAX];
	struct plan_section section = {.name = "layout", .lines = lines};
	struct layout_lines l = {.c = c, .o = o};
	struct layout *layout = xcalloc(1, sizeof(*layout));

	for (size_t i = 0; i < o->public.count; i++) {
		const struct cluster_value *v = &o->public.values[i];

		if (!layout_is_line(v->key))
			continue;
		l.value[l.count++] = v;
		lines[section.count++] = (struct plan_line){v->key, v->text, v->at.line};
	}
	if (!section.count && !o->broken)
		cluster_error(c, &o->public.at,
			      "disk_layout '%s' is empty, expected 'disk' and 'partition' lines",
			      o->public.name);
	else if (section.count && !layout_parse(layout, &section, layout_error, &l)) {
		for (size_t i = 0; i < layout->disk_count; i++)
			check_disk(&l, layout, i);
		check_labels(&l, layout);
	}
	free(layout);
}
