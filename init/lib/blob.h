/* Blob: an ordered list of 4 MiB chunks with a manifest, named by its root; the one thing that is
 * fetched.
 *
 * Manifest file ("NAME.blob"), text, at most BLOB_MANIFEST_MAX bytes:
 *	lucie-blob 1
 *	length BYTES
 *	root HEX
 *	chunk HEX            one line for each chunk, in order; all are BLOB_CHUNK bytes but the last
 * root = BLAKE3("lucie-blob-1\n" || length as 8 bytes little-endian || the raw chunk hashes in
 * order).
 *
 * The reader gives verified blocks only: no byte reaches the caller before its chunk's BLAKE3 is
 * right. Memory: BLOB_POOL chunks, whatever the length. A chunk that is wrong or incomplete is
 * fetched again, from the next source (bounded tries).
 */
#ifndef LUCIE_BLOB_H
#define LUCIE_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/lib/str.h"

#define BLOB_CHUNK	  ((size_t)4 << 20)
#define BLOB_POOL	  3 /* chunks in memory: one read by the consumer, one full, one being fetched */
#define BLOB_HASH_LEN	  32
#define BLOB_ROOT_TEXT	  65
#define BLOB_MANIFEST_MAX ((size_t)16 << 20) /* about 240,000 chunks, 0.9 TiB */

struct blob_manifest {
	uint64_t length; /* bytes */
	size_t chunks;
	uint8_t (*hash)[BLOB_HASH_LEN]; /* owned; blob_manifest_free() */
	char root[BLOB_ROOT_TEXT];	/* lower-case hex */
};

/* Parses and verifies that the root is the root of the list. -EINVAL, -EFBIG, -ENOMEM, -EBADMSG
 * (wrong root). Pure. */
int blob_manifest_parse(struct blob_manifest *m, const char *text, size_t len);
/* The same of a file; also what file_read() returns. */
int blob_manifest_load(struct blob_manifest *m, const char *path);
int blob_manifest_write(const struct blob_manifest *m, struct strbuf *out);
/* Hashes an open regular file from its start. */
int blob_manifest_make(struct blob_manifest *m, int fd);
void blob_manifest_free(struct blob_manifest *m);
void blob_chunk_hash(const void *data, size_t len, uint8_t hash[BLOB_HASH_LEN]);
static inline size_t blob_chunk_length(const struct blob_manifest *m, size_t chunk)
{
	uint64_t left = m->length - (uint64_t)chunk * BLOB_CHUNK;

	return left < BLOB_CHUNK ? (size_t)left : BLOB_CHUNK;
}

struct blob_reader;

/* A source that is a function. It is called once, in the fetching thread and before the URLs, and
 * gives the bytes from blob_wanted() on, in order, to blob_give(). What is missing when it returns
 * comes from the URLs. 0 or -errno; the cause goes into why, where blob_give() has put its own. */
struct blob_stream {
	const char *name; /* for messages */
	int (*run)(struct blob_reader *r, void *arg, char *why, size_t size);
	void *arg;
};

#define BLOB_FIRST_SECONDS 5

/* Sources, tried in order from the one that last worked. "http://HOST[:PORT]/..." is the data and
 * URL + ".blob" its manifest; "file:/PATH" the same for files. */
struct blob_request {
	const char *root; /* what the signed plan says; a manifest with another root is refused */
	const char *const *urls;
	size_t url_count;
	const struct blob_stream *stream; /* may be NULL; stays until blob_close() */
	/* No byte for so long = this source failed; 0: 20. Where another one has not been tried yet, a
	 * source that has sent nothing has BLOB_FIRST_SECONDS. */
	unsigned int stall_seconds;
	const char *silent; /* silent.h: sources that failed so come last; NULL: nothing is kept */
	unsigned int
		tries; /* rounds over all sources without one good chunk before giving up; 0: 4 */
	bool (*cancelled)(void *arg); /* asked often, also by the fetching thread; may be NULL */
	void *cancel_arg;
};

/* Fetches and verifies the manifest, starts the fetching thread. Logs what is wrong with which URL;
 * -errno. */
int blob_open(struct blob_reader **out, const struct blob_request *request);
uint64_t blob_length(const struct blob_reader *r);
/* The next verified block, valid until the next call; its length, 0 at the end, or -errno (logged).
 */
ssize_t blob_next(struct blob_reader *r, const void **block);
/* All chunks are there, but the stream still runs (others may take from it): blob_close() would
 * wait for it. */
bool blob_lingers(struct blob_reader *r);
void blob_close(struct blob_reader *r);

/* For the function of a stream. blob_give() waits for room; -ECANCELED, -EBADMSG. */
uint64_t blob_wanted(const struct blob_reader *r);
int blob_give(struct blob_reader *r, const void *data, size_t len);
/* Nobody wants the bytes any more: cancelled, or closed before all had come. Any thread. */
bool blob_stopped(struct blob_reader *r);

#endif
