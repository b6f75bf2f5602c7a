/* Making what a line of a layout says on a block device. */
#ifndef LUCIE_FORMAT_H
#define LUCIE_FORMAT_H

#include <stdint.h>

#include "modules/lib/layout.h"

/* The file system or swap area of this part; swap is switched on. -errno; logged. */
int format_make(const char *path, const struct layout_part *part, const char *uuid);

#endif
