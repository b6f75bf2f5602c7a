/* network -> memory: finds a predecessor among its candidates, asks it for what comes next, and
 * fills the pool. Whatever goes wrong with a predecessor has one answer: close, attach again, ask
 * from the offset that is needed. What is wrong for longer is told to the master. */
#include "ring/pump.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/lib/io.h"
#include "init/lib/log.h"
#include "ring/sock.h"

#define TICK_MS	   100
#define STAGGER_MS 150 /* before the next candidate is tried beside the first */
#define BAD_MAX	   3   /* damaged frames or chunks from the same predecessor */
#define RETRY_MS   50

void wake(int fd)
{
	uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof(one));

	(void)n; /* an eventfd that is full wakes as well */
}

/* --- attaching --- */

enum attempt_state {
	ATTEMPT_WAITING,
	ATTEMPT_CONNECTING,
	ATTEMPT_HELLO,
	ATTEMPT_READY,
	ATTEMPT_FAILED
};

struct attempt {
	struct conn conn;
	enum attempt_state state;
};

static void attempt_start(struct receiver *r, struct attempt *a, const struct ring_candidate *c)
{
	struct ring_address to = sock_is_any(&c->data) ? r->master : c->data;
	int fd = sock_connect(&to, r->local);

	a->state = fd < 0 ? ATTEMPT_FAILED : ATTEMPT_CONNECTING;
	conn_init(&a->conn, fd, r->key);
}

/* A step of the handshake after poll() said that something can be done. */
static int attempt_step(struct attempt *a)
{
	int ret;

	if (a->state == ATTEMPT_CONNECTING) {
		ret = sock_connected(a->conn.fd);
		if (!ret)
			ret = conn_hello_send(&a->conn);
		a->state = ATTEMPT_HELLO;
		return ret ? ret : conn_flush(&a->conn);
	}
	ret = conn_read(&a->conn);
	if (ret == 1) {
		ret = conn_hello_take(&a->conn, &a->conn.frame, false);
		a->state = ATTEMPT_READY;
	}
	return ret;
}

/* The nearest that is ready, if no nearer one can still become so (or has been given time enough).
 */
static int attempt_chosen(const struct attempt *list, size_t count, bool in_time)
{
	bool failed = true;

	for (size_t i = 0; i < count; i++) {
		if (list[i].state == ATTEMPT_READY)
			return (int)i;
		if (list[i].state != ATTEMPT_FAILED) {
			failed = false;
			if (in_time)
				return -EAGAIN;
		}
	}
	return failed ? -ECONNREFUSED : -EAGAIN;
}

static void attempts_poll(struct receiver *r, struct attempt *list, size_t count)
{
	struct pollfd fds[RING_CANDIDATES + 1] = {{.fd = r->kick_fd, .events = POLLIN}};

	for (size_t i = 0; i < count; i++) {
		bool open = list[i].state == ATTEMPT_CONNECTING || list[i].state == ATTEMPT_HELLO;

		fds[i + 1].fd = open ? list[i].conn.fd : -1;
		fds[i + 1].events = list[i].state == ATTEMPT_CONNECTING ? POLLOUT : POLLIN;
	}
	if (poll(fds, count + 1, RETRY_MS) <= 0)
		return;
	for (size_t i = 0; i < count; i++)
		if (fds[i + 1].fd >= 0 && fds[i + 1].revents && attempt_step(&list[i]) < 0)
			list[i].state = ATTEMPT_FAILED;
}

static void take_place(struct receiver *r, struct ring_place *out)
{
	uint64_t n;

	pthread_mutex_lock(&r->lock);
	if (read(r->kick_fd, &n, sizeof(n)) < 0)
		n = 0;
	*out = r->place;
	pthread_mutex_unlock(&r->lock);
}

static bool place_changed(struct receiver *r, const struct ring_place *place)
{
	bool changed;

	pthread_mutex_lock(&r->lock);
	changed = r->place.epoch != place->epoch;
	pthread_mutex_unlock(&r->lock);
	return changed;
}

/* Candidates are tried side by side, each a moment after the one before it or at once when that one
 * has failed, so that several dead ones next to each other cost one wait. */
static int choose(struct receiver *r, const struct ring_place *place, struct attempt *list)
{
	int64_t begin = now_ms(), next = begin;
	size_t started = 0;
	int chosen = -EAGAIN;

	while (chosen == -EAGAIN && !flow_stopped(r->flow) && !place_changed(r, place)) {
		int64_t now = now_ms();

		if (now - begin > r->detect_ms)
			return -ETIMEDOUT;
		if (started < place->count &&
		    (now >= next || list[started - 1].state == ATTEMPT_FAILED)) {
			attempt_start(r, &list[started], &place->candidates[started]);
			started++;
			next = now + STAGGER_MS;
		}
		attempts_poll(r, list, started);
		chosen = attempt_chosen(list, started, now - begin < r->detect_ms / 2);
		if (chosen == -ECONNREFUSED && started < place->count)
			chosen = -EAGAIN;
	}
	return chosen;
}

static int ask(struct receiver *r, struct conn *conn, uint32_t epoch)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct ring_notice fetch = {.id = r->self, .epoch = epoch};
	int ret;

	message_encode_notice(&b, &fetch);
	conn->session = r->session;
	ret = sock_set_blocking(conn->fd, TICK_MS);
	if (!ret)
		ret = conn_queue(conn, RING_FETCH, flow_received(r->flow), b.buf, b.len);
	return ret ? ret : conn_flush(conn);
}

/* Leaves the connection that delivers in *out, and its id in *from. */
static int attach(struct receiver *r, struct conn *out, uint32_t *from)
{
	struct attempt list[RING_CANDIDATES] = {0};
	struct ring_place place;
	int chosen, ret;

	take_place(r, &place);
	if (!place.count) {
		poll(&(struct pollfd){.fd = r->kick_fd, .events = POLLIN}, 1, TICK_MS);
		return -EAGAIN;
	}
	for (size_t i = 0; i < place.count; i++)
		list[i].conn.fd = -1;
	chosen = choose(r, &place, list);
	ret = chosen < 0 ? chosen : ask(r, &list[chosen].conn, place.epoch);
	for (int i = 0; i < place.count; i++)
		if (i != chosen || ret)
			conn_close(&list[i].conn);
	if (ret)
		return ret;
	*out = list[chosen].conn;
	*from = place.candidates[chosen].id;
	return 0;
}

/* --- receiving --- */

static void begin_chunk(struct receiver *r, uint64_t position)
{
	r->generation = flow_generation(r->flow);
	r->slot = flow_slot_get(r->flow, (size_t)(position / BLOB_CHUNK));
	blake3_hasher_init(&r->hasher);
}

static int end_chunk(struct receiver *r)
{
	struct slot *slot = r->slot;

	r->slot = NULL;
	if (slot->zero)
		memcpy(slot->hash, zero_chunk_hash(), BLOB_HASH_LEN);
	else
		blake3_hasher_finalize(&r->hasher, slot->hash, BLOB_HASH_LEN);
	return flow_slot_full(r->flow, slot, r->generation);
}

static bool fits(const struct frame *f, uint64_t position, size_t chunk_len)
{
	size_t from = (size_t)(position % BLOB_CHUNK), end = from + f->length;

	return f->offset == position && end <= chunk_len &&
	       (end % RING_FRAME == 0 || end == chunk_len) &&
	       (f->flags & FRAME_ZERO || from / RING_FRAME == (end - 1) / RING_FRAME);
}

static int take_body(struct receiver *r, struct conn *conn, const struct frame *f,
		     const struct conn_wait *w)
{
	struct slot *slot = r->slot;
	uint8_t *at = slot->data + slot->filled;
	int ret = conn_recv_body(conn, f, at, w);

	if (ret)
		return ret;
	if (f->flags & FRAME_ZERO) {
		/* Nobody looks at the slot before its first byte is published. */
		if (f->length == BLOB_CHUNK)
			slot->zero = true;
		else
			memset(at, 0, f->length);
	}
	slot->crc[slot->filled / RING_FRAME] = f->crc;
	if (!slot->zero)
		blake3_hasher_update(&r->hasher, at, f->length);
	return 0;
}

static int take_data(struct receiver *r, struct conn *conn, const struct frame *f,
		     const struct conn_wait *w)
{
	uint64_t position = flow_received(r->flow);
	size_t chunk_len = flow_chunk_length(r->flow, (size_t)(position / BLOB_CHUNK));
	int ret;

	if (!fits(f, position, chunk_len))
		return -EPROTO;
	if (!r->slot)
		begin_chunk(r, position);
	if (!r->slot)
		return -ECANCELED;
	ret = take_body(r, conn, f, w);
	if (ret)
		return ret;
	ret = flow_publish(r->flow, r->slot, f->length, r->generation);
	if (!ret && r->slot->filled == chunk_len)
		ret = end_chunk(r);
	if (ret)
		r->slot = NULL;
	return ret;
}

static int take_frame(struct receiver *r, struct conn *conn, const struct conn_wait *w)
{
	uint8_t refusal[1024];
	struct frame f;
	int ret = conn_recv_head(conn, &f, w);

	if (ret)
		return ret;
	if (f.type == RING_DATA)
		return take_data(r, conn, &f, w);
	if (f.length > sizeof(refusal))
		return -EPROTO;
	ret = conn_recv_body(conn, &f, refusal, w);
	if (ret)
		return ret;
	return f.type == RING_IDLE ? 0 : f.type == RING_REFUSE ? -ECONNREFUSED : -EPROTO;
}

static void set_attached(struct receiver *r, int fd, uint32_t from)
{
	pthread_mutex_lock(&r->lock);
	r->fd = fd;
	r->attached = from;
	pthread_mutex_unlock(&r->lock);
}

/* A rewind makes the slot somebody else's. */
static void check_generation(struct receiver *r)
{
	if (r->slot && r->generation != flow_generation(r->flow))
		r->slot = NULL;
}

static int receive(struct receiver *r, struct conn *conn, uint32_t from)
{
	struct conn_wait w = {&r->flow->stopped, r->detect_ms + r->detect_ms / 2};
	int ret = 0;

	set_attached(r, conn->fd, from);
	wake(r->wake_fd);
	while (!ret && flow_received(r->flow) < r->flow->length)
		ret = take_frame(r, conn, &w);
	set_attached(r, -1, RING_NOBODY);
	return ret;
}

static void complain(struct receiver *r, uint32_t about, const char *text)
{
	pthread_mutex_lock(&r->lock);
	r->complain = about;
	snprintf(r->complaint, sizeof(r->complaint), "%s", text);
	pthread_mutex_unlock(&r->lock);
	wake(r->wake_fd);
}

static bool is_damage(int err)
{
	return err == -EBADMSG || err == -EKEYREJECTED || err == -EPROTO || err == -EAGAIN;
}

/* The end of a connection, counted against its other side where it may be the cause. */
static void judge_end(struct receiver *r, uint32_t from, int err)
{
	if (err == -ETIMEDOUT) {
		complain(r, from, "silent on the data connection");
	} else if (is_damage(err)) {
		r->bad_count = r->bad_from == from ? r->bad_count + 1 : 1;
		r->bad_from = from;
		log_warn("damaged data from node %u at %llu, fetched again", from,
			 (unsigned long long)flow_received(r->flow));
		if (r->bad_count % BAD_MAX == 0)
			complain(r, from, "sends damaged data");
	}
}

static void receive_once(struct receiver *r)
{
	struct conn conn;
	uint32_t from;
	int ret = attach(r, &conn, &from);

	if (!ret) {
		sock_tune(conn.fd, r->detect_ms);
		ret = receive(r, &conn, from);
		conn_close(&conn);
		judge_end(r, from, ret);
		check_generation(r);
	}
	if (ret && ret != -EAGAIN && !flow_stopped(r->flow))
		poll(&(struct pollfd){.fd = r->kick_fd, .events = POLLIN}, 1, RETRY_MS);
}

static void *receiver_main(void *arg)
{
	struct receiver *r = arg;

	while (!flow_stopped(r->flow)) {
		check_generation(r);
		if (!flow_wait_rewind(r->flow, TICK_MS))
			receive_once(r);
	}
	return NULL;
}

/* --- control --- */

int receiver_start(struct receiver *r)
{
	int ret;

	pthread_mutex_init(&r->lock, NULL);
	r->fd = -1;
	r->attached = r->complain = RING_NOBODY;
	r->kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (r->kick_fd < 0)
		return -errno;
	ret = -pthread_create(&r->thread, NULL, receiver_main, r);
	if (ret)
		close(r->kick_fd);
	return ret;
}

void receiver_place(struct receiver *r, const struct ring_place *place)
{
	pthread_mutex_lock(&r->lock);
	r->place = *place;
	if (r->fd >= 0 && r->attached != place->candidates[0].id)
		shutdown(r->fd, SHUT_RDWR);
	pthread_mutex_unlock(&r->lock);
	wake(r->kick_fd);
}

uint32_t receiver_attached(struct receiver *r)
{
	uint32_t id;

	pthread_mutex_lock(&r->lock);
	id = r->attached;
	pthread_mutex_unlock(&r->lock);
	return id;
}

bool receiver_complaint(struct receiver *r, struct ring_notice *out)
{
	bool any;

	pthread_mutex_lock(&r->lock);
	any = r->complain != RING_NOBODY;
	*out = (struct ring_notice){.id = r->complain};
	memcpy(out->text, r->complaint, sizeof(out->text));
	r->complain = RING_NOBODY;
	pthread_mutex_unlock(&r->lock);
	return any;
}

void receiver_join(struct receiver *r)
{
	pthread_mutex_lock(&r->lock);
	if (r->fd >= 0)
		shutdown(r->fd, SHUT_RDWR);
	pthread_mutex_unlock(&r->lock);
	wake(r->kick_fd);
	pthread_join(r->thread, NULL);
	close(r->kick_fd);
	pthread_mutex_destroy(&r->lock);
}
