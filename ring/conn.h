/* A connection that carries frames. Control connections are driven by a poll loop (conn_read(),
 * conn_queue(), conn_flush(); never block); a connection that carries data is handed to one thread
 * and is blocking from then on (conn_recv_*(), conn_send_data()).
 *
 * In a keyed ring every frame after the two hellos carries 16 bytes of keyed BLAKE3 over a counter,
 * the header and the payload. The key is made from the shared key and both nonces, another one for
 * each direction: nothing can be injected, replayed or reflected. What travels is not encrypted.
 *
 * Owned by one thread at a time.
 */
#ifndef LUCIE_RING_CONN_H
#define LUCIE_RING_CONN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ring/proto.h"

#define RING_KEY_LEN 32

struct ring_key {
	bool set;
	uint8_t key[RING_KEY_LEN];
};

struct conn_mac {
	bool on;
	uint8_t key[RING_KEY_LEN];
	uint64_t counter;
};

struct conn {
	int fd;		      /* -1: closed */
	uint32_t session;     /* of outgoing frames; incoming ones must have it once it is not 0 */
	uint32_t payload_max; /* of incoming control frames: small until the peer is known */
	const struct ring_key *key;
	uint8_t nonce[32];
	struct conn_mac tx, rx;
	uint8_t head[FRAME_HEADER + FRAME_MAC];
	size_t head_got;
	struct frame frame;
	uint8_t *body;
	size_t body_got;
	uint8_t ahead[FRAME_HEADER +
		      FRAME_MAC]; /* data: of the next frame, received with this one */
	size_t ahead_got;
	size_t low_water;  /* SO_RCVLOWAT as it is now */
	int64_t frame_end; /* data: when the last whole frame was there, ns; */
	int64_t frame_ns;  /* and how long one takes */
	struct strbuf out;
	size_t out_sent;
};

void conn_init(struct conn *c, int fd, const struct ring_key *key);
void conn_close(struct conn *c);

/* The client begins; the server answers with its own after conn_hello_take(). */
int conn_hello_send(struct conn *c);
/* -EPROTONOSUPPORT: another version. -EKEYREJECTED: one of the two has no key. -EBUSY: the server
 * has no place for us now. */
int conn_hello_take(struct conn *c, const struct frame *f, bool server);

/* 1: a whole frame is in c->frame with its payload in c->body, valid until the next call. 0: not
 * yet. -ECONNRESET: the peer closed. -EBADMSG, -EPROTO, -EKEYREJECTED (wrong key). */
int conn_read(struct conn *c);
/* -EFBIG if the peer does not take what is queued. */
int conn_queue(struct conn *c, enum ring_type type, uint64_t offset, const void *data, size_t len);
int conn_flush(struct conn *c); /* 0, or -errno of the connection; what is left stays queued */
static inline bool conn_pending(const struct conn *c)
{
	return c->out_sent < c->out.len;
}

/* Data: all of them give up with -ECANCELED when *stop becomes true, and with -ETIMEDOUT after
 * silence_ms without a byte. */
struct conn_wait {
	const atomic_bool *stop;
	uint32_t silence_ms;
};
int conn_recv_head(struct conn *c, struct frame *f, const struct conn_wait *w);
/* Into buf, frame_payload(f) bytes; -EBADMSG for a wrong CRC, -EKEYREJECTED for a wrong MAC. */
int conn_recv_body(struct conn *c, const struct frame *f, void *buf, const struct conn_wait *w);

#define CONN_BATCH 8
struct conn_data {
	struct frame frame;
	const void *payload;
};
/* At most CONN_BATCH. -ECONNRESET, -EPIPE, ... when the peer has gone. */
int conn_send_data(struct conn *c, const struct conn_data *list, size_t count,
		   const struct conn_wait *w);
/* Has the peer of a sending connection closed it, or sent what it should not? Does not wait. */
bool conn_is_gone(const struct conn *c);

#endif
