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
		if (!layout_parse(&l, plan_section(&plan, "layout"), ignore, NULL) &&
		    !layout_place(&l, 0, disk, ram, why, sizeof(why))) {
			uint64_t at = LAYOUT_ALIGN;

			for (size_t i = 0; i < l.part_count; i++) {
				if (l.parts[i].disk)
					continue;
				if (l.parts[i].start != at || !l.parts[i].bytes ||
				    l.parts[i].bytes % LAYOUT_ALIGN)
					abort();
				at += l.parts[i].bytes;
			}
			if (at > disk - LAYOUT_ALIGN)
				abort();
		}
		plan_free(&plan);
	}
	free(text);
	return 0;
}
