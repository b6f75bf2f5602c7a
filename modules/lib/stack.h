/* What lies on partitions: arrays, encrypted devices, volume groups and volumes, made by the lines of a
 * layout and found again by the stamp. The tools are those of raid.h, luks.h and lvm.h. */
#ifndef LUCIE_STACK_H
#define LUCIE_STACK_H

#include "init/lib/plan-format.h"
#include "modules/lib/disk.h"
#include "modules/lib/layout.h"
#include "modules/lib/stamp.h"

/* Makes part `index`, whose members are made; paths[] of all parts, of which its own is set ("" of a
 * vg). A vg gives its volumes their sizes in l. device: the UUID that it gets. -errno; logged. */
int stack_make(struct layout *l, size_t index, const struct plan *plan, uint64_t ram,
	       const char *device, char paths[LAYOUT_PARTS_MAX][DISK_PATH_MAX]);

/* Brings up what a stamp tells of, where it is not: members are the devices of its members. What has
 * a random key is only named. -errno; logged. */
int stack_open(const struct stamp_part *p, const struct plan *plan, const char *const *members,
	       size_t count, char path[DISK_PATH_MAX]);

#endif
