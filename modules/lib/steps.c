/* The list of steps; see steps.h. All disks are taken down before a table is written, and all tables
 * are written before something is made on a partition: a member may lie on any disk. */
#include "modules/lib/steps.h"

#include <string.h>

#define MIB	    ((uint64_t)1 << 20)
#define LUKS_HEADER (16 * MIB)
#define PV_HEADER   MIB

bool steps_edits(const struct layout *l, size_t disk)
{
	for (size_t i = 0; i < l->part_count; i++)
		if (l->parts[i].disk == disk && l->parts[i].kept)
			return true;
	return false;
}

static void add(struct steps *s, enum step_kind kind, size_t index)
{
	s->list[s->count++] = (struct step){kind, index};
}

static void add_part(struct steps *s, const struct layout_part *part, size_t index)
{
	static const enum step_kind made[] = {[PART_DISK] = STEP_WIPE,
					      [PART_RAID] = STEP_RAID,
					      [PART_LUKS] = STEP_LUKS,
					      [PART_VG] = STEP_VG,
					      [PART_LV] = STEP_LV};

	if (part->kept && part->keep == KEEP_CONTENT) {
		add(s, STEP_KEEP, index);
		return;
	}
	add(s, made[part->kind], index);
	if (part->fs != FS_RAW && part->fs != FS_MEMBER)
		add(s, STEP_FORMAT, index);
}

void steps_make(struct steps *s, const struct layout *l)
{
	s->count = 0;
	for (size_t i = 0; i < l->disk_count; i++)
		add(s, STEP_TAKE_DOWN, i);
	for (size_t i = 0; i < l->disk_count; i++)
		add(s, steps_edits(l, i) ? STEP_EDIT : STEP_TABLE, i);
	for (size_t i = 0; i < l->part_count; i++)
		add_part(s, &l->parts[i], i);
}

/* --- words --- */

static void describe_members(struct strbuf *out, const struct layout *l,
			     const struct layout_part *part)
{
	char title[LAYOUT_TITLE_MAX];

	for (size_t i = 0; i < part->member_count; i++)
		strbuf_addf(out, "%s%s%s", i ? " " : "",
			    i + part->spares >= part->member_count ? "spare " : "",
			    layout_title(l, part->members[i], title));
}

static void describe_format(struct strbuf *out, const struct layout *l, size_t index)
{
	const struct layout_part *part = &l->parts[index];
	char title[LAYOUT_TITLE_MAX];

	strbuf_addf(out, "make %s on %s", layout_fs_name(part->fs), layout_title(l, index, title));
	if (part->mount[0] == '/')
		strbuf_addf(out, " for %s", part->mount);
	if (part->label[0])
		strbuf_addf(out, ", label %s", part->label);
	if (part->features[0])
		strbuf_addf(out, ", features %s", part->features);
	if (part->reserved >= 0)
		strbuf_addf(out, ", %d%% reserved", part->reserved);
}

static void describe_table(struct strbuf *out, const struct layout *l, size_t disk,
			   const char *path, bool edit)
{
	size_t parts = 0, kept = 0;

	for (size_t i = 0; i < l->part_count; i++) {
		parts += l->parts[i].disk == disk;
		kept += l->parts[i].disk == disk && l->parts[i].kept;
	}
	strbuf_addf(out,
		    edit ? "change the %s table of %s: %zu partitions, "
			 : "write a %s table to %s: %zu partitions",
		    l->disks[disk].table == TABLE_GPT ? "gpt" : "msdos", path, parts);
	if (edit)
		strbuf_addf(out, "%zu of them stay", kept);
}

static void describe_device(struct strbuf *out, const struct layout *l, size_t index)
{
	const struct layout_part *part = &l->parts[index];
	char title[LAYOUT_TITLE_MAX], size[16];

	switch (part->kind) {
	case PART_RAID:
		strbuf_addf(out, "make raid %s of level %u of ", part->name, part->level);
		break;
	case PART_LUKS:
		strbuf_addf(out, "encrypt as %s, key %s: ", part->name,
			    part->key == KEY_RANDOM ? "random"
			    : part->key == KEY_TPM2 ? "of the plan, and one for the TPM"
						    : "of the plan");
		break;
	case PART_VG:
		strbuf_addf(out, "make volume group %s of ", part->name);
		break;
	default:
		strbuf_addf(out, "make volume %s of about %s", layout_title(l, index, title),
			    str_from_size(part->bytes, size, sizeof(size)));
		return;
	}
	describe_members(out, l, part);
}

void steps_describe(struct strbuf *out, const struct layout *l, const struct step *step,
		    const char *const paths[LAYOUT_DISKS_MAX])
{
	char title[LAYOUT_TITLE_MAX];

	switch (step->kind) {
	case STEP_TAKE_DOWN:
		strbuf_addf(out, "release %s: swap, arrays and volumes on it", paths[step->index]);
		break;
	case STEP_TABLE:
	case STEP_EDIT:
		describe_table(out, l, step->index, paths[step->index], step->kind == STEP_EDIT);
		break;
	case STEP_KEEP:
		strbuf_addf(out, "leave %s as it is", layout_title(l, step->index, title));
		break;
	case STEP_WIPE:
		strbuf_addf(out, "wipe old signatures from %s",
			    layout_title(l, step->index, title));
		break;
	case STEP_FORMAT:
		describe_format(out, l, step->index);
		break;
	default:
		describe_device(out, l, step->index);
	}
}

/* --- sizes --- */

static uint64_t estimate(const struct layout *l, const struct layout_part *part)
{
	uint64_t least = UINT64_MAX, sum = 0, header = 0;
	size_t active = part->member_count - part->spares;

	for (size_t i = 0; i < active; i++) {
		uint64_t bytes = l->parts[part->members[i]].bytes;

		header = part->kind == PART_LUKS ? LUKS_HEADER : PV_HEADER;
		bytes = bytes > header ? bytes - header : 0;
		least = bytes < least ? bytes : least;
		sum += part->kind == PART_VG ? bytes / LAYOUT_EXTENT * LAYOUT_EXTENT : bytes;
	}
	if (part->kind != PART_RAID || part->level == 0)
		return sum;
	return least * (part->level == 1    ? 1
			: part->level == 10 ? active / 2
					    : active - (part->level == 5 ? 1 : 2));
}

int steps_estimate(struct layout *l, uint64_t ram, char *why, size_t why_len)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < l->part_count; i++) {
		struct layout_part *part = &l->parts[i];

		if (part->kind == PART_DISK || part->kind == PART_LV)
			continue;
		part->bytes = estimate(l, part);
		if (part->kind == PART_VG)
			ret = layout_place_vg(l, i, part->bytes, ram, why, why_len);
	}
	return ret;
}
