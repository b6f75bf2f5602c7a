/* The stamp of a disk before anything on it is made: it knows everything, so that what is made can
 * be found whenever the power goes. */
#ifndef LUCIE_STAMP_PLAN_H
#define LUCIE_STAMP_PLAN_H

#include "modules/lib/stamp.h"

/* What each part of a layout will be known by. */
struct stamp_ids {
	char fs[LAYOUT_PARTS_MAX][UUID_TEXT];	  /* file system or swap area */
	char device[LAYOUT_PARTS_MAX][UUID_TEXT]; /* array or LUKS header */
};

/* New ones for all that is new. What is kept has to be filled in. */
void stamp_new_ids(struct stamp_ids *ids, const struct layout *l);

/* Sets disk and parts of the stamp of this disk: its partitions, and what lies on them. Pure. */
void stamp_plan(struct stamp *s, const struct layout *l, size_t disk, const struct stamp_ids *ids);

#endif
