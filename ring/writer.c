/* memory -> disk: the thread that compares each chunk with the hash that the master told, lays it
 * down, and at the end gives everything its final name. It begins with what an earlier run left on
 * the disk: that is verified in the same way, so that a restarted node is an ordinary late one. */
#include "ring/pump.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"

/* 1: it is right; 0: it is not, or there is none. */
static int check_chunk(struct writer *w, size_t chunk, uint8_t *buf)
{
	uint8_t expected[BLOB_HASH_LEN], got[BLOB_HASH_LEN];
	size_t len = flow_chunk_length(w->flow, chunk);
	uint64_t offset = (uint64_t)chunk * BLOB_CHUNK;
	int ret;

	if (w->spool->store.read(&w->spool->store, offset, buf, len))
		return 0;
	blob_chunk_hash(buf, len, got);
	if (!flow_wait_hash(w->flow, chunk, expected))
		return -ECANCELED;
	if (memcmp(got, expected, sizeof(got)))
		return 0;
	ret = spool_accept(w->spool, offset, len);
	return ret ? ret : 1;
}

static int check_disk(struct writer *w)
{
	uint64_t claim = spool_claim(w->spool);
	_cleanup_free_ uint8_t *buf = NULL;
	size_t chunk = 0;
	int ret = claim && w->flow->chunks ? 1 : 0;

	buf = ret ? malloc(BLOB_CHUNK) : NULL;
	if (ret && !buf)
		return log_err(-ENOMEM, "cannot check '%s'", w->spool->dest);
	while (ret == 1 && chunk < w->flow->chunks && (uint64_t)chunk * BLOB_CHUNK < claim) {
		ret = check_chunk(w, chunk, buf);
		if (ret == 1)
			flow_accept(w->flow, chunk++);
	}
	if (ret < 0)
		return ret;
	w->resumed = flow_received(w->flow);
	return chunk == w->flow->chunks ? 0 : spool_truncate(w->spool, w->resumed);
}

static int write_one(struct writer *w)
{
	uint8_t expected[BLOB_HASH_LEN];
	struct slot *slot = flow_next_full(w->flow, expected);
	uint64_t offset;
	int ret;

	if (!slot)
		return -ECANCELED;
	if (memcmp(slot->hash, expected, sizeof(expected))) {
		log_warn("chunk %zu is damaged, it is fetched again", slot->chunk);
		flow_rewind(w->flow, slot->chunk);
		return 0;
	}
	offset = (uint64_t)slot->chunk * BLOB_CHUNK;
	if (slot->zero)
		memset(slot->data, 0, slot->filled);
	ret = spool_write(w->spool, offset, slot->data, slot->filled);
	if (!ret)
		flow_written(w->flow, slot);
	return ret;
}

static int check_root(struct writer *w)
{
	if (!flow_root(w->flow, w->root))
		return -ECANCELED;
	if (w->has_root && memcmp(w->root, w->expected_root, sizeof(w->root)))
		return log_err(-EBADMSG,
			       "the hashes are not those of the content that was asked for");
	return 0;
}

static int write_all(struct writer *w)
{
	int ret = check_disk(w);

	if (ret)
		return ret;
	atomic_store(&w->checked, true);
	wake(w->wake_fd);
	while (!ret && flow_progress(w->flow).written < w->flow->length)
		ret = write_one(w);
	if (!ret)
		ret = check_root(w);
	return ret ? ret : spool_finish(w->spool);
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	int ret = w->has_root ? check_root(w) : 0;

	if (!ret) {
		flow_open_gate(w->flow);
		ret = write_all(w);
	}
	if (ret)
		snprintf(w->reason, sizeof(w->reason), "%.*s", RING_TEXT_MAX - 1, log_last_error());
	atomic_store(&w->checked, true);
	atomic_store(&w->result, ret);
	wake(w->wake_fd);
	return NULL;
}

int writer_start(struct writer *w)
{
	atomic_store(&w->result, 1);
	return -pthread_create(&w->thread, NULL, writer_main, w);
}

void writer_join(struct writer *w)
{
	pthread_join(w->thread, NULL);
}
