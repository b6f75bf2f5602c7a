/* The monitor that the threads of a node share; see flow.h. */
#include "ring/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <blake3.h>

#include "init/lib/io.h"
#include "init/lib/wait.h"

#define CACHED_CHUNKS 4
#define WAIT_MS	      200 /* bound of each wait on a condition; then the reason is looked at again */

static size_t slots_for(size_t pool_bytes)
{
	size_t n = pool_bytes / BLOB_CHUNK;

	return n < FLOW_SLOTS_MIN ? FLOW_SLOTS_MIN : n > FLOW_SLOTS_MAX ? FLOW_SLOTS_MAX : n;
}

int flow_init(struct flow *f, uint64_t length, size_t pool_bytes)
{
	*f = (struct flow){.length = length, .slot_count = slots_for(pool_bytes)};
	f->chunks = (size_t)((length + BLOB_CHUNK - 1) / BLOB_CHUNK);
	pthread_mutex_init(&f->lock, NULL);
	wait_init(&f->data);
	wait_init(&f->space);
	wait_init(&f->work);
	wait_init(&f->hashes);
	f->hash = calloc(f->chunks ? f->chunks : 1, sizeof(*f->hash));
	return f->hash ? 0 : -ENOMEM;
}

void flow_free(struct flow *f)
{
	for (size_t i = 0; i < f->slot_count; i++)
		if (f->slots[i].data)
			munmap(f->slots[i].data, BLOB_CHUNK);
	free(f->hash);
	pthread_cond_destroy(&f->data);
	pthread_cond_destroy(&f->space);
	pthread_cond_destroy(&f->work);
	pthread_cond_destroy(&f->hashes);
	pthread_mutex_destroy(&f->lock);
}

static void wake_all(struct flow *f)
{
	pthread_cond_broadcast(&f->data);
	pthread_cond_broadcast(&f->space);
	pthread_cond_broadcast(&f->work);
	pthread_cond_broadcast(&f->hashes);
}

void flow_stop(struct flow *f)
{
	pthread_mutex_lock(&f->lock);
	atomic_store(&f->stopped, true);
	wake_all(f);
	pthread_mutex_unlock(&f->lock);
}

size_t flow_chunk_length(const struct flow *f, size_t chunk)
{
	uint64_t left = f->length - (uint64_t)chunk * BLOB_CHUNK;

	return left < BLOB_CHUNK ? (size_t)left : BLOB_CHUNK;
}

static struct slot *slot_of(struct flow *f, size_t chunk)
{
	for (size_t i = 0; i < f->slot_count; i++) {
		struct slot *s = &f->slots[i];

		if (s->chunk == chunk && s->state != SLOT_FREE && s->state != SLOT_BAD)
			return s;
	}
	return NULL;
}

/* With the lock held. Nobody will ask for it: those who take from here have passed it, or, while
 * nobody does, it is so old that a late one will read the disk anyway. */
static bool is_spent(const struct flow *f, const struct slot *s, size_t chunk)
{
	return f->wanted ? ((uint64_t)s->chunk + 1) * BLOB_CHUNK <= f->wanted
			 : s->chunk + CACHED_CHUNKS < chunk;
}

/* The oldest, if it is spent; else an unused one, because memory that was never touched costs less
 * than to read the disk, but more than memory that is warm; else the oldest all the same. */
static struct slot *reusable_slot(struct flow *f, size_t chunk)
{
	struct slot *oldest = NULL, *unused = NULL;

	for (size_t i = 0; i < f->slot_count; i++) {
		struct slot *s = &f->slots[i];

		if (s->pins || s->state == SLOT_FILLING || s->state == SLOT_FULL)
			continue;
		if (s->state != SLOT_WRITTEN)
			unused = s;
		else if (!oldest || s->chunk < oldest->chunk)
			oldest = s;
	}
	return oldest && (!unused || is_spent(f, oldest, chunk)) ? oldest : unused;
}

/* Aligned, so that the kernel can use huge pages: a thousand page faults for each slot cost more
 * than to fill it. */
static bool slot_allocate(struct slot *s)
{
	uint8_t *p, *at;

	if (s->data)
		return true;
	p = mmap(NULL, 2 * BLOB_CHUNK, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return false;
	at = p + (BLOB_CHUNK - (uintptr_t)p % BLOB_CHUNK) % BLOB_CHUNK;
	if (at > p)
		munmap(p, (size_t)(at - p));
	if (at + BLOB_CHUNK < p + 2 * BLOB_CHUNK)
		munmap(at + BLOB_CHUNK, (size_t)(p + BLOB_CHUNK - at));
	madvise(at, BLOB_CHUNK, MADV_HUGEPAGE);
	s->data = at;
	return true;
}

struct slot *flow_slot_get(struct flow *f, size_t chunk)
{
	struct slot *s = NULL;

	pthread_mutex_lock(&f->lock);
	while (!flow_stopped(f)) {
		s = reusable_slot(f, chunk);
		if (s && slot_allocate(s))
			break;
		s = NULL;
		f->disk_blocks = true;
		wait_ms(&f->space, &f->lock, WAIT_MS);
	}
	f->disk_blocks = false;
	if (s) {
		s->state = SLOT_FILLING;
		s->chunk = chunk;
		s->filled = 0;
		s->zero = false;
	}
	pthread_mutex_unlock(&f->lock);
	return s;
}

int flow_publish(struct flow *f, struct slot *slot, size_t n, uint32_t generation)
{
	int ret = -EAGAIN;

	pthread_mutex_lock(&f->lock);
	if (f->generation == generation) {
		slot->filled += n;
		f->received += n;
		if (f->data_waiters)
			pthread_cond_broadcast(&f->data);
		ret = 0;
	}
	pthread_mutex_unlock(&f->lock);
	return ret;
}

int flow_slot_full(struct flow *f, struct slot *slot, uint32_t generation)
{
	int ret = -EAGAIN;

	pthread_mutex_lock(&f->lock);
	if (f->generation == generation) {
		slot->state = SLOT_FULL;
		pthread_cond_signal(&f->work);
		ret = 0;
	}
	pthread_mutex_unlock(&f->lock);
	return ret;
}

uint32_t flow_generation(struct flow *f)
{
	uint32_t generation;

	pthread_mutex_lock(&f->lock);
	generation = f->generation;
	pthread_mutex_unlock(&f->lock);
	return generation;
}

uint64_t flow_received(struct flow *f)
{
	return flow_progress(f).received;
}

bool flow_wait_rewind(struct flow *f, unsigned int ms)
{
	bool complete;

	pthread_mutex_lock(&f->lock);
	if (!flow_stopped(f) && f->received == f->length)
		wait_ms(&f->space, &f->lock, ms);
	complete = f->received == f->length;
	pthread_mutex_unlock(&f->lock);
	return complete;
}

void flow_begin(struct flow *f)
{
	pthread_mutex_lock(&f->lock);
	f->idle = false;
	pthread_cond_broadcast(&f->space);
	pthread_mutex_unlock(&f->lock);
}

/* No further ahead than the pool surely keeps: what is read earlier would be gone from the pool
 * when it is wanted, and be read and summed twice. */
bool flow_wait_wanted(struct flow *f, size_t chunk)
{
	size_t ahead = f->slot_count - 2 < CACHED_CHUNKS ? f->slot_count - 2 : CACHED_CHUNKS;

	pthread_mutex_lock(&f->lock);
	while (!flow_stopped(f) &&
	       (f->idle ||
		(!f->hurry && (uint64_t)chunk * BLOB_CHUNK >= f->wanted + ahead * BLOB_CHUNK)))
		wait_ms(&f->space, &f->lock, WAIT_MS);
	pthread_mutex_unlock(&f->lock);
	return !flow_stopped(f);
}

static bool is_verifiable(const struct flow *f, size_t chunk)
{
	return chunk < f->hashes_known && (!f->gated || f->open);
}

struct slot *flow_next_full(struct flow *f, uint8_t expected[BLOB_HASH_LEN])
{
	struct slot *s = NULL;

	pthread_mutex_lock(&f->lock);
	while (!flow_stopped(f)) {
		size_t chunk = (size_t)(f->written / BLOB_CHUNK);

		s = slot_of(f, chunk);
		if (s && s->state == SLOT_FULL && is_verifiable(f, chunk)) {
			memcpy(expected, f->hash[chunk], BLOB_HASH_LEN);
			break;
		}
		s = NULL;
		wait_ms(&f->work, &f->lock, WAIT_MS);
	}
	pthread_mutex_unlock(&f->lock);
	return s;
}

void flow_written(struct flow *f, struct slot *slot)
{
	pthread_mutex_lock(&f->lock);
	slot->state = SLOT_WRITTEN;
	f->written += slot->filled;
	pthread_cond_broadcast(&f->space);
	pthread_mutex_unlock(&f->lock);
}

void flow_rewind(struct flow *f, size_t chunk)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->slot_count; i++)
		if (f->slots[i].state != SLOT_FREE && f->slots[i].chunk >= chunk)
			f->slots[i].state = SLOT_BAD;
	f->received = (uint64_t)chunk * BLOB_CHUNK;
	f->generation++;
	pthread_cond_broadcast(&f->space);
	pthread_mutex_unlock(&f->lock);
}

void flow_accept(struct flow *f, size_t chunk)
{
	pthread_mutex_lock(&f->lock);
	f->written = (uint64_t)chunk * BLOB_CHUNK + flow_chunk_length(f, chunk);
	f->received = f->written;
	if (f->data_waiters)
		pthread_cond_broadcast(&f->data);
	pthread_mutex_unlock(&f->lock);
}

bool flow_wait_hash(struct flow *f, size_t chunk, uint8_t out[BLOB_HASH_LEN])
{
	pthread_mutex_lock(&f->lock);
	while (!flow_stopped(f) && !is_verifiable(f, chunk))
		wait_ms(&f->hashes, &f->lock, WAIT_MS);
	if (!flow_stopped(f))
		memcpy(out, f->hash[chunk], BLOB_HASH_LEN);
	pthread_mutex_unlock(&f->lock);
	return !flow_stopped(f);
}

void flow_root_of(uint64_t length, const uint8_t *hashes, size_t count, uint8_t out[BLOB_HASH_LEN])
{
	static const char tag[] = "lucie-blob-1\n";
	blake3_hasher h;
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(length >> 8 * i);
	blake3_hasher_init(&h);
	blake3_hasher_update(&h, tag, sizeof(tag) - 1);
	blake3_hasher_update(&h, bytes, sizeof(bytes));
	blake3_hasher_update(&h, hashes, count * BLOB_HASH_LEN);
	blake3_hasher_finalize(&h, out, BLOB_HASH_LEN);
}

bool flow_root(struct flow *f, uint8_t out[BLOB_HASH_LEN])
{
	pthread_mutex_lock(&f->lock);
	while (!flow_stopped(f) && f->hashes_known < f->chunks)
		wait_ms(&f->hashes, &f->lock, WAIT_MS);
	if (!flow_stopped(f))
		flow_root_of(f->length, f->hash[0], f->chunks, out);
	pthread_mutex_unlock(&f->lock);
	return !flow_stopped(f);
}

void flow_add_hashes(struct flow *f, size_t first, const uint8_t *hashes, size_t count)
{
	pthread_mutex_lock(&f->lock);
	if (first == f->hashes_known && count <= f->chunks - first) {
		memcpy(f->hash[first], hashes, count * BLOB_HASH_LEN);
		f->hashes_known += count;
		pthread_cond_broadcast(&f->hashes);
		pthread_cond_broadcast(&f->work);
	}
	pthread_mutex_unlock(&f->lock);
}

size_t flow_get_hashes(struct flow *f, size_t first, uint8_t (*out)[BLOB_HASH_LEN], size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&f->lock);
	if (first < f->hashes_known)
		n = f->hashes_known - first < max ? f->hashes_known - first : max;
	memcpy(out, f->hash + first, n * BLOB_HASH_LEN);
	pthread_mutex_unlock(&f->lock);
	return n;
}

void flow_want(struct flow *f, uint64_t position)
{
	if (position > f->length)
		position = f->length;
	pthread_mutex_lock(&f->lock);
	if (position > f->wanted) {
		f->wanted = position;
		pthread_cond_broadcast(&f->space);
	}
	pthread_mutex_unlock(&f->lock);
}

void flow_hurry(struct flow *f)
{
	pthread_mutex_lock(&f->lock);
	f->hurry = true;
	pthread_cond_broadcast(&f->space);
	pthread_mutex_unlock(&f->lock);
}

void flow_open_gate(struct flow *f)
{
	pthread_mutex_lock(&f->lock);
	f->open = true;
	pthread_cond_broadcast(&f->hashes);
	pthread_cond_broadcast(&f->work);
	pthread_mutex_unlock(&f->lock);
}

void flow_fail(struct flow *f, int error, size_t chunk)
{
	pthread_mutex_lock(&f->lock);
	if (!f->error) {
		f->error = error;
		f->error_chunk = chunk;
	}
	pthread_mutex_unlock(&f->lock);
}

int flow_error(struct flow *f, size_t *chunk)
{
	int error;

	pthread_mutex_lock(&f->lock);
	error = f->error;
	*chunk = f->error_chunk;
	pthread_mutex_unlock(&f->lock);
	return error;
}

/* With the lock held. Senders may not pin so much that the filler finds no slot; while one is being
 * filled and one written, the rest is theirs. */
static bool may_pin(const struct flow *f, const struct slot *s)
{
	size_t pinned = 0;

	for (size_t i = 0; i < f->slot_count; i++)
		pinned += f->slots[i].pins > 0;
	return s->pins || pinned + 3 <= f->slot_count;
}

static bool look(struct flow *f, uint64_t position, struct view *v)
{
	size_t chunk = (size_t)(position / BLOB_CHUNK);
	struct slot *s = slot_of(f, chunk);

	v->from = (size_t)(position % BLOB_CHUNK);
	if (position >= f->received)
		return false;
	if (s && s->filled > v->from && may_pin(f, s)) {
		s->pins++;
		v->kind = VIEW_MEMORY;
		v->slot = s;
		v->len = s->filled - v->from;
		return true;
	}
	if (position >= f->written)
		return false;
	v->kind = VIEW_STORE;
	v->len = flow_chunk_length(f, chunk) - v->from;
	return true;
}

struct view flow_view(struct flow *f, uint64_t position, unsigned int ms)
{
	struct view v = {.kind = VIEW_WAIT};

	pthread_mutex_lock(&f->lock);
	if (!look(f, position, &v) && !flow_stopped(f)) {
		f->data_waiters++;
		wait_ms(&f->data, &f->lock, ms);
		f->data_waiters--;
		look(f, position, &v);
	}
	pthread_mutex_unlock(&f->lock);
	return v;
}

void flow_unpin(struct flow *f, struct slot *slot)
{
	pthread_mutex_lock(&f->lock);
	if (--slot->pins == 0)
		pthread_cond_broadcast(&f->space);
	pthread_mutex_unlock(&f->lock);
}

struct flow_progress flow_progress(struct flow *f)
{
	struct flow_progress p;

	pthread_mutex_lock(&f->lock);
	p = (struct flow_progress){f->received, f->written, f->disk_blocks};
	pthread_mutex_unlock(&f->lock);
	return p;
}
