/* How a system differs from what was installed: its base's listing, which the signed plan names by
 * its root, and over it the record that the installation left of what it changed (record.h). */
#ifndef LUCIE_DRIFT_H
#define LUCIE_DRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/lib/str.h"
#include "modules/lib/listing.h"
#include "modules/lib/census.h"

enum drift_kind {
	DRIFT_MISSING = 1,
	DRIFT_TYPE = 2,
	DRIFT_CONTENT = 4,
	DRIFT_MODE = 8,
	DRIFT_OWNER = 16,
	DRIFT_XATTRS = 32,
	DRIFT_UNREADABLE = 64, /* with `error` */
};

struct drift_item {
	const struct listing_entry *want;
	bool recorded; /* by the installation: the base has another or none */
	unsigned int what;
	int error;
};

struct drift {
	struct listing base, record;
	struct drift_item *items; /* in the order of the base's tar, which is about the disk's */
	size_t count;
	uint64_t total;	       /* bytes of all files */
	size_t different;      /* items that are, after drift_compare() */
	_Atomic uint64_t read; /* bytes */
	_Atomic size_t swept; /* files whose content was read where it lies on the disk (sweep.h) */
};

/* Fetches the listing that the module's section of the plan names (`base`, `listing`), and reads
 * the record. -ESTALE: the node was installed from another base. Logs; -errno. */
int drift_open(struct drift *d, const struct census_job *job);
void drift_free(struct drift *d);

/* Looks at every item, with several threads, for a disk wants more than one request at a time; with
 * `again` only at those that were different. Where the file system is mounted read-only, content is
 * read past it (sweep.h); that something differs is always the word of the file system. Shows
 * progress in bytes. Logs; -errno. */
int drift_compare(struct drift *d, const struct census_job *job, bool again);

/* "'/usr/bin/ls': content, mode" */
void drift_describe(const struct drift_item *item, struct strbuf *out);
/* Of an item that is different: "missing", "changed" or "unreadable". */
const char *drift_word(const struct drift_item *item);

/* An entry of a listing by its path: index made once, asked often. */
struct listing_index {
	const struct listing_entry **sorted;
	size_t count;
};
/* -ENOMEM. Of two with one path the later one counts. */
int listing_index_make(struct listing_index *x, const struct listing *l);
/* NULL. */
const struct listing_entry *listing_index_find(const struct listing_index *x, const char *path);
void listing_index_free(struct listing_index *x);

#endif
