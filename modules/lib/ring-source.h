/* The ring as a source of a blob: what comes over it goes into a folder on the target's disk, where
 * other nodes may take it from, and from there, once verified, to the reader of the blob. The
 * folder is gone when the ring has let this node go.
 *
 *	ring MASTER:PORT
 *	ring_key HEX		64 digits; without it the ring is not keyed
 */
#ifndef LUCIE_RING_SOURCE_H
#define LUCIE_RING_SOURCE_H

#include "init/lib/blob.h"
#include "init/lib/plan-format.h"
#include "ring/ring.h"

#define RING_SOURCE_FOLDER ".lucie-ring" /* of the target */

struct ring_source {
	const char *master; /* NULL: the plan names no ring */
	const char *target;
	const char *node;
	uint8_t root[BLOB_HASH_LEN];
	struct ring_key key;
	char label[300]; /* for messages */
};

/* What is wrong with those lines; NULL: nothing. section may be NULL. */
const char *ring_source_problem(const struct plan_section *section);
/* From lines that have no problem; the strings stay the caller's. */
void ring_source_init(struct ring_source *s, const struct plan_section *section, const char *root,
		      const char *target, const char *node);
/* For a struct blob_stream, with the ring_source as its argument. Returns when the master has let
 * this node go, or has failed. */
int ring_source_run(struct blob_reader *r, void *source, char *why, size_t size);

#endif
