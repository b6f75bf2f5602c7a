/* Which partitions of a disk the layout preserves or reuses, and the proof that they are those. */
#ifndef LUCIE_KEEP_H
#define LUCIE_KEEP_H

#include "modules/lib/layout.h"
#include "modules/lib/stamp.h"
#include "modules/lib/table.h"

/* A disk as it was found, each partition looked into (table_probe()). */
struct keep_disk {
	const struct table *table;
	const struct stamp *stamp; /* ours; NULL if there is none */
	bool blank;		   /* no table, no signature, zeros where it was looked */
};

/* True if the layout keeps something on this disk. */
bool keep_wanted(const struct layout *l, size_t disk);

/* Finds them: sets number, place and `kept`, before layout_place(). On a disk that is blank, they are
 * new. -ENOENT, -EUCLEAN: they are not as the layout says, and nothing may be written; `why` says
 * what was expected. Pure. */
int keep_find(struct layout *l, size_t disk, const struct keep_disk *found, char *why,
	      size_t why_len);

/* True if a partition of the disk is one that the layout keeps. */
bool keep_has(const struct layout *l, size_t disk, unsigned int number);
/* True if [start, start + bytes) of the disk has something in common with one of these. */
bool keep_meets(const struct layout *l, size_t disk, uint64_t start, uint64_t bytes);

#endif
