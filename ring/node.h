/* A node's session, which node.c runs and node-join.c begins. Owned by the control thread. */
#ifndef LUCIE_RING_NODE_H
#define LUCIE_RING_NODE_H

#include "ring/door.h"
#include "ring/pump.h"
#include "ring/ring.h"
#include "ring/spool.h"

#define NODE_HANDSHAKE_MS 5000

struct node {
	const struct ring_recv *opt;
	struct conn control;
	struct ring_address master, local;
	struct ring_welcome welcome;
	struct spool spool;
	struct flow flow;
	struct writer writer;
	struct receiver receiver;
	struct senders senders;
	struct door door;
	struct ring_place place;
	bool receiving; /* the receiver runs */
	bool reported, kept, released;
	bool changed; /* the source is not what it was: nobody can get it any more */
	bool beat_now;
	int wake_fd;
	uint16_t port;
	uint32_t session, id; /* of the membership that was lost; 0 */
	int64_t begin, heard, last_beat, last_tick, last_progress;
	uint64_t shown;			     /* bytes, at last_progress */
	int status;			     /* what was reported: 0 or -errno */
	uint8_t gone[(RING_ID_MAX + 8) / 8]; /* bits: members that were dropped */
};

/* Queues a frame for the master and sends what can be sent. */
int node_say(struct node *n, enum ring_type type, uint64_t offset, struct strbuf *b);
bool node_is_cancelled(const struct node *n);
/* 1: one whole frame of the master is in n->control; -ETIMEDOUT, -ECANCELED, ... */
int node_wait_frame(struct node *n, int64_t deadline);
/* Until the master takes us, or the deadline; logs why not. */
int node_join(struct node *n, int64_t deadline);

#endif
