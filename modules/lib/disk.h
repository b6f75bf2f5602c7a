/* The disks of this machine: finding them in sysfs, choosing what a layout means, and the device of
 * a partition.
 *
 * Nothing here guesses or writes. A removable medium or a disk behind USB is chosen only where the
 * layout names it by path, udev's name, serial number or transport.
 */
#ifndef LUCIE_DISK_H
#define LUCIE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "modules/lib/layout.h"

#define DISK_PATH_MAX 96
#define DISK_NAME_MAX 64
#define DISK_WAIT_MS  10000 /* for the device of a partition to appear */

struct disk {
	char name[DISK_NAME_MAX]; /* as in /sys/block */
	char path[DISK_PATH_MAX];
	char place[256]; /* in the machine: the device's path in sysfs */
	dev_t dev;
	uint64_t bytes;
	char serial[64], model[64], wwid[64]; /* "" where the hardware does not say */
	unsigned int port;		      /* of its ATA controller, 1..; 0: none */
	bool fixed;
};

/* Hardware disks, ordered by their place in the machine and not by the order in which drivers came
 * up. *disks is malloc'ed, the caller's to free. -errno; logged. */
int disk_list(struct disk **disks, size_t *count);

/* How it is attached: nvme, sata, sas, scsi, virtio, usb, mmc; "" if none of these. Pure. */
const char *disk_transport(const struct disk *d);
/* True if a name of udev's, in /dev/disk/by-id or /dev/disk/by-path, fits the pattern. Pure. */
bool disk_has_link(const struct disk *d, const char *pattern);

/* The disk of every `disk` line of the layout, out[i] for disks[i]; no disk twice. -ENODEV,
 * -EEXIST, -errno; logged. */
int disk_select(const struct layout *l, struct disk out[LAYOUT_DISKS_MAX]);

/* The kernel's name of a block device, which may have another in /dev: "dm-0", "vda2". False where there
 * is none. */
bool disk_kernel_name(const char *path, char name[DISK_NAME_MAX]);

/* Device of the partition at start with this size; waits until it is there, bounded. -ENXIO;
 * logged. */
int disk_partition(const struct disk *d, uint64_t start, uint64_t bytes, char path[DISK_PATH_MAX]);

/* Calls fn for every partition that the kernel knows on this disk. Stops at a result that is not 0
 * and returns it. */
struct disk_partition {
	char path[DISK_PATH_MAX];
	dev_t dev;
	unsigned int number;
	uint64_t start, bytes;
};
typedef int disk_partition_fn(const struct disk_partition *p, void *arg);
int disk_each_partition(const struct disk *d, disk_partition_fn *fn, void *arg);

#endif
