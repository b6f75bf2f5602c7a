/* The manifest of what a master would send, made before it sends: what a signed plan names by its
 * root. The stream is the one that ring_send() makes of the same paths. */
#include "ring/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "ring/flow.h"
#include "ring/pump.h"
#include "ring/source.h"

/* A line of a chunk in a manifest's text, and a little more. */
#define LINE_MAX_BYTES (2 * BLOB_HASH_LEN + 8)

static int alloc_manifest(struct blob_manifest *m, uint64_t length, const char *path)
{
	*m = (struct blob_manifest){.length = length};
	m->chunks = (size_t)((length + BLOB_CHUNK - 1) / BLOB_CHUNK);
	if (m->chunks > BLOB_MANIFEST_MAX / LINE_MAX_BYTES)
		return log_err(-EFBIG,
			       "'%s' is larger than a data set can be (%zu chunks of 4 MiB)", path,
			       BLOB_MANIFEST_MAX / LINE_MAX_BYTES);
	m->hash = calloc(m->chunks ? m->chunks : 1, sizeof(*m->hash));
	return m->hash ? 0 : log_err(-ENOMEM, "cannot make a data set of '%s'", path);
}

static int hash_chunk(struct store *store, uint64_t offset, size_t len, void *buf,
		      uint8_t hash[BLOB_HASH_LEN])
{
	int ret;

	if (len == BLOB_CHUNK && store->is_hole(store, offset, len)) {
		memcpy(hash, zero_chunk_hash(), BLOB_HASH_LEN);
		return 0;
	}
	ret = store->read(store, offset, buf, len);
	if (!ret)
		blob_chunk_hash(buf, len, hash);
	return ret;
}

static int hash_all(struct blob_manifest *m, struct store *store, const char *path,
		    void (*progress)(uint64_t done, uint64_t total, void *arg), void *arg)
{
	_cleanup_free_ void *buf = malloc(BLOB_CHUNK);
	uint64_t done = 0;

	if (!buf)
		return log_err(-ENOMEM, "cannot read '%s'", path);
	for (size_t i = 0; i < m->chunks; i++) {
		size_t len = blob_chunk_length(m, i);
		int ret = hash_chunk(store, done, len, buf, m->hash[i]);

		if (ret)
			return ret;
		done += len;
		if (progress)
			progress(done, m->length, arg);
	}
	return 0;
}

int ring_manifest(struct blob_manifest *m, char *const *paths, size_t count, enum ring_kind *kind,
		  void (*progress)(uint64_t done, uint64_t total, void *arg), void *arg)
{
	uint8_t root[BLOB_HASH_LEN];
	struct source source;
	int ret = source_open(&source, paths, count);

	*m = (struct blob_manifest){0};
	if (ret)
		return ret;
	*kind = source.kind;
	ret = alloc_manifest(m, source.length, paths[0]);
	if (!ret)
		ret = hash_all(m, &source.store, paths[0], progress, arg);
	if (ret) {
		blob_manifest_free(m);
	} else {
		flow_root_of(m->length, m->hash[0], m->chunks, root);
		str_to_hex(root, sizeof(root), m->root);
	}
	source_close(&source);
	return ret;
}
