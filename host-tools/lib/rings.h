/* The rings of a cluster: one for each dataset, and one for each base that says `ring yes`. What
 * its master (serve-ring.c) sends and where it listens, and what plans say about it (plan-data.c).
 *
 *	STATE/datasets/NAME.blob	manifest of a dataset, by `lucie data`; the data stay where
 *					they are
 *	STATE/ring.key			64 hex digits, made by the first setup: the rings' keys come
 *					from it
 */
#ifndef LUCIE_RINGS_H
#define LUCIE_RINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/store.h"

#define RINGS_KEY_LEN 32

/* Whether a dataset or base travels over a ring. */
bool rings_has(const struct cluster_object *o);
/* Its `port`, else one from 20000 to 29999 that follows from its name, so that no other object of
 * the definition changes it. */
uint16_t rings_port(const struct cluster_object *o);

/* What the ring of o carries: path is `source`, or the base's file. -ENOENT: it is not made yet.
 * Logs nothing. */
struct ring_content {
	char path[PATH_MAX], manifest[PATH_MAX + 8];
	struct store_blob blob;
};
int rings_content(const char *state_dir, const struct cluster_object *o, struct ring_content *out);

/* The key of the ring that carries this root: who knows one ring's key knows no other's. Logs
 * nothing. */
int rings_key(const char *state_dir, const char *root, uint8_t key[RINGS_KEY_LEN]);

#endif
