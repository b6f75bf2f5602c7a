/* A node at the master's door: connects, says hello, asks to join, until it is taken or told why
 * not; see node.h. */
#include "ring/node.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "ring/sock.h"

#define CONNECT_MS 2000
#define RETRY_MS   200
#define SOON_MS	   20 /* the first pause, which doubles: a master may be started with its nodes */
#define WRONG_KEYS 3  /* in a row; one may have been a damaged frame */

int node_say(struct node *n, enum ring_type type, uint64_t offset, struct strbuf *b)
{
	int ret = b->error;

	if (!ret)
		ret = conn_queue(&n->control, type, offset, b->buf, b->len);
	return ret ? ret : conn_flush(&n->control);
}

bool node_is_cancelled(const struct node *n)
{
	return n->opt->common.cancelled && n->opt->common.cancelled();
}

/* One whole frame, or -ETIMEDOUT. */
int node_wait_frame(struct node *n, int64_t deadline)
{
	int ret = 0;

	while (!ret) {
		int64_t left = deadline - now_ms();
		struct pollfd p = {.fd = n->control.fd, .events = POLLIN};

		if (node_is_cancelled(n))
			return -ECANCELED;
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, left < RETRY_MS ? (int)left : RETRY_MS) > 0)
			ret = conn_read(&n->control);
	}
	return ret;
}

static int connect_to(struct node *n, const struct ring_address *to)
{
	int fd = sock_connect(to, NULL), ret;
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (fd < 0)
		return fd;
	ret = poll(&p, 1, CONNECT_MS) == 1 ? sock_connected(fd) : -ETIMEDOUT;
	if (ret) {
		close(fd);
		return ret;
	}
	conn_init(&n->control, fd, &n->opt->common.key);
	n->control.payload_max = RING_CONTROL_MAX;
	n->master = *to;
	return 0;
}

static int dial(struct node *n)
{
	struct ring_address list[SOCK_ADDRESSES];
	int count = sock_resolve(n->opt->master, RING_PORT, list), ret = -EHOSTUNREACH;

	for (int i = 0; i < count; i++) {
		ret = connect_to(n, &list[i]);
		if (!ret)
			return 0;
	}
	return count < 0 ? count : ret;
}

static int hello(struct node *n)
{
	int ret = conn_hello_send(&n->control);

	if (!ret)
		ret = conn_flush(&n->control);
	if (!ret)
		ret = node_wait_frame(n, now_ms() + NODE_HANDSHAKE_MS);
	return ret < 0 ? ret : conn_hello_take(&n->control, &n->control.frame, false);
}

static int ask_to_join(struct node *n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct ring_join j = {
		.old_session = n->session, .old_id = n->id, .needs_root = n->opt->has_root};

	if (n->opt->name)
		snprintf(j.name, sizeof(j.name), "%s", n->opt->name);
	else if (gethostname(j.name, sizeof(j.name) - 1))
		return -errno;
	j.data = n->local;
	j.data.port = n->port;
	memcpy(j.root, n->opt->root, sizeof(j.root));
	message_encode_join(&b, &j);
	return node_say(n, RING_JOIN, 0, &b);
}

/* -EPERM, or with n->changed -EBADMSG, with the master's words logged when it says no. */
static int take_welcome(struct node *n)
{
	struct ring_notice notice;
	int ret = node_wait_frame(n, now_ms() + NODE_HANDSHAKE_MS);
	const struct frame *f = &n->control.frame;

	if (ret < 0)
		return ret;
	if (f->type == RING_ABORT && !message_decode_notice(&notice, n->control.body, f->length)) {
		log_err(0, "the master says no: %s", notice.text);
		n->changed = notice.id == RING_ABORT_CHANGED;
		return n->changed ? -EBADMSG : -EPERM;
	}
	if (f->type == RING_REFUSE)
		return -EBUSY;
	if (f->type != RING_WELCOME)
		return -EPROTO;
	ret = message_decode_welcome(&n->welcome, n->control.body, f->length);
	n->control.session = f->session;
	return ret;
}

static const char *explain(int err)
{
	switch (err) {
	case -EPROTONOSUPPORT:
		return "it speaks another version of the protocol";
	case -EKEYREJECTED:
		return "it has another key, or one of the two has none";
	case -EBADMSG:
	case -EPROTO:
		return "it does not speak the ring's protocol";
	case -ECONNRESET:
		return "it closed the connection";
	case -EBUSY:
		return "there is no place at its door";
	default:
		return strerror(-err);
	}
}

/* Errors that another try cannot change. A connection that ends is none: the master may have been
 * started anew, or too many stood at its door. */
static bool is_final(int err, int wrong_keys)
{
	return err == -EPERM || wrong_keys == WRONG_KEYS || err == -EPROTONOSUPPORT ||
	       err == -ECANCELED || err == -EBADMSG || err == -EPROTO || err == -EINVAL;
}

/* Until the master takes us, or the deadline. */
int node_join(struct node *n, int64_t deadline)
{
	int wrong_keys = 0;

	for (int pause = SOON_MS;; pause = pause < RETRY_MS / 2 ? 2 * pause : RETRY_MS) {
		int ret = dial(n);

		if (!ret) {
			ret = hello(n);
			if (!ret)
				ret = ask_to_join(n);
			if (!ret)
				ret = take_welcome(n);
			if (!ret)
				return 0;
			conn_close(&n->control);
		}
		if (node_is_cancelled(n))
			ret = -ECANCELED;
		wrong_keys = ret == -EKEYREJECTED ? wrong_keys + 1 : 0;
		if (is_final(ret, wrong_keys) || now_ms() >= deadline) {
			if (ret != -EPERM && !n->changed)
				log_err(0, "cannot join '%s': %s", n->opt->master, explain(ret));
			return ret;
		}
		sleep_ms(pause);
	}
}
