/* The threads of the paper's Dolly+ (section 3.3.1, L25): network -> memory (receiver), memory ->
 * disk (writer), memory -> network (a sender for each successor); on the master disk -> memory
 * (reader). They meet in a struct flow and are started, told and stopped by a control thread.
 */
#ifndef LUCIE_RING_PUMP_H
#define LUCIE_RING_PUMP_H

#include <pthread.h>
#include <stdatomic.h>

#include <blake3.h>

#include "ring/conn.h"
#include "ring/flow.h"
#include "ring/spool.h"

/* --- disk -> memory (master) --- */

struct reader {
	struct flow *flow; /* constant while it runs, as is store */
	struct store *store;
	const struct blob_manifest *manifest; /* what the source has to be; NULL: not known */
	int wake_fd; /* eventfd: tells the control thread that there is a new hash, or an error */
	pthread_t thread;
};
int reader_start(struct reader *r);
void reader_join(struct reader *r); /* after flow_stop() */

/* --- network -> memory --- */

struct receiver {
	/* constant while it runs */
	struct flow *flow;
	const struct ring_key *key;
	const struct ring_address *local; /* NULL: any */
	struct ring_address master;	  /* for a candidate without an address */
	uint32_t session, self, detect_ms;
	int wake_fd; /* eventfd: tells the control thread to look */
	pthread_t thread;
	int kick_fd; /* eventfd: tells the receiver to look */

	pthread_mutex_t lock; /* guards: */
	struct ring_place place;
	int fd;		   /* of the connection that delivers; -1 */
	uint32_t attached; /* RING_NOBODY */
	uint32_t complain; /* about this id; RING_NOBODY: nothing to complain */
	char complaint[RING_TEXT_MAX];

	/* the receiver's own */
	struct slot *slot;
	uint32_t generation;
	blake3_hasher hasher;
	uint32_t bad_from, bad_count;
};
int receiver_start(struct receiver *r);
/* A predecessor to take from; changes over if it is another one than now. */
void receiver_place(struct receiver *r, const struct ring_place *place);
uint32_t receiver_attached(struct receiver *r);
/* True if there is a complaint; at most once for each. */
bool receiver_complaint(struct receiver *r, struct ring_notice *out);
void receiver_join(struct receiver *r); /* after flow_stop() */

/* --- memory -> disk --- */

struct writer {
	/* constant while it runs */
	struct flow *flow;
	struct spool *spool;
	bool has_root; /* only this content is taken */
	uint8_t expected_root[BLOB_HASH_LEN];
	int wake_fd;
	pthread_t thread;

	atomic_bool checked; /* what lay on disk has been looked at: the receiver may begin */
	atomic_int result;   /* 1: at work; 0: verified and in place; -errno (logged) */
	uint64_t resumed;    /* bytes found on disk; valid once checked */
	uint8_t root[BLOB_HASH_LEN]; /* valid once result is 0 */
	char reason[RING_TEXT_MAX];  /* valid once result is negative */
};
int writer_start(struct writer *w);
void writer_join(struct writer *w); /* after flow_stop() */

/* --- memory -> network --- */

struct sender {
	/* constant while it runs */
	struct flow *flow;
	struct store *store;
	struct conn conn;
	uint32_t child;
	uint32_t beat_ms, detect_ms;
	bool verify;
	pthread_t thread;

	atomic_uint_fast64_t sent; /* position in the stream */
	atomic_bool stop, ended;

	/* the sender's own */
	size_t batch;  /* frames at a time */
	bool packs;    /* see sock_pack() */
	uint8_t *buf;  /* of the store: with verify a chunk, else a batch of frames */
	size_t loaded; /* with verify: the chunk in buf; SIZE_MAX: none */
};

/* The senders of one node; owned by its control thread. */
struct senders {
	struct flow *flow;
	struct store *store;
	uint32_t beat_ms, detect_ms;
	bool verify; /* the master: what comes from the store is compared with its hash, because a
		      * source may change after the reader has seen it; see flow_fail() */
	struct sender *list[RING_CHILDREN];
	size_t count;
};
/* Takes the connection over. -EBUSY: it has children enough. -ERANGE: nothing can be at that
 * offset. Logs nothing. */
int senders_add(struct senders *s, const struct conn *conn, uint32_t child, uint64_t offset);
void senders_drop(struct senders *s, uint32_t child);
/* Ends what has ended. */
void senders_reap(struct senders *s);
size_t senders_fill(const struct senders *s, struct ring_child *out);
void senders_stop(struct senders *s);

/* Whoever polls this eventfd. */
void wake(int fd);
/* BLAKE3 of a whole chunk of zeros. */
const uint8_t *zero_chunk_hash(void);

#endif
