/* The end of old stacks of storage, without the tools that made them: what the kernel holds on a
 * disk is taken down from the top (swap, LUKS, LVM, RAID), and what would bring it back to life is
 * erased. */
#ifndef LUCIE_TAKEDOWN_H
#define LUCIE_TAKEDOWN_H

#include "modules/lib/disk.h"

/* Takes down what lies on this disk; nothing is erased (an array that stops marks its members as
 * clean). -EBUSY where something is in use, as by a mount outside of the target, or is of a kind
 * that we do not know; logged. */
int takedown_disk(const struct disk *d);

/* Erases the signatures of what lay at this place of a disk, partition or array; bytes 0: all of it.
 * Superblocks of RAID at either end, labels of LVM, both headers of LUKS, file systems. Synced.
 * -errno; logged. */
int takedown_erase(const char *path, uint64_t start, uint64_t bytes);

/* The first device that holds this one in sysfs ("md127" for "vda2"), "" where there is none. */
#define TAKEDOWN_NAME_MAX 64
void takedown_holder(const char *name, char holder[TAKEDOWN_NAME_MAX]);

#endif
