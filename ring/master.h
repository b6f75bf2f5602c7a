/* The master's session, which master.c runs; master-members.c is who takes part in it,
 * master-peers.c what is said. Owned by the control thread. */
#ifndef LUCIE_RING_MASTER_H
#define LUCIE_RING_MASTER_H

#include "ring/door.h"
#include "ring/pump.h"
#include "ring/ring.h"
#include "ring/source.h"

struct peer {
	struct conn conn;
	uint32_t id;
	size_t hashes_sent;
};

struct master {
	const struct ring_send *opt;
	struct source source;
	struct flow flow;
	struct reader reader;
	struct senders senders;
	struct door door;
	struct topology topology;
	struct topology_limits limits;
	struct peer **peers; /* [id - 1]; NULL: not connected */
	size_t peer_cap;
	struct ring_address data; /* where nodes take from; all zero: where they reached us */
	uint32_t session, beat_ms;
	int members_fd, wake_fd;
	bool started;
	int64_t first_join, last_change, last_beat, last_progress, last_tick;
	int error;
	char why[RING_TEXT_MAX]; /* with error: what the nodes are told */
};

void master_tell(struct master *m, enum ring_event_kind kind, const struct member *member,
		 const char *reason);
/* NULL: not connected. */
struct peer *master_peer(const struct master *m, uint32_t id);
void peer_close(struct master *m, struct peer *p);
void peer_send(struct peer *p, enum ring_type type, uint64_t offset, struct strbuf *b);
void master_broadcast(struct master *m, enum ring_type type, uint32_t id, const char *text);
/* Hears who has said something. */
void master_handle_peers(struct master *m);
/* At every tick: new hashes, and beats when they are due. */
void master_serve_peers(struct master *m, int64_t now);

/* Takes a member out; what it was decides what it is from now on. */
void master_lose(struct master *m, struct member *member, const char *reason);
void master_act(struct master *m, const struct verdict *v);
/* Tells those whose predecessor is another one now. */
void master_update_places(struct master *m);
/* Lets those go from whom nobody takes any more. */
void master_release_idle(struct master *m);
/* The door's: somebody who joins, or who wants data. */
void master_enter(void *arg, struct conn *conn, const struct ring_address *from);
/* The same while there is an error: all of them are told. */
void master_turn_away(void *arg, struct conn *conn, const struct ring_address *from);
/* Of an ABORT. */
uint32_t master_abort_id(const struct master *m);

#endif
