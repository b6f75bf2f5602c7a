/* Who comes in; see door.h. */
#include "ring/door.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "init/lib/io.h"
#include "init/lib/log.h"
#include "ring/sock.h"

#define EVENTS 32

int door_open(struct door *d, int listener, const struct ring_key *key, uint32_t patience_ms)
{
	struct epoll_event e = {.events = EPOLLIN};

	*d = (struct door){.listener = listener, .key = key, .patience_ms = patience_ms};
	d->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->poll_fd < 0 || epoll_ctl(d->poll_fd, EPOLL_CTL_ADD, listener, &e))
		return -errno;
	return 0;
}

void conn_refuse(struct conn *c, enum ring_type type, uint32_t id, const char *text)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct ring_notice n = {.id = id};

	snprintf(n.text, sizeof(n.text), "%s", text);
	message_encode_notice(&b, &n);
	if (!b.error && !conn_queue(c, type, 0, b.buf, b.len))
		conn_flush(c);
	conn_close(c);
}

static size_t hung_find(const struct door *d, const struct ring_address *from)
{
	size_t i = 0;

	while (i < d->hung_count && memcmp(d->hung[i], from->ip, sizeof(from->ip)))
		i++;
	return i;
}

static void hung_add(struct door *d, const struct ring_address *from)
{
	if (hung_find(d, from) == d->hung_count && d->hung_count < DOOR_STRANGERS)
		memcpy(d->hung[d->hung_count++], from->ip, sizeof(from->ip));
}

static void hung_remove(struct door *d, const struct ring_address *from)
{
	size_t i = hung_find(d, from);

	if (i < d->hung_count)
		memmove(d->hung[i], d->hung[--d->hung_count], sizeof(d->hung[i]));
}

static void forget(struct door *d, struct stranger *s)
{
	size_t i = 0;

	while (i < d->count && d->strangers[i] != s)
		i++;
	if (i < d->count)
		d->strangers[i] = d->strangers[--d->count];
	if (s->conn.fd >= 0)
		epoll_ctl(d->poll_fd, EPOLL_CTL_DEL, s->conn.fd, NULL);
}

/* Who has another key cannot verify the refusal, and knows by that; to who has ours it says that
 * another try may help. One line now and then is enough for whoever knocks in a loop. */
static void turn_away(struct door *d, struct stranger *s, const char *why)
{
	char text[SOCK_TEXT];

	d->turned_away++;
	if (d->turned_away <= 20 || d->turned_away % 1000 == 0)
		log_warn("turned away %s: %s", sock_text(&s->from, text), why);
	forget(d, s);
	conn_refuse(&s->conn, RING_REFUSE, 0, why);
	free(s);
}

static struct stranger *oldest(const struct door *d)
{
	struct stranger *s = d->strangers[0];

	for (size_t i = 1; i < d->count; i++)
		if (d->strangers[i]->since < s->since)
			s = d->strangers[i];
	return s;
}

static void admit(struct door *d)
{
	struct ring_address from = {0};
	int fd = sock_accept(d->listener, &from);
	struct epoll_event e = {.events = EPOLLIN};
	struct stranger *s;

	if (fd < 0)
		return;
	if (d->count == DOOR_STRANGERS)
		turn_away(d, oldest(d), "too many at once");
	s = calloc(1, sizeof(*s));
	e.data.ptr = s;
	if (!s || epoll_ctl(d->poll_fd, EPOLL_CTL_ADD, fd, &e)) {
		close(fd);
		free(s);
		return;
	}
	conn_init(&s->conn, fd, d->key);
	s->from = from;
	s->since = now_ms();
	d->strangers[d->count++] = s;
}

static const char *explain(int err)
{
	switch (err) {
	case -EPROTONOSUPPORT:
		return "another version of the protocol";
	case -EKEYREJECTED:
		return "wrong key, or none, or one where none is used";
	case -ECONNRESET:
		return "closed before it said what it wants";
	default:
		return "not the ring's protocol";
	}
}

static void listen_to(struct door *d, struct stranger *s)
{
	int ret = conn_read(&s->conn);

	if (ret == 1 && !s->greeted) {
		s->greeted = true;
		ret = conn_hello_take(&s->conn, &s->conn.frame, true);
		conn_flush(&s->conn);
		if (!ret)
			return;
	}
	if (ret == 0)
		return;
	if (ret == 1 && (s->conn.frame.type == RING_JOIN || s->conn.frame.type == RING_FETCH)) {
		forget(d, s);
		hung_remove(d, &s->from);
		d->enter(d->arg, &s->conn, &s->from);
		free(s);
		return;
	}
	turn_away(d, s, explain(ret));
}

void door_handle(struct door *d)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(d->poll_fd, events, EVENTS, 0);
	bool knock = false;

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			listen_to(d, events[i].data.ptr);
		else
			knock = true;
	}
	if (knock)
		admit(d);
}

void door_tick(struct door *d)
{
	int64_t now = now_ms();

	for (size_t i = d->count; i--;) {
		struct stranger *s = d->strangers[i];

		if (d->hung_ms && now - s->since > d->hung_ms)
			hung_add(d, &s->from);
		if (now - s->since > d->patience_ms)
			turn_away(d, s, "said nothing");
	}
}

void door_forgive(struct door *d, int64_t ms)
{
	for (size_t i = 0; i < d->count; i++)
		d->strangers[i]->since += ms;
}

void door_close(struct door *d)
{
	while (d->count) {
		struct stranger *s = d->strangers[d->count - 1];

		forget(d, s);
		conn_close(&s->conn);
		free(s);
	}
	if (d->poll_fd >= 0)
		close(d->poll_fd);
	if (d->listener >= 0)
		close(d->listener);
	d->poll_fd = d->listener = -1;
}
