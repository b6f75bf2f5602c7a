/* The guard: may this disk be written? A disk that is blank or carries our stamp may, any other
 * holds somebody's data, unless the layout names each partition of it as one to be kept. Reads only; module partition asks it before the first write, `lucie plan
 * --dry-run` without any. */
#ifndef LUCIE_GUARD_H
#define LUCIE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "init/lib/str.h"
#include "modules/lib/table.h"

struct guard_disk {
	int fd; /* readable */
	uint64_t bytes;
	const struct table *table; /* as found */
	/* Whose kept partitions (keep.h) are found, and the disk's index; NULL: nothing is kept. */
	const struct layout *layout;
	size_t index;
};

/* Appends to `why` what forbids a site to write to the disk, nothing if nothing does. site: the
 * plan's, NULL where it is not known; then a stamp forbids too. -errno where the disk cannot be
 * read; not logged. */
int guard_judge(const struct guard_disk *d, const char *site, struct strbuf *why);

/* Whether there is no table, no signature, and nothing where it was looked, our stamp aside. -errno;
 * not logged. */
int guard_is_blank(const struct guard_disk *d, bool *blank);

#endif
