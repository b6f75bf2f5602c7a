/* The plan's blobs: sources in the plan's order, progress in bytes, and unpacking while they come.
 */
#ifndef LUCIE_FETCH_H
#define LUCIE_FETCH_H

#include <stdbool.h>

#include "init/module.h"

struct fetch {
	const char *root;   /* of the blob, hex */
	const char *format; /* "tar.zst" ... */
	const char *what;   /* for progress and messages */
	const struct plan_section
		*sources; /* its `source` lines come before the plan's servers; may be NULL */
	bool overlay;	  /* as in struct extract_source */
};

/* Unpacks the blob into the context's target. -errno; logged. */
int fetch_unpack(struct module_context *ctx, const struct fetch *f);

/* "HEX" of a root, for module checks. */
bool fetch_is_root(const char *s);

#endif
