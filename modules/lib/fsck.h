/* Looks through a file system that the installer did not make, before it is mounted. */
#ifndef LUCIE_FSCK_H
#define LUCIE_FSCK_H

#include <stddef.h>

/* ext4, by e2fsck (e2fsck.img): what is safe to mend is mended (-p), and where that is not enough
 * everything (-y). 0: it was clean; 1: mended, `why` has e2fsck's words. -EUCLEAN: could not be
 * mended; -errno; logged. */
int fsck_ext4(const char *path, char *why, size_t len);

#endif
