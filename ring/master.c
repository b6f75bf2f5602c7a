/* The master: owns the source and the order of the ring, hears every node, and decides who takes
 * from whom. One control thread (the caller's); the reader and the senders are threads of their
 * own.
 */
#include "ring/master.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/lib/io.h"
#include "init/lib/log.h"
#include "ring/sock.h"

#define TICK_MS	     50
#define PATIENCE_MS  5000
#define PROGRESS_MS  500
#define GOODBYE_MS   500   /* for what is still queued when the session ends */
#define NO_SOURCE_MS 10000 /* to tell nodes that there is nothing for them */

/* --- events --- */

static size_t count_joined(const struct topology *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		n += !t->members[i]->next_life;
	return n;
}

void master_tell(struct master *m, enum ring_event_kind kind, const struct member *member,
		 const char *reason)
{
	struct ring_event e = {.kind = kind, .member = member, .reason = reason};
	int64_t now = now_ms();

	m->last_change = kind == RING_EVENT_PROGRESS ? m->last_change : now;
	e.tally = topology_tally(&m->topology);
	e.joined = count_joined(&m->topology);
	e.length = m->flow.length;
	e.bytes = e.joined ? e.tally.least : 0;
	e.seconds = m->first_join ? (double)(now - m->first_join) / 1000 : 0;
	e.port = m->opt->common.port;
	e.ok = !m->error;
	m->opt->event(&e, m->opt->arg);
}

/* --- the clock --- */

/* If this process itself was held up, that is nobody else's silence. */
static void forgive(struct master *m, int64_t now)
{
	int64_t gap = m->last_tick ? now - m->last_tick : 0;

	m->last_tick = now;
	if (gap < m->limits.detect_ms / 4)
		return;
	for (size_t i = 0; i < m->topology.count; i++) {
		m->topology.members[i]->heard += gap;
		m->topology.members[i]->progress_at += gap;
	}
	door_forgive(&m->door, gap);
}

static void judge(struct master *m, int64_t now)
{
	struct verdict v = topology_judge(&m->topology, &m->limits, now);

	while (v.kind != VERDICT_NONE) {
		master_act(m, &v);
		v = topology_judge(&m->topology, &m->limits, now);
	}
}

/* Whoever hung at the door is as good as here. It may have been no node at all: then the order is
 * not as wished, nothing else, because who comes after the start goes to the end. */
static void start_when_ready(struct master *m, int64_t now)
{
	size_t here = 0, hung = m->door.hung_count;

	for (size_t i = 0; i < m->topology.count; i++)
		here += m->topology.members[i]->rank != UINT32_MAX &&
			!m->topology.members[i]->next_life;
	if (m->started || (here + hung < m->opt->host_count &&
			   (!m->first_join || now - m->first_join <= m->opt->wait_ms)))
		return;
	m->started = true;
	if (here < m->opt->host_count)
		log_warn("%zu of %zu hosts have come and %zu hung while they joined: starting",
			 here, m->opt->host_count, hung);
}

static void tick(struct master *m)
{
	int64_t now = now_ms();

	forgive(m, now);
	judge(m, now);
	start_when_ready(m, now);
	master_update_places(m);
	master_release_idle(m);
	master_serve_peers(m, now);
	senders_reap(&m->senders);
	door_tick(&m->door);
	if (now - m->last_progress >= PROGRESS_MS) {
		m->last_progress = now;
		master_tell(m, RING_EVENT_PROGRESS, NULL, NULL);
	}
}

static int give_up(struct master *m, int error, const char *why)
{
	snprintf(m->why, sizeof(m->why), "%s", why);
	return m->error = error;
}

static void check_source(struct master *m)
{
	size_t chunk;
	int error = flow_error(&m->flow, &chunk);
	char why[RING_TEXT_MAX];

	if (error == -ENODATA && m->opt->manifest)
		error = -ESTALE;
	if (error == -ESTALE) {
		snprintf(why, sizeof(why), "the source has changed since its %s (chunk %zu)",
			 m->opt->manifest ? "data set was made" : "first byte was sent", chunk);
		log_err(0, "%s", why);
		give_up(m, error, why);
	} else if (error) {
		give_up(m, error, "the master cannot read the source any more");
	}
}

static bool is_cancelled(const struct master *m)
{
	return m->opt->common.cancelled && m->opt->common.cancelled();
}

static void check_cancelled(struct master *m)
{
	if (is_cancelled(m))
		give_up(m, -ECANCELED, "the master was told to end");
}

/* Everybody who came is done, failed or lost; who has not come is waited for a while. Without a
 * number of nodes: who keeps a master up starts it anew. */
static bool is_over(const struct master *m)
{
	struct topology_tally n = topology_tally(&m->topology);
	size_t joined = count_joined(&m->topology);

	if (!m->opt->nodes)
		return m->opt->manifest && topology_is_worn(&m->topology, now_ms());
	if (!joined || n.alive)
		return false;
	for (size_t i = 0; i < m->topology.count; i++)
		if (m->topology.members[i]->state == MEMBER_DONE ||
		    m->topology.members[i]->state == MEMBER_LEAVING)
			return false;
	return joined >= m->opt->nodes || now_ms() - m->last_change > m->opt->wait_ms;
}

static void run(struct master *m)
{
	struct pollfd fds[3] = {{.fd = m->door.poll_fd, .events = POLLIN},
				{.fd = m->members_fd, .events = POLLIN},
				{.fd = m->wake_fd, .events = POLLIN}};
	uint64_t n;

	while (!m->error && !is_over(m)) {
		int timeout = TICK_MS;

		if (poll(fds, 3, timeout) > 0) {
			if (fds[2].revents && read(m->wake_fd, &n, sizeof(n)) < 0)
				n = 0;
			door_handle(&m->door);
			master_handle_peers(m);
		}
		check_source(m);
		check_cancelled(m);
		tick(m);
	}
}

/* What is queued for the nodes (an abort, a release) gets a moment to leave. */
static void say_goodbye(struct master *m)
{
	int64_t end = now_ms() + GOODBYE_MS;
	bool pending = true;

	if (m->error)
		master_broadcast(m, RING_ABORT, master_abort_id(m), m->why);
	while (pending && now_ms() < end) {
		pending = false;
		for (size_t i = 0; i < m->peer_cap; i++)
			if (m->peers[i] && !conn_flush(&m->peers[i]->conn))
				pending = pending || conn_pending(&m->peers[i]->conn);
		if (pending)
			sleep_ms(10);
	}
}

static int verdict_of(const struct master *m)
{
	struct topology_tally n = topology_tally(&m->topology);

	if (m->error && !(m->error == -ECANCELED && !m->opt->nodes && n.done && !n.alive))
		return m->error;
	if (!m->error && !m->opt->nodes)
		return 0;
	return n.dropped || n.failed || n.alive || n.done < m->opt->nodes ? -ENODATA : 0;
}

/* --- start and end --- */

static int open_net(struct master *m)
{
	struct ring_common *c = (struct ring_common *)&m->opt->common;
	uint16_t port = c->port;
	int fd, ret = 0;

	if (c->interface) {
		ret = sock_local(c->interface, &m->data);
		if (ret)
			return ret;
	}
	fd = sock_listen(NULL, &port);
	if (fd < 0)
		return log_err(fd, "cannot listen on port %u", port);
	m->data.port = m->data.port || c->interface ? port : 0;
	ret = door_open(&m->door, fd, &c->key, PATIENCE_MS);
	m->door.hung_ms = m->limits.detect_ms < PATIENCE_MS ? m->limits.detect_ms : PATIENCE_MS;
	m->door.enter = master_enter;
	m->door.arg = m;
	m->members_fd = epoll_create1(EPOLL_CLOEXEC);
	m->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (ret || m->members_fd < 0 || m->wake_fd < 0)
		return log_err(-errno, "cannot poll");
	return 0;
}

static void close_all(struct master *m)
{
	for (size_t i = 0; i < m->peer_cap; i++)
		if (m->peers[i])
			peer_close(m, m->peers[i]);
	free(m->peers);
	door_close(&m->door);
	if (m->members_fd >= 0)
		close(m->members_fd);
	if (m->wake_fd >= 0)
		close(m->wake_fd);
	topology_free(&m->topology);
	source_close(&m->source);
}

static int serve(struct master *m)
{
	const struct ring_send *o = m->opt;
	int ret = flow_init(&m->flow, m->source.length, o->common.pool_bytes);

	if (ret)
		return log_err(ret, "cannot start");
	/* Who has a manifest may be there for a long time before anybody wants anything, and is
	 * able to tell those who come that the source has changed. */
	m->flow.idle = o->manifest;
	if (o->manifest)
		flow_add_hashes(&m->flow, 0, o->manifest->hash[0], o->manifest->chunks);
	m->reader = (struct reader){.flow = &m->flow,
				    .store = &m->source.store,
				    .manifest = o->manifest,
				    .wake_fd = m->wake_fd};
	m->senders = (struct senders){.flow = &m->flow,
				      .store = &m->source.store,
				      .beat_ms = m->beat_ms,
				      .detect_ms = o->detect_ms,
				      .verify = true};
	ret = reader_start(&m->reader);
	if (ret) {
		log_err(ret, "cannot start a thread");
	} else {
		master_tell(m, RING_EVENT_LISTENING, NULL, NULL);
		run(m);
		say_goodbye(m);
		ret = m->error = verdict_of(m);
		master_tell(m, RING_EVENT_END, NULL, NULL);
		flow_stop(&m->flow);
		senders_stop(&m->senders);
		reader_join(&m->reader);
	}
	flow_free(&m->flow);
	return ret;
}

/* What a manifest promises cannot be had: nodes that wait for it hear why, instead of finding a
 * closed port. It ends with the first and those that come with it, so that the caller soon looks
 * again. */
static void turn_all_away(struct master *m)
{
	struct pollfd p = {.fd = m->door.poll_fd, .events = POLLIN};
	int64_t now = now_ms(), end = now + NO_SOURCE_MS;

	m->door.enter = master_turn_away;
	master_tell(m, RING_EVENT_LISTENING, NULL, NULL);
	while (now < end && !is_cancelled(m) &&
	       (!m->first_join || now - m->first_join < GOODBYE_MS)) {
		if (poll(&p, 1, TICK_MS) > 0)
			door_handle(&m->door);
		door_tick(&m->door);
		now = now_ms();
	}
	master_tell(m, RING_EVENT_END, NULL, NULL);
}

void ring_send_defaults(struct ring_send *s)
{
	*s = (struct ring_send){.wait_ms = 30000,
				.detect_ms = 2000,
				.chunk_ms = 10000,
				.buffer_percent = 1,
				.slow_percent = 75};
	ring_common_defaults(&s->common);
	s->common.port = RING_PORT;
}

static int open_source(struct master *m)
{
	const struct blob_manifest *manifest = m->opt->manifest;
	int ret = source_open(&m->source, m->opt->paths, m->opt->path_count);

	if (ret)
		return give_up(m, ret, "the master cannot read the source");
	if (!manifest || manifest->length == m->source.length)
		return 0;
	log_err(0, "'%s' has changed since its data set was made: %llu bytes, not %llu",
		m->opt->paths[0], (unsigned long long)m->source.length,
		(unsigned long long)manifest->length);
	return give_up(m, -ESTALE, "the source has changed since its data set was made");
}

int ring_send(const struct ring_send *s)
{
	struct master m = {.opt = s, .members_fd = -1, .wake_fd = -1, .beat_ms = s->detect_ms / 16};
	int ret;

	m.door.listener = m.door.poll_fd = -1;
	m.limits = (struct topology_limits){.detect_ms = s->detect_ms,
					    .chunk_ms = s->chunk_ms,
					    .slow_percent = s->slow_percent};
	m.limits.backlog = s->common.pool_bytes / 100 * s->buffer_percent;
	m.beat_ms = m.beat_ms < 10 ? 10 : m.beat_ms;
	if (getrandom(&m.session, sizeof(m.session), 0) != sizeof(m.session))
		return log_err(-EIO, "no random numbers");
	m.session |= 1;
	ret = open_source(&m);
	topology_init(&m.topology, m.source.length);
	if (!ret || s->manifest)
		ret = open_net(&m);
	if (!ret && m.error)
		turn_all_away(&m);
	if (!ret)
		ret = m.error ? m.error : serve(&m);
	close_all(&m);
	return ret;
}
