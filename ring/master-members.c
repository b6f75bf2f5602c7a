/* Who is in the ring: nodes join, are given their place, and are taken out; see master.h. */
#include "ring/master.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "init/lib/io.h"
#include "ring/sock.h"

/* Takes a member out; what it was decides what it is from now on. */
void master_lose(struct master *m, struct member *member, const char *reason)
{
	enum member_state before = member->state;
	struct peer *p = master_peer(m, member->id);
	enum member_state after = before == MEMBER_DONE	     ? MEMBER_RELEASED
				  : before == MEMBER_LEAVING ? MEMBER_FAILED
							     : MEMBER_DROPPED;

	if (before == MEMBER_LEAVING)
		reason = member->reason;
	topology_remove(&m->topology, member->id, after, reason, now_ms());
	master_broadcast(m, RING_DROP, member->id, reason);
	senders_drop(&m->senders, member->id);
	if (p)
		peer_close(m, p);
	if (after == MEMBER_DROPPED)
		master_tell(m, RING_EVENT_DROPPED, member, member->reason);
}

void master_act(struct master *m, const struct verdict *v)
{
	struct member *member = topology_member(&m->topology, v->id);

	if (v->kind == VERDICT_DROP) {
		master_lose(m, member, v->reason);
	} else if (v->kind == VERDICT_DEMOTE) {
		topology_demote(&m->topology, v->id, v->is_slow, now_ms());
		master_tell(m, RING_EVENT_DEMOTED, member, v->reason);
	}
}

static void send_place(struct master *m, struct peer *p, uint32_t source)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct ring_place place;

	topology_candidates(&m->topology, source, &place);
	for (size_t i = 0; i < place.count; i++)
		if (!place.candidates[i].id)
			place.candidates[i].data = m->data;
	message_encode_place(&b, &place);
	peer_send(p, RING_PLACE, 0, &b);
}

/* A node that took from another candidate than its first one, although that one is well, is told
 * again after a while. */
static bool needs_place(const struct master *m, const struct member *member, int64_t now)
{
	uint32_t before = topology_source(&m->topology, member->id, now);

	if (member->state != MEMBER_ACTIVE || member->place == PLACE_NONE)
		return false;
	return member->told != before ||
	       (member->attached != before && member->attached != RING_NOBODY &&
		now - member->attached_at > m->limits.detect_ms);
}

void master_update_places(struct master *m)
{
	int64_t now = now_ms();

	for (size_t i = 0; m->started && i < m->topology.count; i++) {
		struct member *member = m->topology.members[i];
		struct peer *p = master_peer(m, member->id);

		if (!p || !needs_place(m, member, now))
			continue;
		member->told = topology_source(&m->topology, member->id, now);
		member->attached_at = now;
		send_place(m, p, member->told);
	}
}

void master_release_idle(struct master *m)
{
	for (size_t i = m->topology.count; i--;) {
		struct member *member = m->topology.members[i];
		struct peer *p = master_peer(m, member->id);
		struct strbuf none = STRBUF_INIT;
		bool done = member->state == MEMBER_DONE;

		if ((!done && member->state != MEMBER_LEAVING) ||
		    !topology_is_idle(&m->topology, member->id))
			continue;
		if (p)
			peer_send(p, RING_RELEASE, 1, &none);
		topology_remove(&m->topology, member->id, done ? MEMBER_RELEASED : MEMBER_FAILED,
				member->reason, now_ms());
	}
}

/* "node07" and "node07.cluster" are the same, and so is its address. */
static bool host_matches(const char *host, const char *name, const struct ring_address *from)
{
	size_t a = strcspn(host, "."), b = strcspn(name, ".");
	char text[SOCK_TEXT];

	if (!strcmp(host, name) || ((!host[a] || !name[b]) && a == b && !strncmp(host, name, a) &&
				    host[strspn(host, "0123456789.")]))
		return true;
	sock_text(from, text);
	*strrchr(text, ':') = '\0';
	return !strcmp(host, text);
}

static uint32_t rank_of(const struct master *m, const char *name, const struct ring_address *from)
{
	for (size_t i = 0; i < m->opt->host_count; i++)
		if (host_matches(m->opt->hosts[i], name, from))
			return (uint32_t)i;
	return UINT32_MAX;
}

/* A process that was started again on a node that had been dropped or had failed continues it. */
static uint32_t former_life(const struct master *m, const struct ring_join *join,
			    const struct ring_address *data)
{
	if (join->old_session == m->session && topology_member(&m->topology, join->old_id))
		return join->old_id;
	for (size_t i = m->topology.count; i--;) {
		const struct member *old = m->topology.members[i];

		if ((old->state == MEMBER_DROPPED || old->state == MEMBER_FAILED) &&
		    !old->next_life && !strcmp(old->name, join->name) &&
		    !memcmp(old->data.ip, data->ip, sizeof(data->ip)))
			return old->id;
	}
	return 0;
}

static void send_welcome(struct master *m, struct peer *p)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct ring_welcome w = {
		.id = p->id,
		.epoch = m->topology.epoch,
		.detect_ms = m->limits.detect_ms,
		.beat_ms = m->beat_ms,
		.kind = m->source.kind,
		.length = m->source.length,
		.catalog_len = m->source.text.len,
		.mode = m->source.mode,
		.mtime = m->source.mtime,
	};

	memcpy(w.name, m->source.name, sizeof(w.name));
	message_encode_welcome(&b, &w);
	p->conn.session = m->session;
	peer_send(p, RING_WELCOME, 0, &b);
}

static bool reserve_peer(struct master *m, uint32_t id)
{
	struct peer **grown;

	if (id <= m->peer_cap)
		return true;
	grown = realloc(m->peers, id * sizeof(*grown));
	if (!grown)
		return false;
	memset(grown + m->peer_cap, 0, (id - m->peer_cap) * sizeof(*grown));
	m->peers = grown;
	m->peer_cap = id;
	return true;
}

static void join(struct master *m, struct conn *conn, const struct ring_address *from)
{
	struct ring_address data = *from;
	struct peer *p = calloc(1, sizeof(*p));
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
	struct member *member = NULL;
	struct ring_join j;
	uint32_t former;

	if (!p || message_decode_join(&j, conn->body, conn->frame.length)) {
		free(p);
		conn_refuse(conn, RING_ABORT, 0, "the request to join cannot be understood");
		return;
	}
	if (!sock_is_any(&j.data))
		data = j.data;
	data.port = j.data.port;
	former = former_life(m, &j, &data);
	if (former && master_peer(m, former))
		master_lose(m, topology_member(&m->topology, former), "it came back");
	if (reserve_peer(m, (uint32_t)m->topology.count + 1))
		member = topology_join(&m->topology, j.name, &data, rank_of(m, j.name, from),
				       former, now_ms());
	if (!member || epoll_ctl(m->members_fd, EPOLL_CTL_ADD, conn->fd, &e)) {
		free(p);
		conn_refuse(conn, RING_ABORT, 0, "the master cannot take another node");
		if (member)
			master_lose(m, member, "no connection to it");
		return;
	}
	p->conn = *conn;
	p->id = member->id;
	m->peers[p->id - 1] = p;
	if (!m->first_join)
		m->first_join = now_ms();
	flow_begin(&m->flow);
	if (j.needs_root && !m->opt->manifest)
		flow_hurry(&m->flow);
	send_welcome(m, p);
	master_tell(m, member->former ? RING_EVENT_RETURNED : RING_EVENT_JOINED, member, NULL);
}

static void fetch(struct master *m, struct conn *conn)
{
	struct ring_notice n;
	const struct member *member;
	int ret;

	if (message_decode_notice(&n, conn->body, conn->frame.length)) {
		conn_refuse(conn, RING_REFUSE, 0, "not understood");
		return;
	}
	member = topology_member(&m->topology, n.id);
	if (conn->frame.session != m->session || !member || member->place == PLACE_NONE) {
		conn_refuse(conn, RING_REFUSE, 0, "not in this ring any more");
		return;
	}
	conn->session = m->session;
	ret = senders_add(&m->senders, conn, n.id, conn->frame.offset);
	if (ret)
		conn_refuse(conn, RING_REFUSE, 0, strerror(-ret));
}

uint32_t master_abort_id(const struct master *m)
{
	return m->error == -ESTALE ? RING_ABORT_CHANGED : 0;
}

void master_turn_away(void *arg, struct conn *conn, const struct ring_address *from)
{
	struct master *m = arg;

	(void)from;
	if (conn->frame.type == RING_JOIN && !m->first_join)
		m->first_join = now_ms();
	conn_refuse(conn, conn->frame.type == RING_JOIN ? RING_ABORT : RING_REFUSE,
		    master_abort_id(m), m->why);
}

void master_enter(void *arg, struct conn *conn, const struct ring_address *from)
{
	if (conn->frame.type == RING_JOIN)
		join(arg, conn, from);
	else
		fetch(arg, conn);
}
