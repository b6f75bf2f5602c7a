/* disk -> memory: the master's thread that reads the source chunk by chunk, a little ahead of who
 * takes it, and hashes it, so that the source is read once and nothing waits for a first pass. */
#include "ring/pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ring/crc32c.h"

#define PIECE (8 * RING_FRAME)

static uint8_t zero_hash[BLOB_HASH_LEN];
static pthread_once_t zero_once = PTHREAD_ONCE_INIT;

static void make_zero_hash(void)
{
	static const uint8_t zeros[65536];
	blake3_hasher h;

	blake3_hasher_init(&h);
	for (size_t i = 0; i < BLOB_CHUNK / sizeof(zeros); i++)
		blake3_hasher_update(&h, zeros, sizeof(zeros));
	blake3_hasher_finalize(&h, zero_hash, sizeof(zero_hash));
}

const uint8_t *zero_chunk_hash(void)
{
	pthread_once(&zero_once, make_zero_hash);
	return zero_hash;
}

/* In pieces, so that both sums find in the cache what has just been read. */
static int read_and_sum(struct reader *r, struct slot *slot, uint64_t offset, size_t len)
{
	blake3_hasher hasher;

	blake3_hasher_init(&hasher);
	for (size_t at = 0; at < len; at += PIECE) {
		size_t end = len - at < PIECE ? len : at + PIECE;
		int ret = r->store->read(r->store, offset + at, slot->data + at, end - at);

		if (ret)
			return ret;
		for (size_t i = at; i < end; i += RING_FRAME)
			slot->crc[i / RING_FRAME] =
				crc32c(slot->data + i, end - i < RING_FRAME ? end - i : RING_FRAME);
		blake3_hasher_update(&hasher, slot->data + at, end - at);
	}
	blake3_hasher_finalize(&hasher, slot->hash, BLOB_HASH_LEN);
	return 0;
}

static int fill_slot(struct reader *r, struct slot *slot, size_t chunk, size_t len)
{
	uint64_t offset = (uint64_t)chunk * BLOB_CHUNK;
	int ret;

	if (len == BLOB_CHUNK && r->store->is_hole(r->store, offset, len)) {
		slot->zero = true;
		memcpy(slot->hash, zero_chunk_hash(), BLOB_HASH_LEN);
		return 0;
	}
	ret = read_and_sum(r, slot, offset, len);
	if (ret)
		return ret;
	slot->zero = len == BLOB_CHUNK && !memcmp(slot->hash, zero_chunk_hash(), BLOB_HASH_LEN);
	return 0;
}

static bool is_expected(const struct reader *r, const struct slot *slot, size_t chunk)
{
	return !r->manifest || !memcmp(slot->hash, r->manifest->hash[chunk], BLOB_HASH_LEN);
}

static void *reader_main(void *arg)
{
	struct reader *r = arg;

	for (size_t chunk = 0; chunk < r->flow->chunks; chunk++) {
		size_t len = flow_chunk_length(r->flow, chunk);
		struct slot *slot;
		int ret;

		if (!flow_wait_wanted(r->flow, chunk))
			return NULL;
		slot = flow_slot_get(r->flow, chunk);
		if (!slot)
			return NULL;
		ret = fill_slot(r, slot, chunk, len);
		if (!ret && !is_expected(r, slot, chunk))
			ret = -ESTALE;
		if (ret) {
			flow_fail(r->flow, ret, chunk);
			wake(r->wake_fd);
			return NULL;
		}
		flow_add_hashes(r->flow, chunk, slot->hash, 1);
		flow_publish(r->flow, slot, len, 0);
		flow_written(r->flow, slot);
		wake(r->wake_fd);
	}
	return NULL;
}

int reader_start(struct reader *r)
{
	return -pthread_create(&r->thread, NULL, reader_main, r);
}

void reader_join(struct reader *r)
{
	pthread_join(r->thread, NULL);
}
