/* What the installed system has to know to find its file systems. */
#ifndef LUCIE_TARGET_STORAGE_H
#define LUCIE_TARGET_STORAGE_H

#include "modules/lib/volume.h"

/* Writes /etc/fstab, and /etc/crypttab and /etc/mdadm/mdadm.conf where there is something for them.
 * -errno; logged. */
int target_storage(const char *target, const struct volumes *v);

#endif
