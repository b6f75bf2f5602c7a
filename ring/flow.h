/* What the threads of one node (or of the master) share: a bounded pool of chunks, the position in
 * the stream, and the hashes that the master has told. One lock; every wait has a bound and ends
 * with flow_stop().
 *
 *	filler (receiver, or the master's reader)  flow_slot_get, flow_publish, flow_slot_full
 *	writer                                     flow_next_full, flow_written, flow_rewind
 *	senders                                    flow_view, flow_unpin
 *	control                                    everything that only looks
 *
 * A slot is filled frame by frame; what is in it can be passed on at once (cut-through). When it is
 * full the writer compares its hash, lays it down, and the slot stays as a cache until the filler
 * needs it. A sender that is further behind reads from the store: nobody waits for a successor.
 */
#ifndef LUCIE_RING_FLOW_H
#define LUCIE_RING_FLOW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "init/lib/blob.h"
#include "ring/proto.h"

#define FLOW_SLOTS_MIN	 4
#define FLOW_SLOTS_MAX	 16 /* 64 MB */
#define FRAMES_PER_CHUNK (BLOB_CHUNK / RING_FRAME)

enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_FULL, SLOT_WRITTEN, SLOT_BAD };

/* All but data[] and crc[] is guarded by the flow's lock. data[] and crc[]: bytes below `filled`
 * are read by anybody, those above belong to the filler. */
struct slot {
	enum slot_state state;
	size_t chunk;
	size_t filled;
	bool zero; /* the whole chunk; data[] is not valid */
	unsigned int pins;
	uint8_t *data;
	uint32_t crc[FRAMES_PER_CHUNK];
	uint8_t hash[BLOB_HASH_LEN];
};

struct flow {
	uint64_t length; /* constant, as is chunks */
	size_t chunks;
	atomic_bool stopped;

	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t data, space, work, hashes;
	struct slot slots[FLOW_SLOTS_MAX];
	size_t slot_count;
	uint64_t received, written;
	uint32_t generation; /* counts rewinds */
	bool disk_blocks;    /* the filler waits for a slot */
	uint64_t wanted;     /* the furthest that anybody who takes from here has come */
	bool hurry;	     /* the reader should not wait for it */
	bool idle;	     /* the reader waits until somebody is there */
	size_t hashes_known; /* [0, hashes_known) */
	uint8_t (*hash)[BLOB_HASH_LEN];
	bool gated,
		open; /* gated: nothing is verified before all hashes are known and open is set */
	int error;    /* the master: of the source; -errno */
	size_t error_chunk;
	unsigned int data_waiters;
};

int flow_init(struct flow *f, uint64_t length, size_t pool_bytes);
void flow_free(struct flow *f);
void flow_stop(struct flow *f);
static inline bool flow_stopped(struct flow *f)
{
	return atomic_load_explicit(&f->stopped, memory_order_relaxed);
}
size_t flow_chunk_length(const struct flow *f, size_t chunk);

/* The filler. Waits for a slot; NULL when stopped. The chunk is the one at `received`. */
struct slot *flow_slot_get(struct flow *f, size_t chunk);
/* n more bytes of the slot are there, crc[] of their frames included. -EAGAIN: there was a rewind
 * since `generation`, the slot is lost. */
int flow_publish(struct flow *f, struct slot *slot, size_t n, uint32_t generation);
/* The slot has its hash; for the writer. */
int flow_slot_full(struct flow *f, struct slot *slot, uint32_t generation);
uint32_t flow_generation(struct flow *f);
uint64_t flow_received(struct flow *f);
/* Waits at most ms; true while nothing is left to receive. */
bool flow_wait_rewind(struct flow *f, unsigned int ms);
/* The reader: waits until the chunk is near enough to what is wanted. False when stopped. */
bool flow_wait_wanted(struct flow *f, size_t chunk);

/* The writer. The slot of the next chunk with the hash that it should have; NULL when stopped. */
struct slot *flow_next_full(struct flow *f, uint8_t expected[BLOB_HASH_LEN]);
void flow_written(struct flow *f, struct slot *slot);
/* Chunk and all after it are to be fetched again. */
void flow_rewind(struct flow *f, size_t chunk);
/* Resuming: the chunk lies on disk and was right. */
void flow_accept(struct flow *f, size_t chunk);
/* False when stopped. */
bool flow_wait_hash(struct flow *f, size_t chunk, uint8_t out[BLOB_HASH_LEN]);
/* Waits for all of them; false when stopped. */
bool flow_root(struct flow *f, uint8_t out[BLOB_HASH_LEN]);

/* Control, and the reader of the master. Out of order: ignored. */
void flow_add_hashes(struct flow *f, size_t first, const uint8_t *hashes, size_t count);
/* Copies at most max known hashes from `first` on; their number. */
size_t flow_get_hashes(struct flow *f, size_t first, uint8_t (*out)[BLOB_HASH_LEN], size_t max);
void flow_want(struct flow *f, uint64_t position);
void flow_hurry(struct flow *f);
void flow_begin(struct flow *f); /* ends idle */
void flow_open_gate(struct flow *f);
/* The master: the source cannot be read (-errno), or is not what its hashes say (-ESTALE). The
 * first one counts. */
void flow_fail(struct flow *f, int error, size_t chunk);
int flow_error(struct flow *f, size_t *chunk);

/* The senders. */
enum view_kind { VIEW_WAIT, VIEW_MEMORY, VIEW_STORE };
struct view {
	enum view_kind kind;
	struct slot *slot; /* VIEW_MEMORY: pinned */
	size_t from, len;  /* in the chunk; VIEW_STORE: in the chunk, too */
};
/* What is there at `position`; waits at most ms for it. */
struct view flow_view(struct flow *f, uint64_t position, unsigned int ms);
void flow_unpin(struct flow *f, struct slot *slot);

struct flow_progress {
	uint64_t received, written;
	bool disk_blocks;
};
struct flow_progress flow_progress(struct flow *f);

/* BLAKE3("lucie-blob-1\n" || length || hashes), as in init/lib/blob.h. */
void flow_root_of(uint64_t length, const uint8_t *hashes, size_t count, uint8_t out[BLOB_HASH_LEN]);

#endif
