/* The listening socket of a node or of the master, and the strangers at it: connections that have
 * not yet said, in one bounded message and in bounded time, what they want. Garbage, a wrong key or
 * silence cost a stranger its connection and nobody else anything.
 */
#ifndef LUCIE_RING_DOOR_H
#define LUCIE_RING_DOOR_H

#include "ring/conn.h"

#define DOOR_STRANGERS 128

struct stranger {
	struct conn conn;
	struct ring_address from;
	int64_t since; /* ms */
	bool greeted;
};

/* Owned by a control thread. */
struct door {
	int listener, poll_fd; /* poll_fd: readable when door_handle() has something to do */
	const struct ring_key *key;
	struct stranger *strangers[DOOR_STRANGERS];
	size_t count;
	uint32_t patience_ms;
	uint64_t turned_away;
	/* Where somebody came from who did not say within hung_ms what he wants (0: not looked at),
	 * and nobody has entered from since: a node that hung while it joined, or a stranger. */
	uint32_t hung_ms;
	uint8_t hung[DOOR_STRANGERS][16];
	size_t hung_count;
	/* A greeted connection with its first frame in conn->frame and conn->body: RING_JOIN or
	 * RING_FETCH. The callee owns *conn from then on (by copy). */
	void (*enter)(void *arg, struct conn *conn, const struct ring_address *from);
	void *arg;
};

/* Takes the listening socket over. -errno. */
int door_open(struct door *d, int listener, const struct ring_key *key, uint32_t patience_ms);
void door_handle(struct door *d);
/* Turns away who waited too long. */
void door_tick(struct door *d);
/* This process was held up for so long: that is nobody's silence. */
void door_forgive(struct door *d, int64_t ms);
void door_close(struct door *d);

/* Says why in one notice, as well as it can be said without waiting, and closes. */
void conn_refuse(struct conn *c, enum ring_type type, uint32_t id, const char *text);

#endif
