/* What module partition does, as a list made before anything is written: the module executes it,
 * `lucie plan --dry-run` prints it. Pure. */
#ifndef LUCIE_STEPS_H
#define LUCIE_STEPS_H

#include "init/lib/str.h"
#include "modules/lib/layout.h"

enum step_kind {
	STEP_TAKE_DOWN, /* of a disk: what the kernel holds on it */
	STEP_TABLE,	/* of a disk: a new table */
	STEP_EDIT,	/* of a disk: its table, around what is kept */
	STEP_KEEP,	/* a partition that stays: nothing is done */
	STEP_WIPE,	/* old signatures of a partition */
	STEP_RAID,
	STEP_LUKS, /* header, and opened */
	STEP_VG,   /* physical volumes, then the group */
	STEP_LV,
	STEP_FORMAT /* file system or swap area */
};

#define STEPS_MAX (2 * LAYOUT_DISKS_MAX + 3 * LAYOUT_PARTS_MAX)

struct step {
	enum step_kind kind;
	size_t index; /* of the disk or the part */
};

struct steps {
	struct step list[STEPS_MAX];
	size_t count;
};

/* In the order in which they are to be done. The layout is placed. */
void steps_make(struct steps *s, const struct layout *l);

/* Appends one line about a step, without its end. paths: of the disks. */
void steps_describe(struct strbuf *out, const struct layout *l, const struct step *step,
		    const char *const paths[LAYOUT_DISKS_MAX]);

/* True if a partition of the disk stays as it is. */
bool steps_edits(const struct layout *l, size_t disk);

/* What arrays, encrypted devices, groups and volumes will have, about: their headers are theirs to
 * choose. Sets `bytes`; -ENOSPC as layout_place_vg(). */
int steps_estimate(struct layout *l, uint64_t ram, char *why, size_t why_len);

#endif
