/* Partition tables by libfdisk (GPT and MSDOS), and telling the kernel about them. */
#ifndef LUCIE_TABLE_H
#define LUCIE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "modules/lib/disk.h"
#include "modules/lib/layout.h"
#include "modules/lib/probe.h"

#define TABLE_PARTS_MAX 128
#define TABLE_ID_MAX	64

enum table_kind { TABLE_KIND_NONE, TABLE_KIND_GPT, TABLE_KIND_MSDOS, TABLE_KIND_OTHER };

struct table {
	enum table_kind kind;
	char id[TABLE_ID_MAX]; /* GPT: the disk's GUID, upper case; MSDOS: "0x12345678" */
	uint64_t sector;       /* bytes of a logical block */
	size_t count;
	struct table_part {
		unsigned int number;
		uint64_t start, bytes;
		bool boot;		 /* GPT: legacy boot flag; MSDOS: active */
		char uuid[TABLE_ID_MAX]; /* of GPT */
		bool logical, extended;
		/* table_probe() */
		struct probe_content content;
	} parts[TABLE_PARTS_MAX];
};

/* Of a disk or an image file; reads only. -errno; logged. */
int table_read(const char *path, struct table *t);

/* Looks into each partition of the table that was read from this disk. -errno; logged. */
int table_probe(int fd, const char *path, uint64_t bytes, struct table *t);

/* An id for a new table of this kind. */
void table_new_id(enum layout_table kind, char id[TABLE_ID_MAX]);

/* Writes and syncs a table with that id and the placed partitions of disk `disk` of the layout.
 * -errno; logged. */
int table_write(const char *path, const struct layout *l, size_t disk, const char *id);

/* Changes the table that is there: what the layout keeps stays with all that describes it, every
 * other partition goes, the layout's new ones come. -errno; logged. */
int table_edit(const char *path, const struct layout *l, size_t disk);

/* The kernel forgets the partitions that it knew and learns those of the layout. It needs no parser
 * for that. -errno; logged. */
int table_announce(int fd, const struct disk *d, const struct layout *l, size_t disk);

/* Makes `number` the one partition that BIOS boot code starts, and syncs. -errno; logged. */
int table_set_boot(const char *path, unsigned int number);

#endif
