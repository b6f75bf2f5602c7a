/* A disk as it is found, and the layout fitted to it: what module partition decides before it
 * writes, and `lucie plan --dry-run` shows. Reads only. */
#ifndef LUCIE_SURVEY_H
#define LUCIE_SURVEY_H

#include "init/lib/str.h"
#include "modules/lib/layout.h"
#include "modules/lib/stamp.h"
#include "modules/lib/table.h"

struct survey {
	int fd; /* readable; the caller's */
	const char *path;
	uint64_t bytes;
	/* survey_read() */
	unsigned int sector;
	uint64_t optimal_io;
	struct table table; /* each partition looked into */
	struct stamp stamp;
	int stamp_read; /* what stamp_read() returned: 0, -ENODATA or -EBADMSG */
	bool blank;	/* no table, no signature, zeros where it was looked; a stamp aside */
};

/* With fd, path and bytes set. -errno; logged. */
int survey_read(struct survey *s);

/* Finds what the layout keeps on this disk and gives the other partitions their places. site: the
 * plan's, NULL where it is not known. -ENOSPC, -ENOENT, -EUCLEAN and why; not logged. */
int survey_place(const struct survey *s, struct layout *l, size_t disk, const char *site,
		 uint64_t ram, char *why, size_t why_len);

/* The guard's word (guard.h), for a layout that is placed. */
int survey_judge(const struct survey *s, const struct layout *l, size_t disk, const char *site,
		 struct strbuf *why);

#endif
