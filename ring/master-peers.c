/* The master's connections to its nodes: what they say, and what all of them are told; see
 * master.h. */
#include "ring/master.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "init/lib/io.h"

#define EVENTS 64

struct peer *master_peer(const struct master *m, uint32_t id)
{
	return id && id <= m->peer_cap ? m->peers[id - 1] : NULL;
}

void peer_close(struct master *m, struct peer *p)
{
	if (p->conn.fd >= 0)
		epoll_ctl(m->members_fd, EPOLL_CTL_DEL, p->conn.fd, NULL);
	conn_close(&p->conn);
	m->peers[p->id - 1] = NULL;
	free(p);
}

void peer_send(struct peer *p, enum ring_type type, uint64_t offset, struct strbuf *b)
{
	if (b->error || conn_queue(&p->conn, type, offset, b->buf, b->len) || conn_flush(&p->conn))
		shutdown(p->conn.fd, SHUT_RDWR); /* the loop will see its end */
}

static void peer_notice(struct peer *p, enum ring_type type, uint32_t id, uint32_t epoch,
			const char *text)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct ring_notice n = {.id = id, .epoch = epoch};

	snprintf(n.text, sizeof(n.text), "%s", text);
	message_encode_notice(&b, &n);
	peer_send(p, type, 0, &b);
}

void master_broadcast(struct master *m, enum ring_type type, uint32_t id, const char *text)
{
	for (size_t i = 0; i < m->peer_cap; i++)
		if (m->peers[i])
			peer_notice(m->peers[i], type, id, m->topology.epoch, text);
}

static void on_report(struct master *m, struct peer *p, struct member *member,
		      const struct ring_report *r)
{
	struct strbuf none = STRBUF_INIT;

	if (member->state != MEMBER_ACTIVE)
		return;
	member->millis = r->millis;
	member->ended = now_ms();
	memcpy(member->root, r->root, sizeof(member->root));
	if (r->status) {
		topology_remove(&m->topology, member->id, MEMBER_LEAVING, r->text, now_ms());
		master_tell(m, RING_EVENT_FAILED, member, member->reason);
	} else {
		member->state = MEMBER_DONE;
		member->received = m->topology.length;
		master_tell(m, RING_EVENT_DONE, member, NULL);
	}
	peer_send(p, RING_RELEASE, 0, &none);
}

static int on_frame(struct master *m, struct peer *p, struct member *member)
{
	const struct frame *f = &p->conn.frame;
	struct ring_beat beat;
	struct ring_report report;
	struct ring_notice notice;
	struct verdict v;

	switch (f->type) {
	case RING_BEAT:
		if (message_decode_beat(&beat, p->conn.body, f->length))
			return -EBADMSG;
		topology_beat(&m->topology, p->id, &beat, now_ms());
		flow_want(&m->flow, member->received);
		return 0;
	case RING_REPORT:
		if (message_decode_report(&report, p->conn.body, f->length))
			return -EBADMSG;
		on_report(m, p, member, &report);
		return 0;
	case RING_COMPLAIN:
		if (message_decode_notice(&notice, p->conn.body, f->length))
			return -EBADMSG;
		v = topology_complaint(&m->topology, p->id, notice.id, notice.text);
		master_act(m, &v);
		return 0;
	default:
		return -EPROTO;
	}
}

static void on_readable(struct master *m, struct peer *p)
{
	uint32_t id = p->id;
	struct member *member = topology_member(&m->topology, id);
	int ret;

	for (;;) {
		ret = conn_read(&p->conn);
		if (ret == 1)
			ret = on_frame(m, p, member) ?: 1;
		if (ret <= 0 || master_peer(m, id) != p)
			break;
	}
	if (ret < 0 && master_peer(m, id) == p) {
		char reason[RING_TEXT_MAX];

		snprintf(reason, sizeof(reason), "its connection ended (%s)", strerror(-ret));
		if (member->place != PLACE_NONE || member->state == MEMBER_LEAVING)
			master_lose(m, member, reason);
		else
			peer_close(m, p);
	}
}

/* Peers may be closed while a batch is worked on, so that a pointer in it may not be used: ids are.
 */
void master_handle_peers(struct master *m)
{
	struct epoll_event events[EVENTS];
	uint32_t ids[EVENTS];
	int n = epoll_wait(m->members_fd, events, EVENTS, 0);

	for (int i = 0; i < n; i++)
		ids[i] = ((struct peer *)events[i].data.ptr)->id;
	for (int i = 0; i < n; i++)
		if (master_peer(m, ids[i]))
			on_readable(m, master_peer(m, ids[i]));
}

static void push_hashes(struct master *m, struct peer *p)
{
	uint8_t hashes[RING_HASHES][BLOB_HASH_LEN];

	while (!conn_pending(&p->conn)) {
		size_t n = flow_get_hashes(&m->flow, p->hashes_sent, hashes, RING_HASHES);

		if (!n)
			return;
		if (conn_queue(&p->conn, RING_HASHES_ARE, p->hashes_sent, hashes,
			       n * BLOB_HASH_LEN) ||
		    conn_flush(&p->conn)) {
			shutdown(p->conn.fd, SHUT_RDWR);
			return;
		}
		p->hashes_sent += n;
	}
	conn_flush(&p->conn);
}

void master_serve_peers(struct master *m, int64_t now)
{
	struct strbuf none = STRBUF_INIT;
	bool beat = now - m->last_beat >= m->beat_ms;

	for (size_t i = 0; i < m->peer_cap; i++) {
		if (!m->peers[i])
			continue;
		push_hashes(m, m->peers[i]);
		if (beat && !conn_pending(&m->peers[i]->conn))
			peer_send(m->peers[i], RING_BEAT, 0, &none);
	}
	if (beat)
		m->last_beat = now;
}
