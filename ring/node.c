/* A node: joins the master, takes from its predecessor, lays down, passes on, reports, and stays
 * until nobody needs it. One control thread (the caller's); receiver, writer and senders are
 * threads.
 *
 * A session ends when the master lets it go, or when it is lost. A node that lost it joins again as
 * a late one and resumes from its own disk: dropped, restarted and late nodes are one case.
 */
#include "ring/node.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "ring/sock.h"

#define TICK_MS	    50
#define LAG	    ((uint64_t)4 * RING_FRAME)
#define PATIENCE_MS 5000
#define POOL_MAX    ((size_t)FLOW_SLOTS_MAX * BLOB_CHUNK)

/* --- frames from the master --- */

static int on_place(struct node *n)
{
	int ret = message_decode_place(&n->place, n->control.body, n->control.frame.length);

	if (!ret && n->receiving)
		receiver_place(&n->receiver, &n->place);
	return ret;
}

static int on_hashes(struct node *n)
{
	const struct frame *f = &n->control.frame;

	if (f->length % BLOB_HASH_LEN || f->offset > n->flow.chunks)
		return -EBADMSG;
	flow_add_hashes(&n->flow, (size_t)f->offset, n->control.body, f->length / BLOB_HASH_LEN);
	return 0;
}

static int on_drop(struct node *n)
{
	struct ring_notice d;

	if (message_decode_notice(&d, n->control.body, n->control.frame.length))
		return -EBADMSG;
	if (d.id == n->welcome.id) {
		log_warn("the master dropped this node: %s", d.text);
		return -ESTALE;
	}
	if (d.id <= RING_ID_MAX)
		n->gone[d.id / 8] |= (uint8_t)(1 << d.id % 8);
	senders_drop(&n->senders, d.id);
	return 0;
}

static int on_abort(struct node *n)
{
	struct ring_notice a;

	if (message_decode_notice(&a, n->control.body, n->control.frame.length))
		return -EBADMSG;
	log_err(0, "the master gave up: %s", a.text);
	n->changed = a.id == RING_ABORT_CHANGED;
	return n->changed ? -EBADMSG : -EPERM;
}

static int on_frame(struct node *n)
{
	switch (n->control.frame.type) {
	case RING_BEAT:
		return 0;
	case RING_PLACE:
		return on_place(n);
	case RING_HASHES_ARE:
		return on_hashes(n);
	case RING_DROP:
		return on_drop(n);
	case RING_ABORT:
		return on_abort(n);
	case RING_RELEASE:
		if (!n->reported)
			return -EPROTO; /* what it answers was not said */
		n->kept = true;
		n->released = n->released || n->control.frame.offset == 1;
		return 0;
	default:
		return -EPROTO;
	}
}

static int read_control(struct node *n)
{
	int ret = conn_read(&n->control);

	while (ret == 1) {
		n->heard = now_ms();
		ret = on_frame(n);
		if (!ret)
			ret = conn_read(&n->control);
	}
	return ret;
}

/* --- successors --- */

static void enter(void *arg, struct conn *conn, const struct ring_address *from)
{
	struct node *n = arg;
	struct ring_notice fetch;
	int ret;

	(void)from;
	if (conn->frame.type != RING_FETCH ||
	    message_decode_notice(&fetch, conn->body, conn->frame.length) ||
	    fetch.id > RING_ID_MAX) {
		conn_refuse(conn, RING_REFUSE, 0, "this is a node, not the master");
		return;
	}
	if (conn->frame.session != n->control.session ||
	    n->gone[fetch.id / 8] & 1 << fetch.id % 8) {
		conn_refuse(conn, RING_REFUSE, 0, "not in this ring any more");
		return;
	}
	conn->session = n->control.session;
	ret = senders_add(&n->senders, conn, fetch.id, conn->frame.offset);
	if (ret)
		conn_refuse(conn, RING_REFUSE, 0, strerror(-ret));
}

/* --- the clock --- */

static int send_beat(struct node *n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct flow_progress p = flow_progress(&n->flow);
	struct ring_beat beat = {.received = p.received,
				 .on_disk = p.written,
				 .disk_blocks = p.disk_blocks,
				 .attached = RING_NOBODY};

	if (n->receiving)
		beat.attached = receiver_attached(&n->receiver);
	beat.count = (uint8_t)senders_fill(&n->senders, beat.children);
	message_encode_beat(&b, &beat);
	n->last_beat = now_ms();
	n->beat_now = false;
	return node_say(n, RING_BEAT, 0, &b);
}

static int send_report(struct node *n, int status)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct ring_report r = {.status = (uint32_t)-status,
				.bytes = n->welcome.length,
				.millis = (uint32_t)(now_ms() - n->begin)};

	n->reported = true;
	n->status = status;
	if (status) {
		memcpy(r.text, n->writer.reason, sizeof(r.text));
		r.bytes = flow_progress(&n->flow).written;
	} else {
		memcpy(r.root, n->writer.root, sizeof(r.root));
	}
	message_encode_report(&b, &r);
	return node_say(n, RING_REPORT, 0, &b);
}

static int send_complaint(struct node *n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct ring_notice c;

	if (!n->receiving || !receiver_complaint(&n->receiver, &c))
		return 0;
	message_encode_notice(&b, &c);
	return node_say(n, RING_COMPLAIN, 0, &b);
}

static int start_receiver(struct node *n)
{
	int ret;

	n->receiver = (struct receiver){.flow = &n->flow,
					.key = &n->opt->common.key,
					.master = n->master,
					.session = n->control.session,
					.self = n->welcome.id,
					.detect_ms = n->welcome.detect_ms,
					.wake_fd = n->wake_fd};
	n->receiver.local = n->opt->common.interface ? &n->local : NULL;
	ret = receiver_start(&n->receiver);
	if (ret)
		return log_err(ret, "cannot start a thread");
	n->receiving = true;
	if (n->place.count)
		receiver_place(&n->receiver, &n->place);
	return 0;
}

static void show_progress(struct node *n, int64_t now)
{
	uint64_t written = flow_progress(&n->flow).written;

	if (!n->opt->progress || (written == n->shown && now - n->last_progress < 500))
		return;
	n->shown = written;
	n->last_progress = now;
	n->opt->progress(written, n->welcome.length, n->opt->arg);
}

/* If this process itself was held up, that is not the master's silence. */
static int check_master(struct node *n, int64_t now)
{
	if (n->last_tick && now - n->last_tick > n->welcome.detect_ms / 4)
		n->heard += now - n->last_tick;
	n->last_tick = now;
	return now - n->heard > n->welcome.detect_ms ? -ETIMEDOUT : 0;
}

/* While a successor falls behind, the master has to hear more often how far it is. */
static bool is_beat_due(struct node *n, int64_t now)
{
	uint64_t received = flow_received(&n->flow);
	struct ring_child child[RING_CHILDREN];
	size_t count = senders_fill(&n->senders, child);
	int64_t after = n->welcome.beat_ms;

	for (size_t i = 0; i < count; i++)
		if (received - child[i].sent > LAG)
			after = n->welcome.beat_ms / 3;
	return n->beat_now || now - n->last_beat >= after;
}

static int tick(struct node *n)
{
	int64_t now = now_ms();
	int ret = check_master(n, now);

	if (!ret)
		ret = send_complaint(n);
	if (!ret && atomic_load(&n->writer.checked) && !n->receiving)
		ret = start_receiver(n);
	if (!ret && !n->reported && atomic_load(&n->writer.result) != 1)
		ret = send_report(n, atomic_load(&n->writer.result));
	if (!ret && is_beat_due(n, now))
		ret = send_beat(n);
	senders_reap(&n->senders);
	door_tick(&n->door);
	show_progress(n, now);
	return ret ? ret : conn_flush(&n->control);
}

static int run(struct node *n)
{
	struct pollfd fds[3] = {{.fd = n->control.fd, .events = POLLIN},
				{.fd = n->door.poll_fd, .events = POLLIN},
				{.fd = n->wake_fd, .events = POLLIN}};
	int ret = 0;

	while (!ret && !n->released) {
		uint64_t count;

		if (poll(fds, 3, TICK_MS) > 0) {
			if (fds[2].revents && read(n->wake_fd, &count, sizeof(count)) > 0)
				n->beat_now = true;
			door_handle(&n->door);
			ret = read_control(n);
		}
		if (!ret && !n->released)
			ret = tick(n);
		if (node_is_cancelled(n))
			ret = -ECANCELED;
	}
	return n->released ? 0 : ret;
}

/* --- a session --- */

static int open_door(struct node *n)
{
	const struct ring_common *c = &n->opt->common;
	int fd, ret;

	n->port = c->port;
	fd = sock_listen(c->interface ? &n->local : NULL, &n->port);
	if (fd < 0)
		return log_err(fd, "cannot listen on port %u", n->port);
	ret = door_open(&n->door, fd, &c->key, PATIENCE_MS);
	n->door.enter = enter;
	n->door.arg = n;
	return ret ? log_err(ret, "cannot listen") : 0;
}

static int start_writer(struct node *n)
{
	int ret;

	n->writer = (struct writer){.flow = &n->flow,
				    .spool = &n->spool,
				    .wake_fd = n->wake_fd,
				    .has_root = n->opt->has_root};
	memcpy(n->writer.expected_root, n->opt->root, sizeof(n->opt->root));
	n->flow.gated = n->opt->has_root;
	ret = writer_start(&n->writer);
	return ret ? log_err(ret, "cannot start a thread") : 0;
}

static int take_part(struct node *n)
{
	int ret = flow_init(&n->flow, n->welcome.length, n->opt->common.pool_bytes);

	if (ret)
		return log_err(ret, "cannot start");
	n->senders = (struct senders){.flow = &n->flow,
				      .store = &n->spool.store,
				      .beat_ms = n->welcome.beat_ms,
				      .detect_ms = n->welcome.detect_ms};
	ret = start_writer(n);
	if (!ret) {
		ret = run(n);
		flow_stop(&n->flow);
		if (n->receiving)
			receiver_join(&n->receiver);
		senders_stop(&n->senders);
		writer_join(&n->writer);
		show_progress(n, now_ms());
	}
	flow_free(&n->flow);
	return ret;
}

/* A folder that cannot be made, a device that is too small: the master hears of that too. */
static int report_unable(struct node *n, int err)
{
	int64_t end = now_ms() + NODE_HANDSHAKE_MS;

	snprintf(n->writer.reason, sizeof(n->writer.reason), "%.*s", RING_TEXT_MAX - 1,
		 log_last_error());
	flow_init(&n->flow, 0, 0);
	if (!send_report(n, err))
		while (!n->kept && now_ms() < end && node_wait_frame(n, end) == 1)
			on_frame(n);
	flow_free(&n->flow);
	return err;
}

static void forget_session(struct node *n)
{
	n->session = n->control.session;
	n->id = n->welcome.id;
	conn_close(&n->control);
	n->place = (struct ring_place){0};
	n->receiving = n->reported = n->kept = n->released = false;
	n->last_tick = n->last_beat = 0;
	memset(n->gone, 0, sizeof(n->gone));
}

/* 0: done and known; -errno. *lost: the session was lost before that, another try may help. */
static int session(struct node *n, int64_t deadline, bool *lost)
{
	int ret = node_join(n, deadline);

	*lost = false;
	if (ret)
		return ret;
	n->heard = now_ms();
	ret = spool_open(&n->spool, n->opt->dest, &n->welcome);
	if (ret) {
		ret = report_unable(n, ret);
	} else {
		ret = take_part(n);
		*lost = ret && ret != -EPERM && ret != -ECANCELED && !n->reported && !n->changed;
		if (n->kept)
			ret = n->status;
		else if (n->reported && ret)
			log_err(0, "the master was lost before it knew the end (%s)",
				n->status ? "not complete" : "all is verified and in its place");
		spool_close(&n->spool);
	}
	forget_session(n);
	return ret;
}

void ring_common_defaults(struct ring_common *c)
{
	struct sysinfo info;
	size_t eighth = POOL_MAX;

	if (!sysinfo(&info) && (uint64_t)info.totalram * info.mem_unit / 8 < eighth)
		eighth = (size_t)((uint64_t)info.totalram * info.mem_unit / 8);
	*c = (struct ring_common){.pool_bytes = eighth};
}

void ring_recv_defaults(struct ring_recv *r)
{
	*r = (struct ring_recv){.wait_ms = 30000};
	ring_common_defaults(&r->common);
}

int ring_recv(const struct ring_recv *r)
{
	_cleanup_free_ struct node *n = calloc(1, sizeof(*n));
	int64_t deadline = now_ms() + r->wait_ms;
	bool lost;
	int ret;

	if (!n)
		return log_err(-ENOMEM, "cannot start");
	n->opt = r;
	n->control.fd = n->door.listener = n->door.poll_fd = -1;
	n->begin = now_ms();
	n->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ret = r->common.interface ? sock_local(r->common.interface, &n->local) : 0;
	if (!ret)
		ret = open_door(n);
	while (!ret) {
		ret = session(n, deadline, &lost);
		if (!lost)
			break;
		log_warn("lost the master (%s), joining again", strerror(-ret));
		deadline = now_ms() + n->welcome.detect_ms;
		ret = 0;
	}
	door_close(&n->door);
	close(n->wake_fd);
	return ret;
}
