/* The file systems and swap areas that partition made, found again: plan -> disk -> stamp ->
 * partition -> UUID. Nothing is assumed that the disk itself does not prove. */
#ifndef LUCIE_VOLUME_H
#define LUCIE_VOLUME_H

#include "init/lib/plan-format.h"
#include "modules/lib/disk.h"
#include "modules/lib/layout.h"
#include "modules/lib/stamp.h"

struct volume {
	size_t disk;		  /* index into disks; of what lies on several, the first */
	uint32_t disks;		  /* a bit for each that it lies on */
	char path[DISK_PATH_MAX]; /* "" of a volume group */
	struct stamp_part part;
};

struct volumes {
	size_t disk_count;
	struct disk disks[LAYOUT_DISKS_MAX];
	struct stamp stamps[LAYOUT_DISKS_MAX];
	size_t count;
	struct volume list[LAYOUT_PARTS_MAX]; /* in mount order: a path comes after those that it
						 lies in */
};

/* The [layout] of the plan; -EINVAL, logged. */
int volume_layout(const struct plan *plan, struct layout *l);

/* True if the plan's list of modules has this one. */
bool volume_plan_runs(const struct plan *plan, const char *module);

/* What lies on several partitions is brought up. *out is malloc'ed, the caller's to free. Mount options are the plan's where it has the mount
 * point, else those of the stamp. -ENODATA where a disk has no stamp, -ENXIO, -EUCLEAN where site,
 * node or UUID are others, or the installation although this plan partitions; logged. */
int volumes_find(const struct plan *plan, struct volumes **out);

/* True while this plan installs (partition or extrbase), of a preserved file system that the installation itself has no need
 * of: it is not mounted then, and so not one bit of it changes. */
bool volume_is_left_alone(const struct plan *plan, const struct volume *v);

/* Everything that was written to the file systems below the target is on the disk. -errno; logged. */
int volumes_sync(const struct volumes *v, const char *target);

/* The raw partition that was made with this label, as the stamps say; NULL where there is none or
 * more than one. */
const struct volume *volume_raw(const struct volumes *v, const char *label);

/* The volume of this name (stamp_part.name), or the partition "DISK.NUMBER"; NULL if there is none. */
const struct volume *volume_named(const struct volumes *v, const char *name);

/* The volume on which this absolute path lies; NULL if there is none. */
const struct volume *volume_of(const struct volumes *v, const char *path);

#endif
