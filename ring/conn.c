/* Frames over a TCP connection, authenticated if there is a key; see conn.h. */
#include "ring/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <blake3.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "ring/crc32c.h"

#define OUT_MAX	      ((size_t)256 << 10)
#define STRANGER_MAX  1024
#define LOW_WATER_MIN ((size_t)4096)
#define NAP_MIN_NS    300000
#define NAP_MAX_NS    20000000
#define NONCE_CONTEXT "lucie-ring-1"

void conn_init(struct conn *c, int fd, const struct ring_key *key)
{
	*c = (struct conn){.fd = fd, .key = key, .payload_max = STRANGER_MAX, .low_water = 1};
	c->out.max = OUT_MAX;
}

void conn_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	free(c->body);
	c->body = NULL;
	strbuf_free(&c->out);
}

static void mac_make(struct conn_mac *m, const uint8_t head[FRAME_HEADER], const void *body,
		     size_t len, uint8_t out[FRAME_MAC])
{
	blake3_hasher h;
	uint8_t counter[8];

	for (int i = 0; i < 8; i++)
		counter[i] = (uint8_t)(m->counter >> 8 * i);
	m->counter++;
	blake3_hasher_init_keyed(&h, m->key);
	blake3_hasher_update(&h, counter, sizeof(counter));
	blake3_hasher_update(&h, head, FRAME_HEADER);
	blake3_hasher_update(&h, body, len);
	blake3_hasher_finalize(&h, out, FRAME_MAC);
}

static bool mac_equal(const uint8_t *a, const uint8_t *b)
{
	uint8_t difference = 0;

	for (int i = 0; i < FRAME_MAC; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

static int check_body(struct conn *c, const struct frame *f, const void *body)
{
	uint8_t mac[FRAME_MAC];
	size_t len = frame_payload(f);

	if (c->rx.on) {
		mac_make(&c->rx, c->head, body, len, mac);
		return mac_equal(mac, c->head + FRAME_HEADER) ? 0 : -EKEYREJECTED;
	}
	return len && crc32c(body, len) != f->crc ? -EBADMSG : 0;
}

static int check_head(struct conn *c)
{
	int ret = frame_decode(&c->frame, c->head);

	if (ret)
		return ret;
	return c->session && c->frame.session != c->session ? -ESTALE : 0;
}

static size_t head_size(bool mac)
{
	return mac ? FRAME_HEADER + FRAME_MAC : FRAME_HEADER;
}

/* Each direction has its key: BLAKE3 keyed by the shared key over both nonces and the sender's
 * role. */
static void derive(struct conn_mac *m, const struct ring_key *key, const uint8_t *client,
		   const uint8_t *server, char sender)
{
	blake3_hasher h;

	blake3_hasher_init_keyed(&h, key->key);
	blake3_hasher_update(&h, NONCE_CONTEXT, sizeof(NONCE_CONTEXT));
	blake3_hasher_update(&h, client, 32);
	blake3_hasher_update(&h, server, 32);
	blake3_hasher_update(&h, &sender, 1);
	blake3_hasher_finalize(&h, m->key, sizeof(m->key));
	m->counter = 0;
	m->on = true;
}

int conn_hello_send(struct conn *c)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct ring_hello hello = {.version = RING_VERSION, .keyed = c->key->set};

	if (getrandom(c->nonce, sizeof(c->nonce), 0) != sizeof(c->nonce))
		return -EIO;
	memcpy(hello.nonce, c->nonce, sizeof(c->nonce));
	message_encode_hello(&b, &hello);
	return b.error ? b.error : conn_queue(c, RING_HELLO, 0, b.buf, b.len);
}

int conn_hello_take(struct conn *c, const struct frame *f, bool server)
{
	struct ring_hello hello;
	int ret;

	if (!server && f->type == RING_REFUSE)
		return -EBUSY;
	if (f->type != RING_HELLO || message_decode_hello(&hello, c->body, f->length))
		return -EBADMSG;
	ret = server ? conn_hello_send(c) : 0;
	if (ret)
		return ret;
	if (hello.version != RING_VERSION)
		return -EPROTONOSUPPORT;
	if (hello.keyed != c->key->set)
		return -EKEYREJECTED;
	if (!c->key->set)
		return 0;
	derive(&c->tx, c->key, server ? hello.nonce : c->nonce, server ? c->nonce : hello.nonce,
	       server ? 's' : 'c');
	derive(&c->rx, c->key, server ? hello.nonce : c->nonce, server ? c->nonce : hello.nonce,
	       server ? 'c' : 's');
	return 0;
}

/* 1: all of want is there. */
static int fill(int fd, uint8_t *buf, size_t *got, size_t want)
{
	while (*got < want) {
		ssize_t n = recv(fd, buf + *got, want - *got, MSG_DONTWAIT);

		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		*got += (size_t)n;
	}
	return 1;
}

static int read_head(struct conn *c)
{
	int ret = fill(c->fd, c->head, &c->head_got, head_size(c->rx.on));

	if (ret <= 0)
		return ret;
	ret = check_head(c);
	if (ret)
		return ret;
	if (c->frame.type == RING_DATA || c->frame.length > c->payload_max)
		return -EPROTO;
	free(c->body);
	c->body = malloc(c->frame.length + 1);
	c->body_got = 0;
	return c->body ? 1 : -ENOMEM;
}

int conn_read(struct conn *c)
{
	int ret = 1;

	if (c->head_got < head_size(c->rx.on))
		ret = read_head(c);
	if (ret == 1)
		ret = fill(c->fd, c->body, &c->body_got, c->frame.length);
	if (ret <= 0)
		return ret;
	c->head_got = 0;
	ret = check_body(c, &c->frame, c->body);
	return ret ? ret : 1;
}

int conn_queue(struct conn *c, enum ring_type type, uint64_t offset, const void *data, size_t len)
{
	struct frame f = {.type = (uint8_t)type, .session = c->session, .length = (uint32_t)len};
	uint8_t head[FRAME_HEADER + FRAME_MAC];

	f.offset = offset;
	f.crc = len ? crc32c(data, len) : 0;
	frame_encode(&f, head);
	if (c->tx.on)
		mac_make(&c->tx, head, data, len, head + FRAME_HEADER);
	strbuf_add(&c->out, head, head_size(c->tx.on));
	return strbuf_add(&c->out, data, len);
}

int conn_flush(struct conn *c)
{
	while (conn_pending(c)) {
		ssize_t n = send(c->fd, c->out.buf + c->out_sent, c->out.len - c->out_sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		c->out_sent += (size_t)n;
	}
	strbuf_reset(&c->out);
	c->out_sent = 0;
	return 0;
}

/* What a blocked call should do after a tick: go on (0), or give up. */
static int tick(const struct conn_wait *w, int64_t since)
{
	if (atomic_load_explicit(w->stop, memory_order_relaxed))
		return -ECANCELED;
	return now_ms() - since > w->silence_ms ? -ETIMEDOUT : 0;
}

/* On a link that is slower than this machine a segment comes at a time: to be woken once for the
 * whole rest instead of for each saves most of a node's CPU time. To be set before whatever waits.
 */
static void set_low_water(struct conn *c, size_t bytes)
{
	int value = bytes < LOW_WATER_MIN ? 1 : (int)bytes;

	if (c->low_water != (size_t)value)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
	c->low_water = (size_t)value;
}

static int recv_rest(int fd, uint8_t *p, size_t len, const struct conn_wait *w)
{
	int64_t since = now_ms();

	while (len) {
		ssize_t n = recv(fd, p, len, MSG_WAITALL);
		int ret;

		if (n == 0)
			return -ECONNRESET;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
			since = now_ms();
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		ret = tick(w, since);
		if (ret)
			return ret;
	}
	return 0;
}

int conn_recv_head(struct conn *c, struct frame *f, const struct conn_wait *w)
{
	size_t got = c->ahead_got;
	int ret;

	memcpy(c->head, c->ahead, got);
	c->ahead_got = 0;
	if (got < head_size(c->rx.on))
		set_low_water(c, 1);
	ret = recv_rest(c->fd, c->head + got, head_size(c->rx.on) - got, w);
	if (!ret)
		ret = check_head(c);
	*f = c->frame;
	return ret;
}

/* At least one byte of the len, and with the last one what is there of the next frame's head. */
static ssize_t recv_part(struct conn *c, uint8_t *p, size_t len, int flags)
{
	struct iovec iov[2] = {{p, len}, {c->ahead, head_size(c->rx.on)}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n = recvmsg(c->fd, &msg, flags);

	if (n > (ssize_t)len) {
		c->ahead_got = (size_t)n - len;
		n = (ssize_t)len;
	}
	return n;
}

/* Most of the time that len bytes will take. A reader that waits in recv() has the kernel acknowledge
 * every second packet, and with each such acknowledgement the link that brings the frames to the
 * node that sent it loses room: 2 % of it. One that comes back acknowledges all that is there. */
static void nap(struct conn *c, size_t len)
{
	int64_t ns = (int64_t)len * c->frame_ns / (int64_t)RING_FRAME * 7 / 8;

	if (ns < NAP_MIN_NS)
		return;
	set_low_water(c, 1);
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* The time from one frame's end to the next one's, smoothed. */
static void frame_ended(struct conn *c)
{
	int64_t now = now_ns(), took = now - c->frame_end;

	c->frame_end = now;
	c->frame_ns += ((took < NAP_MAX_NS ? took : NAP_MAX_NS) - c->frame_ns) / 8;
}

static int recv_payload(struct conn *c, uint8_t *p, size_t len, const struct conn_wait *w)
{
	int64_t since = now_ms();
	int flags = MSG_DONTWAIT, ret = 0;
	bool napped = false;

	while (len && !ret) {
		ssize_t n = recv_part(c, p, len, flags);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return n ? -errno : -ECONNRESET;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
			since = now_ms();
		} else if (!flags) {
			ret = tick(w, since);
		}
		if (!len)
			break;
		if (!napped) {
			nap(c, len);
			napped = true;
		} else {
			set_low_water(c, len);
			flags = 0;
		}
	}
	return ret;
}

int conn_recv_body(struct conn *c, const struct frame *f, void *buf, const struct conn_wait *w)
{
	size_t len = frame_payload(f);
	int ret = recv_payload(c, buf, len, w);

	if (len == RING_FRAME)
		frame_ended(c);
	return ret ? ret : check_body(c, f, buf);
}

static int send_vector(int fd, struct iovec *iov, size_t count, const struct conn_wait *w)
{
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = count};
	int64_t since = now_ms();

	while (msg.msg_iovlen) {
		ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		int ret;

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		ret = n < 0 ? tick(w, since) : 0;
		if (ret)
			return ret;
		since = n > 0 ? now_ms() : since;
		while (n > 0 && (size_t)n >= msg.msg_iov->iov_len) {
			n -= (ssize_t)msg.msg_iov->iov_len;
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
		if (n > 0) {
			msg.msg_iov->iov_base = (uint8_t *)msg.msg_iov->iov_base + n;
			msg.msg_iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

int conn_send_data(struct conn *c, const struct conn_data *list, size_t count,
		   const struct conn_wait *w)
{
	uint8_t heads[CONN_BATCH][FRAME_HEADER + FRAME_MAC];
	struct iovec iov[2 * CONN_BATCH];
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		size_t len = frame_payload(&list[i].frame);

		frame_encode(&list[i].frame, heads[i]);
		if (c->tx.on)
			mac_make(&c->tx, heads[i], list[i].payload, len, heads[i] + FRAME_HEADER);
		iov[n++] = (struct iovec){heads[i], head_size(c->tx.on)};
		if (len)
			iov[n++] = (struct iovec){(void *)list[i].payload, len};
	}
	return send_vector(c->fd, iov, n, w);
}

bool conn_is_gone(const struct conn *c)
{
	uint8_t byte;
	ssize_t n = recv(c->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	return n >= 0 || (errno != EAGAIN && errno != EINTR);
}
