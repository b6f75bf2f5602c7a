/* xfs, by mkfs.xfs and xfs_repair (xfs.img). */
#ifndef LUCIE_XFS_H
#define LUCIE_XFS_H

#include <stddef.h>

#define XFS_LABEL_MAX 12

/* label "": none. -errno; logged. */
int xfs_make(const char *path, const char *uuid, const char *label);

/* Replays the log (by a mount) and looks through it. 0: it was clean; 1: mended, `why` has
 * xfs_repair's words. -EUCLEAN: could not be mended; -errno; logged. */
int xfs_mend(const char *path, char *why, size_t len);

/* The kernel's driver, before a mount. */
void xfs_load(void);

#endif
