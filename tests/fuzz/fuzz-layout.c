/* Lines of a disk_layout, and the placing of whatever parses: partitions may not overlap, leave the
 * disk or lose their alignment. */
#include "modules/lib/layout.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(unsigned int line, const char *message, void *arg)
{
	(void)line, (void)message, (void)arg;
}

static void check_places(const struct layout *l, uint64_t disk)
{
	uint64_t at = LAYOUT_ALIGN;

	for (size_t i = 0; i < l->part_count; i++) {
		const struct layout_part *part = &l->parts[i];

		if (part->disk)
			continue;
		at += part->logical ? LAYOUT_ALIGN : 0;
		if (part->start != at || !part->bytes || part->bytes % LAYOUT_ALIGN ||
		    !part->number)
			abort();
		at += part->bytes;
	}
	if (at > disk - LAYOUT_ALIGN)
		abort();
}

/* Every one lies on earlier ones, and all of a volume group fit into it. */
static void check_volumes(const struct layout *l, size_t vg, uint64_t bytes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->part_count; i++) {
		const struct layout_part *part = &l->parts[i];

		for (size_t n = 0; n < part->member_count; n++)
			if (part->members[n] >= i)
				abort();
		if (part->kind == PART_LV && part->members[0] == vg)
			sum += part->bytes;
	}
	if (sum > bytes)
		abort();
}

/* The first eight bytes are the disk's size, the next eight the memory's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct layout l;
	struct plan plan;
	char *text, why[160];
	uint64_t disk, ram;

	if (size < 16)
		return 0;
	memcpy(&disk, data, 8);
	memcpy(&ram, data + 8, 8);
	text = malloc(size + 64);
	size = (size_t)sprintf(text, PLAN_VERSION_LINE "\n[layout]\n%.*s\n", (int)(size - 16),
			       data + 16);
	if (!plan_parse(&plan, text, size, why, sizeof(why))) {
		if (!layout_parse(&l, plan_section(&plan, "layout"), ignore, NULL)) {
			if (!layout_place(&l, 0, disk, ram, why, sizeof(why)))
				check_places(&l, disk);
			for (size_t i = 0; i < l.part_count; i++)
				if (l.parts[i].kind == PART_VG &&
				    !layout_place_vg(&l, i, disk, ram, why, sizeof(why)))
					check_volumes(&l, i, disk);
		}
		plan_free(&plan);
	}
	free(text);
	return 0;
}
