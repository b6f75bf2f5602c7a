/* The guard: may this disk be written? A disk that is blank or carries our stamp may, any other
 * holds somebody's data. Reads only; module partition asks it before the first write, `lucie plan
 * --dry-run` without any. */
#ifndef LUCIE_GUARD_H
#define LUCIE_GUARD_H

#include <stdint.h>

#include "init/lib/str.h"
#include "modules/lib/table.h"

struct guard_disk {
	int fd; /* readable */
	uint64_t bytes;
	const struct table *table; /* as found */
};

/* Appends to `why` what forbids a site to write to the disk, nothing if nothing does. site: the
 * plan's, NULL where it is not known; then a stamp forbids too. -errno where the disk cannot be
 * read; not logged. */
int guard_judge(const struct guard_disk *d, const char *site, struct strbuf *why);

#endif
