/* See stamp-plan.h. */
#include "modules/lib/stamp-plan.h"

#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

#include "init/lib/str.h"
#include "modules/lib/vfat.h"

static void new_uuid(char text[UUID_TEXT])
{
	uuid_t uuid;

	uuid_generate_random(uuid);
	uuid_unparse_lower(uuid, text);
}

void stamp_new_ids(struct stamp_ids *ids, const struct layout *l)
{
	memset(ids, 0, sizeof(*ids));
	for (size_t i = 0; i < l->part_count; i++) {
		const struct layout_part *part = &l->parts[i];

		if (part->fs == FS_VFAT)
			vfat_new_uuid(ids->fs[i]);
		else if (part->fs != FS_RAW && part->fs != FS_MEMBER)
			new_uuid(ids->fs[i]);
		if (part->kind == PART_RAID || part->kind == PART_LUKS)
			new_uuid(ids->device[i]);
	}
}

/* "sys.2": partition 2 of disk sys, whatever its line is. */
static void name_member(const struct layout *l, size_t member, char *buf, size_t len)
{
	const struct layout_part *m = &l->parts[member];

	if (m->kind == PART_DISK)
		snprintf(buf, len, "%s.%u", l->disks[m->disk].name, m->number);
	else
		snprintf(buf, len, "%s", m->name);
}

static void plan_device(struct stamp_part *to, const struct layout *l, size_t index)
{
	const struct layout_part *from = &l->parts[index];
	size_t used = 0;

	layout_title(l, index, to->name);
	if (from->kind == PART_RAID)
		snprintf(to->how, sizeof(to->how), "%u", from->level);
	else if (from->kind == PART_LUKS && from->key == KEY_RANDOM)
		strcpy(to->how, "random");
	else if (from->kind == PART_LUKS && from->key == KEY_TPM2)
		strcpy(to->how, "tpm2");
	for (size_t i = 0; i < from->member_count && used < sizeof(to->members) - 1; i++) {
		char name[LAYOUT_TITLE_MAX];

		name_member(l, from->members[i], name, sizeof(name));
		used += (size_t)snprintf(to->members + used, sizeof(to->members) - used, "%s%s",
					 i ? " " : "", name);
	}
}

void stamp_plan(struct stamp *s, const struct layout *l, size_t disk, const struct stamp_ids *ids)
{
	snprintf(s->disk, sizeof(s->disk), "%s", l->disks[disk].name);
	s->table = l->disks[disk].table;
	s->part_count = 0;
	for (size_t i = 0; i < l->part_count; i++) {
		const struct layout_part *from = &l->parts[i];
		struct stamp_part *to = &s->parts[s->part_count];

		if (!layout_is_on(l, i, disk))
			continue;
		*to = (struct stamp_part){.kind = from->kind, .fs = from->fs};
		if (from->kind == PART_DISK) {
			to->number = from->number;
			to->start = from->start;
			to->bytes = from->bytes;
			to->keep = from->kept ? from->keep : KEEP_NOTHING;
		} else {
			plan_device(to, l, i);
		}
		strcpy(to->mount, from->mount);
		strcpy(to->options, from->fs == FS_RAW ? from->label : from->options);
		strcpy(to->uuid, ids->fs[i]);
		strcpy(to->device, ids->device[i]);
		s->part_count++;
	}
}
