/* Making FAT32 file systems, which UEFI firmware boots from. */
#ifndef LUCIE_VFAT_H
#define LUCIE_VFAT_H

#include <stdint.h>

#define VFAT_BYTES_MIN ((uint64_t)64 << 20) /* fewer clusters would be FAT16 to the firmware */
#define VFAT_LABEL_MAX 11
#define VFAT_UUID_TEXT 10 /* "1234-ABCD" */

/* An id as libblkid shows it. */
void vfat_new_uuid(char uuid[VFAT_UUID_TEXT]);

/* uuid: of vfat_new_uuid(); label: "" for none, small letters become capitals. What the root
 * directory and the tables had is zeroed. Synced. -EINVAL, -errno; logged. */
int vfat_make(const char *path, uint64_t bytes, const char *uuid, const char *label);

#endif
