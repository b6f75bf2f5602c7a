/* Who is in the ring, who takes from whom, and who must go. Pure: no sockets, no threads, no clock;
 * times come in as milliseconds. The master's control thread owns it.
 *
 * The chain begins at the master (id 0); each member takes from the one before it. Members that
 * would hold up others are its tail: whoever turns out to be slow goes there, and within it to its
 * end. An id is never used again: a node that comes back is a new member, and `former` leads to the
 * old one.
 */
#ifndef LUCIE_RING_TOPOLOGY_H
#define LUCIE_RING_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring/proto.h"

#define TOPOLOGY_SAMPLES 64
#define TOPOLOGY_FEEDS	 16

enum member_state {
	MEMBER_ACTIVE,	 /* takes data */
	MEMBER_DONE,	 /* verified; still serves */
	MEMBER_LEAVING,	 /* failed; relays until its successors have moved */
	MEMBER_FAILED,	 /* reported why not */
	MEMBER_DROPPED,	 /* silent, without progress, or its process died */
	MEMBER_RELEASED, /* verified and gone */
};

enum member_place { PLACE_NONE, PLACE_BODY, PLACE_TAIL };

struct member_sample {
	int64_t at;
	uint64_t received;
};

/* What its predecessor had received and had given it, at the same moment. */
struct member_feed {
	int64_t at;
	uint64_t have, given;
};

struct member {
	uint32_t id, former; /* former: id of the membership that this one continues; 0 */
	uint32_t next_life;  /* id of the membership that continues this one; 0 */
	char name[RING_NAME_MAX];
	struct ring_address data;
	uint32_t rank; /* place in the hosts file; UINT32_MAX: not there */
	enum member_state state;
	enum member_place place;
	uint64_t received, on_disk;
	uint32_t attached;     /* whom it takes from, by its own word */
	int64_t joined, heard; /* ms */
	int64_t attached_at, progress_at, ended;
	uint32_t told; /* the predecessor that the master told it; RING_NOBODY: none yet */
	uint32_t complaints;
	struct member_sample samples[TOPOLOGY_SAMPLES];
	size_t sample_count; /* ever; the last TOPOLOGY_SAMPLES are kept */
	uint32_t fed_by;     /* whose beats made feeds[] */
	struct member_feed feeds[TOPOLOGY_FEEDS];
	size_t feed_count; /* ever */
	uint8_t root[BLOB_HASH_LEN];
	uint32_t millis;	    /* by its own report */
	char reason[RING_TEXT_MAX]; /* FAILED, DROPPED, LEAVING */
};

struct topology {
	struct member **members; /* [id - 1] */
	size_t count;
	uint32_t *chain; /* the last tail_len of them are PLACE_TAIL */
	size_t chain_len, tail_len;
	uint32_t epoch;
	uint64_t length;    /* of the stream */
	int64_t demoted_at; /* the last time: one change is to show before the next */
};

struct topology_limits {
	uint32_t detect_ms;    /* silence */
	uint32_t chunk_ms;     /* no progress although there is data: the paper's chunk time-out */
	uint64_t backlog;      /* bytes that wait for a member: the paper's use of the buffer */
	uint32_t slow_percent; /* of its predecessor's rate: below, with that backlog, it is slow;
				  0: off */
};

enum verdict_kind { VERDICT_NONE, VERDICT_DROP, VERDICT_DEMOTE };

struct verdict {
	enum verdict_kind kind;
	bool is_slow; /* why it is demoted */
	uint32_t id;
	char reason[RING_TEXT_MAX];
};

void topology_init(struct topology *t, uint64_t length);
void topology_free(struct topology *t);

struct member *topology_member(const struct topology *t, uint32_t id); /* NULL for the master */
/* The new member, at the end of the chain's body or where its rank puts it among those that have not begun;
 * NULL without memory or ids. former: 0 or a former id, which is dropped if it still is here. */
struct member *topology_join(struct topology *t, const char *name, const struct ring_address *data,
			     uint32_t rank, uint32_t former, int64_t now);
/* Takes it out of the chain and gives it its last state. */
void topology_remove(struct topology *t, uint32_t id, enum member_state state, const char *reason,
		     int64_t now);
/* Into the tail: at its end, or, because it is slow, before those that have fallen behind it; who is
 * in the tail already goes to its end. It is to take from its new place at once. */
void topology_demote(struct topology *t, uint32_t id, bool is_slow, int64_t now);

/* The one before it; 0: the master. */
uint32_t topology_predecessor(const struct topology *t, uint32_t id);
/* Whom it should take from now: the one before it, or, as long as that is a newcomer who has less
 * than it, the one that it was told before. */
uint32_t topology_source(const struct topology *t, uint32_t id, int64_t now);
/* Who comes after it in the chain; 0: nobody, or it is not in the chain. */
uint32_t topology_successor(const struct topology *t, uint32_t id);
/* A member of the chain, or 0, and those before it, at most RING_CANDIDATES, the master last if
 * there is room. */
void topology_candidates(const struct topology *t, uint32_t first, struct ring_place *out);
/* True if nobody who still needs data takes, or is to take, from it. */
bool topology_is_idle(const struct topology *t, uint32_t id);

void topology_beat(struct topology *t, uint32_t id, const struct ring_beat *beat, int64_t now);
/* Bytes a second over the last window; -1 while there are not samples enough since it was attached.
 */
double topology_rate(const struct member *m, int64_t window, int64_t now);
/* The next thing to do about a member, most urgent first. */
struct verdict topology_judge(const struct topology *t, const struct topology_limits *l,
			      int64_t now);
/* A node says that its predecessor is silent or sends what is wrong. Who is to go? */
struct verdict topology_complaint(struct topology *t, uint32_t from, uint32_t about,
				  const char *text);

struct topology_tally {
	size_t alive, done, dropped, failed; /* lives that another one continues are not counted */
	uint64_t least;			     /* received by the slowest of the active ones */
};
struct topology_tally topology_tally(const struct topology *t);
/* Many have been here, and for a while nobody has: a new session with all its ids disturbs no one.
 */
bool topology_is_worn(const struct topology *t, int64_t now);

#endif
