/* Making ext4 file systems and swap areas on partitions, without external programs. */
#ifndef LUCIE_EXT4_H
#define LUCIE_EXT4_H

#include <stdbool.h>
#include <stdint.h>

/* As `mke2fs -t ext4` would with its defaults, inode tables and journal left to the kernel to zero.
 * uuid: text form; label: "" for none. Synced. -errno; logged. */
int ext4_make(const char *path, uint64_t bytes, const char *uuid, const char *label);

/* 0: cleanly unmounted, nothing to recover. -EUCLEAN or -errno; logged. */
int ext4_check_clean(const char *path);

/* A swap area over the whole partition. Synced. -errno; logged. */
int swap_make(const char *path, uint64_t bytes, const char *uuid, const char *label);

#endif
