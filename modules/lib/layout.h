/* The disk layout of a plan: `[layout]` lines in order, as in the definition's disk_layout
 * (cluster.conf(5)).
 *
 *	disk NAME SELECTOR [table=gpt|msdos]
 *	partition MOUNT SIZE FS [label=TEXT] [mount=OPTIONS]     of the disk above it
 *
 * SELECTOR: disk1 (the n-th fixed disk, in stable order), /dev/NAME, serial=TEXT, model=GLOB,
 * size>SIZE. MOUNT: an absolute path, `swap`, or `-` (made, not mounted). SIZE: 512M, 20%, 2G-8G,
 * 8G- (grows), RAM*2. FS: ext4, vfat, swap, raw. vfat at /boot/efi or /efi is the EFI system
 * partition. Parsing and sizing are pure, so that `lucie check`, tests
 * and fuzzers run them; nothing here touches a disk.
 */
#ifndef LUCIE_LAYOUT_H
#define LUCIE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/lib/plan-format.h"

#define LAYOUT_DISKS_MAX 16
#define LAYOUT_PARTS_MAX 64
#define LAYOUT_ALIGN                                                                               \
	((uint64_t)1 << 20) /* bytes; also the size of the area before the first partition */

enum layout_table { TABLE_GPT, TABLE_MSDOS };
enum layout_fs { FS_EXT4, FS_VFAT, FS_SWAP, FS_RAW, FS_COUNT };
enum layout_selector { SELECT_NTH, SELECT_PATH, SELECT_SERIAL, SELECT_MODEL, SELECT_LARGER };

struct layout_disk {
	char name[32];
	enum layout_selector selector;
	char pattern[128]; /* PATH, SERIAL, MODEL */
	uint64_t number;   /* NTH: 1..; LARGER: bytes */
	enum layout_table table;
	unsigned int line; /* in the plan or the definition, for messages */
};

struct layout_size {
	uint64_t min, max;	   /* bytes; max 0: grows without limit */
	unsigned int percent;	   /* of the disk; 0: not used */
	unsigned int ram_multiple; /* of RAM; 0: not used */
};

struct layout_part {
	size_t disk; /* index */
	char mount[256];
	struct layout_size size;
	enum layout_fs fs;
	char label[17];
	char options[128]; /* for fstab; "" : defaults */
	unsigned int line;
	/* set by layout_place() */
	unsigned int number;   /* 1.. on its disk */
	uint64_t start, bytes; /* bytes */
};

struct layout {
	struct layout_disk disks[LAYOUT_DISKS_MAX];
	size_t disk_count;
	struct layout_part parts[LAYOUT_PARTS_MAX];
	size_t part_count;
};

/* -EINVAL; `error` is called once for each thing that is wrong, with the line's number. */
typedef void layout_error_fn(unsigned int line, const char *message, void *arg);
int layout_parse(struct layout *l, const struct plan_section *section, layout_error_fn *error,
		 void *arg);

/* Gives every partition of disk `disk` its start and size; all aligned to LAYOUT_ALIGN, 1 MiB left
 * free at both ends. -ENOSPC (why says what needs how much). */
int layout_place(struct layout *l, size_t disk, uint64_t disk_bytes, uint64_t ram_bytes, char *why,
		 size_t why_len);

/* Index of the raw partition with this label; -1: there is none, or more than one. */
int layout_find_raw(const struct layout *l, const char *label);

const char *layout_fs_name(enum layout_fs fs);
/* False, with *fs FS_EXT4, where there is none of that name. */
bool layout_fs_parse(enum layout_fs *fs, const char *name);

/* What UEFI firmware boots from, by file system and mount point. */
bool layout_is_esp(enum layout_fs fs, const char *mount);

#endif
