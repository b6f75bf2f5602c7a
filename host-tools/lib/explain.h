/* Drawings of disks in plain characters: as they are found, and as a layout leaves them. */
#ifndef LUCIE_EXPLAIN_H
#define LUCIE_EXPLAIN_H

#include <stdint.h>

#include "init/lib/plan-format.h"
#include "init/lib/str.h"
#include "modules/lib/layout.h"
#include "modules/lib/survey.h"

void explain_found(struct strbuf *out, const struct layout *l, size_t disk,
		   const struct survey *found);

/* The layout is placed on a disk of this size. */
void explain_layout(struct strbuf *out, const struct layout *l, size_t disk, uint64_t disk_bytes);

/* What lies on the partitions, a line each; nothing where there is nothing. */
void explain_devices(struct strbuf *out, const struct layout *l);

/* The layout of a plan on the smallest disks that it fits. -EINVAL, -ENOSPC; logged. */
int explain_smallest(struct strbuf *out, const struct plan *plan, uint64_t ram);

#endif
