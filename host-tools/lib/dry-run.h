/* What a plan would do to disks, found out without a node and without a write: the eyes of module
 * partition (layout, guard, libfdisk, libblkid) on image files or disks opened read-only. */
#ifndef LUCIE_DRY_RUN_H
#define LUCIE_DRY_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/lib/plan-format.h"
#include "init/lib/str.h"

enum dry_run_result {
	DRY_RUN_SAME,	 /* no byte of a table, stamp or new file system would be written */
	DRY_RUN_CHANGES, /* they would, and the guard lets it */
	DRY_RUN_REFUSED, /* the node would refuse; out says why */
};

struct dry_run_options {
	uint64_t ram; /* bytes, for sizes like RAM*2 */
	bool explain; /* drawings of the disks before and after */
};

/* files[i]: the disk that the i-th `disk` line of the layout stands for; as many as there are.
 * Appends a description to out. One of enum dry_run_result, or -errno; logged. */
int dry_run(struct strbuf *out, const struct plan *plan, const char *const *files, size_t count,
	    const struct dry_run_options *options);

#endif
