/* Finding partitions that stay; see keep.h. Content that is to be preserved has to have the file
 * system of its line, and its label where the line has one. What is reused only has to be found:
 * its line names it. */
#include "modules/lib/keep.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "modules/lib/journal.h"

struct search {
	struct layout *l;
	size_t disk;
	const struct keep_disk *found;
	char *why;
	size_t why_len;
};

__attribute__((format(printf, 3, 4))) static int refuse(const struct search *s, int error,
							const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->why, s->why_len, fmt, ap);
	va_end(ap);
	return error;
}

bool keep_wanted(const struct layout *l, size_t disk)
{
	for (size_t i = 0; i < l->part_count; i++)
		if (l->parts[i].disk == disk && l->parts[i].keep)
			return true;
	return false;
}

bool keep_has(const struct layout *l, size_t disk, unsigned int number)
{
	for (size_t i = 0; i < l->part_count; i++)
		if (l->parts[i].disk == disk && l->parts[i].kept && l->parts[i].number == number)
			return true;
	return false;
}

bool keep_meets(const struct layout *l, size_t disk, uint64_t start, uint64_t bytes)
{
	for (size_t i = 0; i < l->part_count; i++) {
		const struct layout_part *part = &l->parts[i];

		if (part->disk == disk && part->kept && start < part->start + part->bytes &&
		    (part->start < start || part->start - start < bytes))
			return true;
	}
	return false;
}

/* Labels of vfat have capitals only. */
static bool same_label(const struct layout_part *part, const struct table_part *p)
{
	return part->fs == FS_VFAT ? !strcasecmp(part->label, p->content.label)
				   : !strcmp(part->label, p->content.label);
}

static bool same_fs(const struct layout_part *part, const struct table_part *p)
{
	return part->fs == FS_RAW ||
	       (!p->content.several && !strcmp(p->content.type, layout_fs_name(part->fs)));
}

/* The number that a line means without saying it: its own, as layout_place() would give it. */
static unsigned int number_of_line(const struct layout *l, const struct layout_part *part)
{
	unsigned int before = 0;

	for (const struct layout_part *p = l->parts; p < part; p++)
		before += p->disk == part->disk && p->logical == part->logical;
	return before + (part->logical ? 5 : 1);
}

static bool fits(const struct layout *l, const struct layout_part *part, const struct table_part *p)
{
	unsigned int number = part->find_number ? part->find_number : number_of_line(l, part);

	if (p->extended)
		return false;
	switch (part->find) {
	case FIND_LABEL:
		return same_label(part, p);
	case FIND_FS:
		return same_fs(part, p);
	default:
		return p->number == number;
	}
}

/* A reused partition whose file system was being made when the power went is known by our stamp. */
static bool stamp_fits(const struct stamp *s, const struct layout_part *part,
		       const struct table_part *p)
{
	for (size_t i = 0; s && i < s->part_count; i++) {
		const struct stamp_part *was = &s->parts[i];

		if (was->kind == PART_DISK && was->keep == KEEP_PLACE && part->keep == KEEP_PLACE &&
		    was->number == p->number && was->start == p->start && was->bytes == p->bytes &&
		    was->fs == part->fs && !strcmp(was->mount, part->mount))
			return true;
	}
	return false;
}

static const struct table_part *search(const struct search *s, const struct layout_part *part,
				       unsigned int *count)
{
	const struct table *t = s->found->table;
	const struct table_part *found = NULL;

	*count = 0;
	for (size_t i = 0; i < t->count; i++)
		if (fits(s->l, part, &t->parts[i])) {
			found = &t->parts[i];
			++*count;
		}
	for (size_t i = 0; !found && i < t->count; i++)
		if (stamp_fits(s->found->stamp, part, &t->parts[i])) {
			found = &t->parts[i];
			*count = 1;
		}
	return found;
}

/* "partition /home (label 'home')": what the line calls it. */
static void name_line(const struct layout_part *part, char *buf, size_t len)
{
	static const char *const by[] = {"", "its number", "its label", "its file system"};

	snprintf(buf, len, "partition '%.40s' of line %u (%s, found by %s)",
		 part->label[0] ? part->label : part->mount, part->line, layout_fs_name(part->fs),
		 by[part->find]);
}

static int objection(const struct search *s, const struct layout_part *part,
		     const struct table_part *p, const char *line)
{
	if (keep_has(s->l, s->disk, p->number))
		return refuse(s, -EUCLEAN, "%s is partition %u, which another line keeps", line,
			      p->number);
	if (p->start < LAYOUT_ALIGN)
		return refuse(s, -EUCLEAN,
			      "%s begins before the first MiB, where the stamp has its place",
			      line);
	if (p->logical != part->logical)
		return refuse(s, -EUCLEAN, "%s is partition %u, which is %s logical one", line,
			      p->number, p->logical ? "a" : "no");
	if (part->keep == KEEP_PLACE)
		return 0;
	if (!same_fs(part, p))
		return refuse(s, -EUCLEAN, "%s: partition %u holds %s", line, p->number,
			      p->content.several   ? "several things at once"
			      : p->content.type[0] ? p->content.type
						   : "nothing known");
	if (part->label[0] && part->fs != FS_RAW && !same_label(part, p))
		return refuse(s, -EUCLEAN, "%s: partition %u has the label '%s'", line, p->number,
			      p->content.label);
	return 0;
}

/* The installation that made it was cut off before anybody could use it: there is nothing in it yet. */
static bool is_half_made(const struct search *s, const struct layout_part *part)
{
	const struct stamp *stamp = s->found->stamp;

	if (!stamp || stamp->finished || !strcmp(stamp->open, JOURNAL_LAST) || part->size.as_found)
		return false;
	for (size_t i = 0; i < stamp->part_count; i++) {
		const struct stamp_part *was = &stamp->parts[i];

		if (was->kind == PART_DISK && was->keep == KEEP_NOTHING && was->fs == part->fs &&
		    !strcmp(was->mount, part->mount))
			return true;
	}
	return false;
}

static int find_one(const struct search *s, struct layout_part *part)
{
	unsigned int count;
	const struct table_part *p = search(s, part, &count);
	char line[128];
	int ret = 0;

	name_line(part, line, sizeof(line));
	if (!count)
		ret = refuse(s, -ENOENT, "%s is not there", line);
	else if (count > 1)
		ret = refuse(s, -EUCLEAN, "%s is there %u times", line, count);
	else
		ret = objection(s, part, p, line);
	if (ret)
		return is_half_made(s, part) ? 0 : ret;
	part->kept = true;
	part->number = p->number;
	part->start = p->start;
	part->bytes = p->bytes;
	return 0;
}

/* The chain of logical partitions is not taken apart: each has its number by its place in it. */
static int find_extended(const struct search *s)
{
	struct layout_extended *e = &s->l->disks[s->disk].extended;
	const struct table *t = s->found->table;
	bool any = false, all = true;

	for (size_t i = 0; i < s->l->part_count; i++) {
		const struct layout_part *part = &s->l->parts[i];

		if (part->disk != s->disk || !part->logical)
			continue;
		any |= part->kept;
		all &= part->kept;
	}
	for (size_t i = 0; i < t->count; i++)
		if (t->parts[i].logical && !keep_has(s->l, s->disk, t->parts[i].number))
			all = false;
	if (!any)
		return 0;
	if (!all)
		return refuse(
			s, -EUCLEAN,
			"the logical partitions of a disk are preserved or reused all or none");
	for (size_t i = 0; i < t->count; i++)
		if (t->parts[i].extended)
			*e = (struct layout_extended){.number = t->parts[i].number,
						      .start = t->parts[i].start,
						      .bytes = t->parts[i].bytes,
						      .kept = true};
	return 0;
}

static bool are_half_made(const struct search *s)
{
	for (size_t i = 0; i < s->l->part_count; i++)
		if (s->l->parts[i].disk == s->disk && s->l->parts[i].keep &&
		    !is_half_made(s, &s->l->parts[i]))
			return false;
	return true;
}

static int find_all(const struct search *s)
{
	enum table_kind kind =
		s->l->disks[s->disk].table == TABLE_GPT ? TABLE_KIND_GPT : TABLE_KIND_MSDOS;
	int ret = 0;

	if (s->found->table->kind != kind && !are_half_made(s))
		return refuse(s, -EUCLEAN,
			      "there is no %s table on it, which has partitions to be kept",
			      kind == TABLE_KIND_GPT ? "gpt" : "msdos");
	for (size_t i = 0; !ret && i < s->l->part_count; i++)
		if (s->l->parts[i].disk == s->disk && s->l->parts[i].keep)
			ret = find_one(s, &s->l->parts[i]);
	return ret ? ret : find_extended(s);
}

/* Nothing is there that could be lost: what has a size is made. */
static int find_nothing(const struct search *s)
{
	char line[128];

	for (size_t i = 0; i < s->l->part_count; i++) {
		const struct layout_part *part = &s->l->parts[i];

		if (part->disk != s->disk || !part->size.as_found)
			continue;
		name_line(part, line, sizeof(line));
		return refuse(s, -ENOENT, "%s is not there: the disk is blank", line);
	}
	return 0;
}

int keep_find(struct layout *l, size_t disk, const struct keep_disk *found, char *why,
	      size_t why_len)
{
	struct search s = {.l = l, .disk = disk, .found = found, .why = why, .why_len = why_len};

	if (!keep_wanted(l, disk))
		return 0;
	return found->blank ? find_nothing(&s) : find_all(&s);
}
