/* The initramfs of the installed system: made by its own update-initramfs, and at most once in an
 * installation, as it takes longer than most of the rest. */
#ifndef LUCIE_TARGET_INITRAMFS_H
#define LUCIE_TARGET_INITRAMFS_H

#include <stdbool.h>

#include "modules/lib/volume.h"

#define INITRAMFS_SECONDS 1700 /* without a word, on a slow machine */

/* NULL, or the encrypted device that / or /usr lies on: the initramfs has to know it from crypttab,
 * and so is made only after that is written. */
const struct volume *target_initramfs_opens(const struct volumes *v);

/* For every kernel in /boot, or only for those that have none. Nothing where the target has no
 * update-initramfs. Call between target_enter() and target_leave(). -errno; logged. */
int target_initramfs(const char *target, bool all);

/* With the base's support for encrypted roots, whose absence is an error. device: what
 * target_initramfs_opens() says. Enters and leaves the target. -errno; logged. */
int target_initramfs_encrypted(const char *target, const struct volume *device);

#endif
