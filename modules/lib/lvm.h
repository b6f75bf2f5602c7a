/* Volume groups, by lvm (lvm.img). Only the members that are named are looked at. */
#ifndef LUCIE_LVM_H
#define LUCIE_LVM_H

#include "modules/lib/disk.h"

/* Makes the members physical volumes and the group of them, extents of 4 MiB. -errno; logged. */
int lvm_create_vg(const char *vg, const char *const *members, size_t count);

/* Makes a volume and erases what an earlier one left at its ends; bytes: a multiple of the extent.
 * path is its device. -errno; logged. */
int lvm_create_lv(const char *vg, const char *lv, uint64_t bytes, const char *const *members,
		  size_t count, char path[DISK_PATH_MAX]);

/* Free space, in whole extents. -errno; logged. */
int lvm_vg_bytes(const char *vg, const char *const *members, size_t count, uint64_t *bytes);

/* 0 also where it is so. -errno; logged. */
int lvm_activate(const char *vg, const char *const *members, size_t count);

/* /dev/mapper/VG-LV, each '-' of the names doubled. */
void lvm_path(const char *vg, const char *lv, char path[DISK_PATH_MAX]);

#endif
