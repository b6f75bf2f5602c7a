/* Software RAID, by mdadm (raid.img); names of nodes need no udev. */
#ifndef LUCIE_RAID_H
#define LUCIE_RAID_H

#include "modules/lib/disk.h"

struct raid {
	const char *name;
	const char *uuid;	    /* as libblkid writes that of a member: 8-4-4-4-12 */
	unsigned int level;	    /* 0, 1, 5, 6, 10 */
	const char *metadata;	    /* "1.0": at the end of the members, "1.2": near their start */
	uint64_t chunk;		    /* bytes; 0: mdadm's default */
	const char *const *members; /* devices, spares last */
	size_t count, spares;
};

/* Makes the array, starts it and erases what an earlier one left in it. A resync goes on behind the
 * installation and over the next boot. All: 0 with the array's device in path, -errno; logged. */
int raid_create(const struct raid *r, char path[DISK_PATH_MAX]);

/* Starts an array that is there, also with a member missing. One that runs is only found. */
int raid_assemble(const char *name, const char *uuid, const char *const *members, size_t count,
		  char path[DISK_PATH_MAX]);

#endif
