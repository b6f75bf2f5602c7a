/* The disk layout of a plan: `[layout]` lines in order, as in the definition's disk_layout
 * (cluster.conf(5)).
 *
 *	disk NAME SELECTOR [table=gpt|msdos]
 *	partition MOUNT SIZE FS [OPTION...]                      of the disk above it
 *	raid NAME LEVEL MEMBER... [spare=MEMBER,...] [chunk=SIZE]
 *	luks NAME MEMBER [key=plan|random|tpm2]
 *	vg NAME MEMBER...
 *	lv VG NAME MOUNT SIZE FS [OPTION...]
 *	filesystem MOUNT DEVICE FS [OPTION...]                   of a raid or luks by its name
 *
 * SELECTOR: disk1 (the n-th fixed disk, in stable order), /dev/NAME, /dev/disk/by-id/GLOB,
 * /dev/disk/by-path/GLOB, serial=TEXT, model=GLOB, size>SIZE, transport=KIND.
 * MOUNT: an absolute path, `swap`, or `-` (made, not mounted). SIZE: 512M, 20%, 2G-8G,
 * 8G- (grows), RAM*2, `-` (as found). FS: ext4, xfs, vfat, swap, raw, member (of a raid, luks or vg).
 * MEMBER: DISK.N, the N-th partition line of that disk, or the name of a raid or luks above.
 * OPTION: label= mount= features= reserved= preserve[=HOW] reuse[=HOW] logical.
 * vfat at /boot/efi or /efi is the EFI system partition; with a digit behind it, 2 to 9, that of a
 * further disk.
 *
 * Parsing and sizing are pure, so that `lucie check`, tests and fuzzers run them; nothing here
 * touches a disk. Parts: layout-parse.c (lines), layout-stack.c (lines of stacked devices),
 * layout-check.c (what only the whole shows), layout-place.c (sizes and places).
 */
#ifndef LUCIE_LAYOUT_H
#define LUCIE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/lib/plan-format.h"

#define LAYOUT_DISKS_MAX   16
#define LAYOUT_PARTS_MAX   64
#define LAYOUT_MEMBERS_MAX 32
#define LAYOUT_NAME_MAX	   32
#define LAYOUT_ALIGN                                                                               \
	((uint64_t)1 << 20) /* bytes; also the size of the area before the first partition */
#define LAYOUT_EXTENT  ((uint64_t)4 << 20) /* logical volumes come in these */
#define LAYOUT_NO_DISK ((size_t)LAYOUT_DISKS_MAX)

enum layout_table { TABLE_GPT, TABLE_MSDOS };
enum layout_fs { FS_EXT4, FS_VFAT, FS_SWAP, FS_RAW, FS_XFS, FS_MEMBER, FS_COUNT };
enum layout_selector {
	SELECT_NTH,
	SELECT_PATH,
	SELECT_SERIAL,
	SELECT_MODEL,
	SELECT_LARGER,
	SELECT_LINK, /* /dev/disk/by-id/GLOB, /dev/disk/by-path/GLOB */
	SELECT_TRANSPORT
};
/* What a line of the layout makes. */
enum layout_kind { PART_DISK, PART_RAID, PART_LUKS, PART_VG, PART_LV };
enum layout_keep { KEEP_NOTHING, KEEP_PLACE, KEEP_CONTENT }; /* reuse, preserve */
enum layout_find { FIND_BY_WHAT_IS_GIVEN, FIND_NUMBER, FIND_LABEL, FIND_FS };
enum layout_key { KEY_PLAN, KEY_RANDOM, KEY_TPM2 };

struct layout_disk {
	char name[LAYOUT_NAME_MAX];
	enum layout_selector selector;
	char pattern[128]; /* PATH, SERIAL, MODEL, LINK, TRANSPORT */
	uint64_t number;   /* NTH: 1..; LARGER: bytes */
	enum layout_table table;
	unsigned int line; /* in the plan or the definition, for messages */
	/* layout_geometry() */
	unsigned int sector; /* bytes */
	uint64_t align;	     /* bytes */
	/* set by layout_place(); bytes 0: the table needs none */
	struct layout_extended {
		unsigned int number;
		uint64_t start, bytes;
		bool kept; /* as found, by layout_keep() */
	} extended;
};

struct layout_size {
	uint64_t min, max;	   /* bytes; max 0: grows without limit */
	unsigned int percent;	   /* of the disk or volume group; 0: not used */
	unsigned int ram_multiple; /* of RAM; 0: not used */
	bool as_found;		   /* '-': of what is kept */
};

/* A piece of storage: a partition, or what is made of several of them. */
struct layout_part {
	enum layout_kind kind;
	size_t disk;		    /* index; LAYOUT_NO_DISK of what is not a partition */
	char name[LAYOUT_NAME_MAX]; /* of what is no partition */
	char mount[256];
	struct layout_size size; /* PART_DISK, PART_LV */
	enum layout_fs fs;	 /* FS_MEMBER of a vg and of what others lie on */
	char label[17];
	char options[128];	  /* for fstab; "" : defaults */
	char features[64];	  /* of ext4, as mke2fs -O has them; "" : defaults */
	int reserved;		  /* percent of the blocks of ext4 for root; -1: default */
	bool logical;		  /* in the extended partition of an msdos table */
	enum layout_keep keep;	  /* PART_DISK */
	enum layout_find find;	  /* how what is kept is found */
	unsigned int find_number; /* FIND_NUMBER; 0: that of the line */
	unsigned int level;	  /* PART_RAID */
	uint64_t chunk;		  /* PART_RAID, bytes; 0: default */
	size_t spares;		  /* PART_RAID: the last of its members */
	enum layout_key key;	  /* PART_LUKS */
	unsigned int line;
	size_t member_count;		     /* what it lies on; of an lv its vg */
	uint8_t members[LAYOUT_MEMBERS_MAX]; /* indices, each smaller than its own */
	bool used;			     /* a member of another */
	/* set by layout_place() or layout_keep() */
	bool kept;	       /* it is there, and stays */
	unsigned int number;   /* PART_DISK: 1.. on its disk */
	uint64_t start, bytes; /* bytes; of an lv only the size */
};

struct layout {
	struct layout_disk disks[LAYOUT_DISKS_MAX];
	size_t disk_count;
	struct layout_part parts[LAYOUT_PARTS_MAX]; /* each lies on earlier ones only */
	size_t part_count;
};

/* True for the key of a line of a layout. */
bool layout_is_line(const char *key);

/* -EINVAL; `error` is called once for each thing that is wrong, with the line's number. */
typedef void layout_error_fn(unsigned int line, const char *message, void *arg);
int layout_parse(struct layout *l, const struct plan_section *section, layout_error_fn *error,
		 void *arg);

/* The sectors of a disk, and the size of the requests that it likes best (0: unknown). Without it:
 * 512 bytes, LAYOUT_ALIGN. */
void layout_geometry(struct layout *l, size_t disk, unsigned int sector, uint64_t optimal_io);

/* Gives every partition of disk `disk` its start and size; all aligned, 1 MiB left free at both
 * ends. Those that are kept stay; lines between two of them share the space between them. -ENOSPC
 * (why says what needs how much). */
int layout_place(struct layout *l, size_t disk, uint64_t disk_bytes, uint64_t ram_bytes, char *why,
		 size_t why_len);
/* Gives every logical volume of a volume group of this size its size. -ENOSPC as above. */
int layout_place_vg(struct layout *l, size_t vg, uint64_t bytes, uint64_t ram_bytes, char *why,
		    size_t why_len);

/* Index of the raw partition with this label; -1: there is none, or more than one. */
int layout_find_raw(const struct layout *l, const char *label);
/* Index of what holds this path's file system; -1: nothing does. */
int layout_find_mount(const struct layout *l, const char *path);

/* True if the layout makes one of these. */
bool layout_has_kind(const struct layout *l, enum layout_kind kind);
bool layout_has_fs(const struct layout *l, enum layout_fs fs);

/* True if `part` lies on partitions of this disk, whatever is between. */
bool layout_is_on(const struct layout *l, size_t part, size_t disk);
/* True if what reads the members of this array by themselves has to find a file system at their
 * start: a boot loader or the firmware. */
bool layout_raid_boots(const struct layout *l, size_t raid);

/* "sys.2" of a partition, "VG/NAME" of a logical volume, else the name. */
#define LAYOUT_TITLE_MAX (2 * LAYOUT_NAME_MAX + 8)
const char *layout_title(const struct layout *l, size_t part, char buf[LAYOUT_TITLE_MAX]);

/* The smallest partition for a file system. */
uint64_t layout_fs_min(enum layout_fs fs);
const char *layout_fs_name(enum layout_fs fs);
/* False, with *fs FS_EXT4, where there is none of that name. */
bool layout_fs_parse(enum layout_fs *fs, const char *name);
const char *layout_kind_name(enum layout_kind kind); /* as in the lines */

/* What UEFI firmware boots from, by file system and mount point. */
bool layout_is_esp(enum layout_fs fs, const char *mount);

#endif
