/* Our stamp on a disk: what Lucie made there, for which site and node. It proves that the disk may
 * be written again (the guard), and it leads from a mount point to the file system's UUID, so that
 * mount, configure and a repair need no memory of earlier modules.
 *
 * Place: two copies of STAMP_SIZE bytes at STAMP_OFFSET of every disk of a layout, in the unused
 * area before the first partition (at 1 MiB). They are written and synced one after the other, so
 * that a power cut leaves the old stamp or the new one; the first valid copy counts.
 * Form: text as a plan's ("key value" lines, first line "lucie-stamp 1"), NUL-padded, last 32 bytes
 * BLAKE3 of the rest.
 */
#ifndef LUCIE_STAMP_H
#define LUCIE_STAMP_H

#include <stdbool.h>

#include "init/lib/plan-format.h"
#include "modules/lib/layout.h"

#define STAMP_OFFSET	((uint64_t)512 << 10)
#define STAMP_SIZE	((size_t)32 << 10)
#define STAMP_AREA	(2 * STAMP_SIZE)
#define UUID_TEXT	37
#define STAMP_WORK_TEXT 65

#define STAMP_MEMBERS_MAX 512

struct stamp_part {
	char mount[256]; /* as the layout's */
	enum layout_kind kind;
	enum layout_fs fs;
	uint64_t start, bytes; /* of a partition, and so is the next one */
	unsigned int number;
	enum layout_keep keep; /* it was there before */
	char uuid[UUID_TEXT];  /* of the file system or swap area; "" for raw and member */
	char options[128];     /* for fstab; of a raw partition its label */
	/* Of what lies on partitions, on each disk that it lies on. */
	char name[LAYOUT_TITLE_MAX]; /* "VG/NAME" of a logical volume */
	char device[UUID_TEXT];	     /* UUID of the array or the LUKS header; "" for vg and lv */
	char how[16];		     /* the level; "random" for a key that nobody has, "tpm2"; "" */
	char members[STAMP_MEMBERS_MAX]; /* words: DISK.NUMBER, or a name */
};

struct stamp {
	char site[17];
	char node[64];
	char install[PLAN_ID_MAX];
	char disk[32]; /* the layout's name of this disk */
	bool finished; /* finalize ran to its end */
	/* The journal (journal.h), until it is finished. */
	char work[STAMP_WORK_TEXT]; /* what the plan wants done */
	char done[128];		    /* modules, with commas; on the layout's first disk */
	char open[32];		    /* the module that must not be cut off now */
	enum layout_table table;
	char table_id[UUID_TEXT]; /* GPT disk GUID or MSDOS "0x12345678" */
	struct stamp_part parts[LAYOUT_PARTS_MAX];
	size_t part_count;
};

/* 0, -ENODATA (there is none), -EBADMSG (damaged), -errno. Pure decode below it for the fuzzer. */
int stamp_read(int fd, struct stamp *s);
int stamp_write(int fd, const struct stamp *s);
int stamp_decode(struct stamp *s, const void *bytes, size_t len);
int stamp_encode(const struct stamp *s, void *bytes, size_t len);

#endif
