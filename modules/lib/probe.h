/* What lies on a disk or a partition, by libblkid; and the removal of what it would find. */
#ifndef LUCIE_PROBE_H
#define LUCIE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/lib/str.h"

/* Appends what is found in [start, start + bytes), bytes 0: to the end, in words ("ext4 labelled
 * 'home' at byte 1080"), nothing if nothing is. *contents: how many of these are something else
 * than a GPT or MSDOS table. -errno; not logged. */
int probe_describe(int fd, uint64_t start, uint64_t bytes, struct strbuf *out,
		   unsigned int *contents);

/* What one partition holds. */
struct probe_content {
	char type[32]; /* as libblkid names it: "ext4", "linux_raid_member"; "": nothing known */
	char label[64], uuid[64];
	bool several; /* signatures that contradict each other */
};

/* Of [start, start + bytes). -errno; not logged. */
int probe_content(int fd, uint64_t start, uint64_t bytes, struct probe_content *c);

/* 1: the first and the last MiB and samples between, where partitions begin, are zero, the range
 * [skip, skip + skip_len) aside. 0: something is there, at the byte *where. -errno; not logged. */
int probe_is_zero(int fd, uint64_t bytes, uint64_t skip, uint64_t skip_len, uint64_t *where);
/* The same of [start, start + bytes), all of which is there. */
int probe_part_is_zero(int fd, uint64_t start, uint64_t bytes, uint64_t *where);

/* UUID of the file system or swap area; "" if there is none. -errno; not logged. */
int probe_uuid(const char *path, char *uuid, size_t len);

/* Zeroes [start, start + bytes). Not synced; not logged. */
int probe_zero(int fd, uint64_t start, uint64_t bytes);
/* Zeroes both ends of the range, 1 MiB each: every signature that libblkid knows lies there. Not
 * synced; not logged. */
int probe_zero_ends(int fd, uint64_t start, uint64_t bytes);

#endif
