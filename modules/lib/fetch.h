/* The plan's blobs: sources in the plan's order, progress in bytes, and unpacking while they come.
 */
#ifndef LUCIE_FETCH_H
#define LUCIE_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "init/lib/plan-format.h"

struct module_context;

struct fetch {
	const struct plan *plan;	    /* its `blobs`, or `server`s, are sources */
	const struct plan_section *sources; /* its ring and its `source` lines come before them (may
					       be NULL) */
	const char *root;		    /* of the blob, hex */
	const char *format;		    /* "tar.zst" ... */
	const char *what;		    /* for messages */
	const char *target;
	bool overlay; /* this one and `wanted` as in struct extract_source */
	bool (*wanted)(void *arg, const char *path);
	void *wanted_arg;
	struct module_context *ctx;
	void (*progress)(struct module_context *ctx, uint64_t done, uint64_t total,
			 const char *what); /* module_progress() */
};

/* Unpacks the blob into the target; -ECANCELED when module_cancelled(). -errno; logged. */
int fetch_unpack(const struct fetch *f);

/* The whole blob, of at most max bytes, malloc'ed and NUL-terminated. -EFBIG, -errno; logged. */
int fetch_text(const struct fetch *f, size_t max, char **out, size_t *len);

/* Is this a blob's root: 64 hex digits? */
bool fetch_is_root(const char *s);

#endif
