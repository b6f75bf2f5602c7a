/* Making ext4 file systems and swap areas on partitions, without external programs. */
#ifndef LUCIE_EXT4_H
#define LUCIE_EXT4_H

#include <stdbool.h>
#include <stdint.h>

struct ext4_spec {
	const char *uuid;     /* text form */
	const char *label;    /* "": none */
	const char *features; /* "^metadata_csum,large_dir", from the defaults; "": these */
	int reserved;	      /* percent of the blocks for root; -1: the default */
};

/* As `mke2fs -t ext4` would with its defaults, inode tables and journal left to the kernel to zero.
 * Synced. -errno; logged. */
int ext4_make(const char *path, uint64_t bytes, const struct ext4_spec *spec);

/* True if every word of the list is a feature that can be switched. */
bool ext4_features_known(const char *list);

/* 0: cleanly unmounted, nothing to recover. -EUCLEAN or -errno; logged. */
int ext4_check_clean(const char *path);

/* A swap area over the whole partition. Synced. -errno; logged. */
int swap_make(const char *path, uint64_t bytes, const char *uuid, const char *label);

#endif
