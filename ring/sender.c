/* memory -> network: a thread for each successor. It sends frames as soon as they are there, from
 * the pool while the successor keeps up, else from the disk. Nobody waits for it. */
#include "ring/pump.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "init/lib/io.h"
#include "ring/crc32c.h"
#include "ring/sock.h"

#define TICK_MS	 100
#define BATCH_MS 20

/* Frames for len bytes at data, which begin at `offset` of the stream; crc: of whole frames, or
 * NULL. Zeros next to each other become one frame. Returns how many bytes went into the batch. */
static size_t make_batch(const struct sender *s, struct conn_data *list, size_t *count,
			 uint64_t offset, const uint8_t *data, const uint32_t *crc, size_t len)
{
	size_t at = 0;

	*count = 0;
	while (at < len) {
		size_t n = len - at < RING_FRAME ? len - at : RING_FRAME;
		bool zero = is_zero(data + at, n);
		struct conn_data *last = *count ? &list[*count - 1] : NULL;

		if (zero && last && last->frame.flags & FRAME_ZERO) {
			last->frame.length += (uint32_t)n;
		} else if (*count == s->batch) {
			break;
		} else {
			struct frame f = {.type = RING_DATA,
					  .session = s->conn.session,
					  .length = (uint32_t)n};

			f.flags = zero ? FRAME_ZERO : 0;
			f.offset = offset + at;
			if (!zero)
				f.crc = crc ? crc[at / RING_FRAME] : crc32c(data + at, n);
			list[(*count)++] = (struct conn_data){f, data + at};
		}
		at += n;
	}
	return at;
}

static int send_zeros(struct sender *s, uint64_t offset, size_t len, const struct conn_wait *w)
{
	struct conn_data zeros = {.frame = {.type = RING_DATA,
					    .flags = FRAME_ZERO,
					    .session = s->conn.session,
					    .length = (uint32_t)len,
					    .offset = offset}};
	int ret = conn_send_data(&s->conn, &zeros, 1, w);

	return ret ? ret : (int)len;
}

/* A batch that takes long is followed by a smaller one: `sent` has to show early how slow it is. */
static int send_batch(struct sender *s, const struct conn_data *list, size_t count,
		      const struct conn_wait *w)
{
	int64_t begin = now_ms(), took;
	int ret = conn_send_data(&s->conn, list, count, w);

	took = now_ms() - begin;
	if (took > BATCH_MS && s->batch > 1)
		s->batch /= 2;
	else if (took < BATCH_MS / 4 && s->batch < CONN_BATCH)
		s->batch *= 2;
	return ret;
}

/* Both return the bytes that went, or -errno. */
static int send_memory(struct sender *s, uint64_t offset, const struct view *v,
		       const struct conn_wait *w)
{
	struct conn_data list[CONN_BATCH];
	size_t count, n;
	int ret;

	if (v->slot->zero)
		return send_zeros(s, offset, v->len, w);
	n = make_batch(s, list, &count, offset, v->slot->data + v->from,
		       v->slot->crc + v->from / RING_FRAME, v->len);
	ret = send_batch(s, list, count, w);
	return ret ? ret : (int)n;
}

/* A batch of frames at offset. */
static int load_batch(struct sender *s, uint64_t offset, const struct view *v, const uint8_t **data,
		      size_t *len)
{
	*len = v->len < CONN_BATCH * RING_FRAME ? v->len : CONN_BATCH * RING_FRAME;
	*data = s->buf;
	return s->store->read(s->store, offset, s->buf, *len);
}

/* The rest of the chunk, which is read once and compared as a whole. */
static int load_verified(struct sender *s, size_t chunk, const uint8_t *expected,
			 const struct view *v, const uint8_t **data, size_t *len)
{
	size_t whole = flow_chunk_length(s->flow, chunk);
	uint8_t hash[BLOB_HASH_LEN];
	int ret = 0;

	if (s->loaded != chunk) {
		s->loaded = SIZE_MAX;
		ret = s->store->read(s->store, (uint64_t)chunk * BLOB_CHUNK, s->buf, whole);
		if (!ret) {
			blob_chunk_hash(s->buf, whole, hash);
			ret = memcmp(hash, expected, sizeof(hash)) ? -ESTALE : 0;
		}
		if (ret)
			flow_fail(s->flow, ret, chunk);
		else
			s->loaded = chunk;
	}
	*data = s->buf + v->from;
	*len = v->len;
	return ret;
}

static int send_store(struct sender *s, uint64_t offset, const struct view *v,
		      const struct conn_wait *w)
{
	size_t chunk = (size_t)(offset / BLOB_CHUNK), count, n;
	uint8_t expected[1][BLOB_HASH_LEN];
	struct conn_data list[CONN_BATCH];
	const uint8_t *data;
	bool zero;
	int ret;

	if (s->verify) {
		flow_get_hashes(s->flow, chunk, expected, 1);
		zero = !memcmp(expected[0], zero_chunk_hash(), BLOB_HASH_LEN);
		ret = zero ? 0 : load_verified(s, chunk, expected[0], v, &data, &n);
	} else {
		zero = s->store->is_hole(s->store, offset, v->len);
		ret = zero ? 0 : load_batch(s, offset, v, &data, &n);
	}
	if (ret)
		return ret;
	if (zero)
		return send_zeros(s, offset, v->len, w);
	n = make_batch(s, list, &count, offset, data, NULL, n);
	ret = send_batch(s, list, count, w);
	return ret ? ret : (int)n;
}

static int send_idle(struct sender *s, const struct conn_wait *w)
{
	struct conn_data idle = {.frame = {.type = RING_IDLE, .session = s->conn.session}};

	return conn_send_data(&s->conn, &idle, 1, w);
}

/* In the flow of frames, of which none ends where a packet does, the next one fills the last packet
 * of this one. Where nothing follows, it must not wait. */
static void set_packs(struct sender *s, bool on)
{
	if (s->packs != on)
		sock_pack(s->conn.fd, on);
	s->packs = on;
}

static int send_next(struct sender *s, const struct conn_wait *w)
{
	uint64_t position = atomic_load(&s->sent);
	struct view v = flow_view(s->flow, position, TICK_MS);
	int ret;

	if (conn_is_gone(&s->conn))
		return -EPIPE;
	set_packs(s, v.kind != VIEW_WAIT);
	if (v.kind == VIEW_WAIT)
		return send_idle(s, w);
	if (v.kind == VIEW_MEMORY) {
		ret = send_memory(s, position, &v, w);
		flow_unpin(s->flow, v.slot);
	} else {
		ret = send_store(s, position, &v, w);
	}
	if (ret < 0)
		return ret;
	position += (uint64_t)ret;
	if (position == s->flow->length)
		set_packs(s, false);
	atomic_store(&s->sent, position);
	flow_want(s->flow, position);
	return 0;
}

static void *sender_main(void *arg)
{
	struct sender *s = arg;
	struct conn_wait w = {&s->stop, UINT32_MAX};
	int ret;

	s->loaded = SIZE_MAX;
	s->batch = CONN_BATCH;
	s->buf = malloc(s->verify ? BLOB_CHUNK : CONN_BATCH * RING_FRAME);
	ret = s->buf ? send_idle(s, &w) : -ENOMEM;
	while (!ret && !atomic_load(&s->stop))
		ret = send_next(s, &w);
	free(s->buf);
	shutdown(s->conn.fd, SHUT_RDWR);
	atomic_store(&s->ended, true);
	return NULL;
}

int senders_add(struct senders *s, const struct conn *conn, uint32_t child, uint64_t offset)
{
	struct sender *new;
	int ret;

	if (offset > s->flow->length)
		return -ERANGE;
	senders_drop(s, child);
	senders_reap(s);
	if (s->count == RING_CHILDREN)
		return -EBUSY;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	*new = (struct sender){.flow = s->flow, .store = s->store, .conn = *conn, .child = child};
	new->beat_ms = s->beat_ms;
	new->detect_ms = s->detect_ms;
	new->verify = s->verify;
	atomic_init(&new->sent, offset);
	sock_tune(new->conn.fd, s->detect_ms);
	ret = sock_set_blocking(new->conn.fd, TICK_MS);
	if (!ret)
		ret = -pthread_create(&new->thread, NULL, sender_main, new);
	if (ret) {
		free(new);
		return ret;
	}
	flow_want(s->flow, offset);
	s->list[s->count++] = new;
	return 0;
}

static void sender_stop(struct sender *s)
{
	atomic_store(&s->stop, true);
	shutdown(s->conn.fd, SHUT_RDWR);
}

void senders_drop(struct senders *s, uint32_t child)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i]->child == child)
			sender_stop(s->list[i]);
}

static void sender_free(struct sender *s)
{
	pthread_join(s->thread, NULL);
	conn_close(&s->conn);
	free(s);
}

void senders_reap(struct senders *s)
{
	for (size_t i = 0; i < s->count;) {
		if (!atomic_load(&s->list[i]->ended)) {
			i++;
			continue;
		}
		sender_free(s->list[i]);
		s->list[i] = s->list[--s->count];
	}
}

/* What the kernel still holds has not arrived. */
static uint64_t arrived(const struct sender *s)
{
	uint64_t sent = atomic_load(&s->sent);
	int queued;

	if (ioctl(s->conn.fd, SIOCOUTQ, &queued) || queued < 0)
		return sent;
	return sent > (uint64_t)queued ? sent - (uint64_t)queued : 0;
}

size_t senders_fill(const struct senders *s, struct ring_child *out)
{
	for (size_t i = 0; i < s->count; i++)
		out[i] = (struct ring_child){s->list[i]->child, arrived(s->list[i])};
	return s->count;
}

void senders_stop(struct senders *s)
{
	for (size_t i = 0; i < s->count; i++)
		sender_stop(s->list[i]);
	while (s->count)
		sender_free(s->list[--s->count]);
}
