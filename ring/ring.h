/* The ring: one master sends a file, a device or a tree to any number of nodes, each of which
 * passes on what it gets (docs/ring-protocol.md). Threads are started and joined inside of
 * ring_send() and ring_recv(); nothing is global but the log.
 */
#ifndef LUCIE_RING_RING_H
#define LUCIE_RING_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/lib/blob.h"
#include "ring/conn.h"
#include "ring/topology.h"

#define RING_PORT 9998

/* What both sides need; ring_common_defaults() first. */
struct ring_common {
	uint16_t port;	       /* to listen on; a node: 0 for any */
	const char *interface; /* name or address of the card for the data; NULL: any */
	struct ring_key key;
	size_t pool_bytes;	 /* at most an eighth of the RAM, at most 64 MB */
	bool (*cancelled)(void); /* may be NULL; asked at least every 200 ms */
};
void ring_common_defaults(struct ring_common *c);
/* A key is made of everything in the file but blanks at its end; at least 16 bytes. Logs. */
int ring_key_read(struct ring_key *key, const char *path);

enum ring_event_kind {
	RING_EVENT_LISTENING, /* name: the port */
	RING_EVENT_JOINED,
	RING_EVENT_RETURNED,
	RING_EVENT_DEMOTED,
	RING_EVENT_DROPPED,
	RING_EVENT_FAILED,
	RING_EVENT_DONE,
	RING_EVENT_PROGRESS, /* about twice a second */
	RING_EVENT_END,
};

struct ring_event {
	enum ring_event_kind kind;
	const struct member *member; /* NULL for PROGRESS, LISTENING and END */
	uint16_t port;		     /* LISTENING */
	const char *reason;	     /* DEMOTED, DROPPED, FAILED */
	struct topology_tally tally;
	size_t joined;		/* different nodes ever */
	uint64_t length, bytes; /* bytes: received by the slowest node that is still at it */
	double seconds;		/* since the first node joined */
	bool ok;		/* END */
};

struct ring_send {
	struct ring_common common;
	char *const *paths;
	size_t path_count;
	/* What the source has to be, as ring_manifest() made it; NULL: whatever it is. With it
	 * nodes know all hashes at once, and a source that is something else by now ends
	 * everything: -ESTALE. When that, or that it cannot be read, shows at the start, the first
	 * nodes that come are told; without any it ends after 10 s. */
	const struct blob_manifest *manifest;
	/* Ends when so many have reported. 0: runs until cancelled; with a manifest it also ends,
	 * with 0, when it has had 1,000 members and none for 10 minutes, to be started anew. */
	size_t nodes;
	char *const *hosts; /* the order; NULL: as they come */
	size_t host_count;
	uint32_t wait_ms; /* for nodes that have not come: at the start with an order, at the end */
	uint32_t detect_ms, chunk_ms;
	uint32_t buffer_percent, slow_percent;
	void (*event)(const struct ring_event *e, void *arg); /* in the caller's thread */
	void *arg;
};
void ring_send_defaults(struct ring_send *s);
/* 0 only if at least `nodes` nodes have reported and all are verified. -ECANCELED; -ENODATA when
 * nodes are missing, were dropped or failed; else what is wrong with the source or the port
 * (logged). */
int ring_send(const struct ring_send *s);

/* The manifest of a file, device or tree as ring_send() streams it; holes are not read. progress
 * may be NULL; it is called after each chunk. Logs; -errno. */
int ring_manifest(struct blob_manifest *m, char *const *paths, size_t count, enum ring_kind *kind,
		  void (*progress)(uint64_t done, uint64_t total, void *arg), void *arg);

struct ring_recv {
	struct ring_common common;
	const char *master; /* HOST[:PORT] */
	const char *dest;
	const char *name; /* NULL: the host's name */
	bool has_root;
	uint8_t root[BLOB_HASH_LEN]; /* with has_root: only this content is taken */
	uint32_t wait_ms;	     /* for a master that is not there yet, at the start */
	/* In the caller's thread, at each new position and at least twice a second; the last one
	 * also when it fails. done: bytes that are verified and laid down. */
	void (*progress)(uint64_t done, uint64_t total, void *arg);
	void *arg;
};
void ring_recv_defaults(struct ring_recv *r);
/* 0 only if everything is verified, in its place, and the master knows. Logs what is wrong. */
int ring_recv(const struct ring_recv *r);

#endif
