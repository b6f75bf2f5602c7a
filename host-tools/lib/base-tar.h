/* Passes over a base's tar: what is in it, and a cleaned copy of it. */
#ifndef LUCIE_BASE_TAR_H
#define LUCIE_BASE_TAR_H

#include <stdbool.h>
#include <stdint.h>

#include "init/lib/str.h"

struct archive;

struct base_contents {
	uint64_t entries, bytes; /* unpacked */
	bool has_init, has_kernel, has_initrd;
	struct strbuf packages;	      /* "NAME VERSION\n", sorted as dpkg has them; owned */
	struct base_listing *listing; /* of what is copied, or of all; NULL: nobody wants it */
};

typedef void base_progress_fn(const struct base_contents *so_far, void *arg);

/* Reads every entry of `in` to the end. With `out` (NULL: not) writes them to it, without what
 * belongs to one machine or can be fetched again. Logs with `name`; -errno. */
int base_tar_pass(struct archive *in, struct archive *out, const char *name,
		  struct base_contents *contents, base_progress_fn *progress, void *arg);

#endif
