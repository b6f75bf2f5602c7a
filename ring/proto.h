/* What travels on the ring: frames, and the messages in them (docs/ring-protocol.md). Pure: bytes
 * in, structs out; no sockets, no threads. Integers are little-endian. Everything that arrives is
 * hostile until frame_decode() and message_decode_*() have accepted it.
 *
 * A frame is a header of FRAME_HEADER bytes, in a keyed ring FRAME_MAC bytes of authentication, and
 * `length` bytes of payload (none where FRAME_ZERO says that the payload is that many zero bytes).
 */
#ifndef LUCIE_RING_PROTO_H
#define LUCIE_RING_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/lib/blob.h"
#include "init/lib/str.h"

#define RING_VERSION	 1
#define RING_FRAME	 ((size_t)32 << 10) /* largest data payload; data frames start at multiples */
#define RING_CONTROL_MAX ((size_t)40 << 10) /* largest payload of any other frame */
#define RING_NAME_MAX	 256
#define RING_TEXT_MAX	 200
#define RING_CANDIDATES	 4
#define RING_CHILDREN	 8
#define RING_HASHES	 1024 /* hashes in one message */
#define RING_ID_MAX	 65535

#define FRAME_HEADER 32
#define FRAME_MAC    16
#define FRAME_ZERO   1 /* flag of RING_DATA */

enum ring_type {
	RING_HELLO = 1,	 /* both: version, keyed or not, nonce */
	RING_JOIN,	 /* node -> master */
	RING_WELCOME,	 /* master -> node: session, id, what is sent */
	RING_PLACE,	 /* master -> node: epoch, predecessor and those after it */
	RING_HASHES_ARE, /* master -> node: BLAKE3 of chunks; offset = number of the first */
	RING_BEAT,	 /* node -> master: how far, who is behind; master -> node: empty */
	RING_COMPLAIN,	 /* node -> master: its predecessor is silent or sends what is wrong */
	RING_REPORT,	 /* node -> master: the end, ok or why not */
	RING_RELEASE, /* master -> node: offset 0: your report is kept; 1: nobody needs you any more
		       */
	RING_DROP,    /* master -> node: this id (perhaps yourself) is no longer in the ring */
	RING_ABORT,   /* either: the session or the node cannot go on, and why */
	RING_FETCH,   /* node -> predecessor: send me everything from offset on */
	RING_REFUSE,  /* predecessor -> node: no, and why */
	RING_DATA,    /* predecessor -> node */
	RING_IDLE,    /* predecessor -> node: I am alive, there is nothing to send yet */
	RING_TYPE_END,
};

struct frame {
	uint8_t type, flags;
	uint32_t session; /* 0 before the welcome */
	uint32_t length;  /* bytes of payload, or of zeros */
	uint64_t offset;
	uint32_t crc; /* CRC-32C of the payload; 0 with FRAME_ZERO */
};

void frame_encode(const struct frame *f, uint8_t out[FRAME_HEADER]);
/* -EBADMSG: not a header, or damaged. -EPROTO: unknown type or a length past its type's bound. */
int frame_decode(struct frame *f, const uint8_t in[FRAME_HEADER]);
/* Bytes that follow the header on the wire, without the authentication. */
static inline size_t frame_payload(const struct frame *f)
{
	return f->flags & FRAME_ZERO ? 0 : f->length;
}

/* An address is 16 bytes of IPv6 (IPv4 mapped); all zero: "where you reach me now". */
struct ring_address {
	uint8_t ip[16];
	uint16_t port;
};

struct ring_hello {
	uint16_t version;
	uint8_t keyed;
	uint8_t nonce[32];
};

struct ring_join {
	uint32_t old_session, old_id; /* of its former membership; 0: none */
	struct ring_address data;     /* where it serves its successors */
	uint8_t needs_root;	     /* it takes nothing before the whole list of hashes is known */
	uint8_t root[BLOB_HASH_LEN]; /* the only content it takes; all zero: any */
	char name[RING_NAME_MAX];
};

enum ring_kind { RING_FILE, RING_TREE };

struct ring_welcome {
	uint32_t id, epoch;
	uint32_t detect_ms, beat_ms;
	uint8_t kind;		     /* enum ring_kind */
	uint64_t length;	     /* of the stream */
	uint64_t catalog_len;	     /* its first bytes, RING_TREE */
	uint32_t mode;		     /* RING_FILE */
	int64_t mtime;		     /* RING_FILE */
	uint8_t root[BLOB_HASH_LEN]; /* all zero while it is not known yet */
	char name[RING_NAME_MAX];    /* RING_FILE: its last component */
};

struct ring_candidate {
	uint32_t id; /* 0: the master */
	struct ring_address data;
};

struct ring_place {
	uint32_t epoch;
	uint8_t count;
	struct ring_candidate candidates[RING_CANDIDATES]; /* the nearest first */
};

struct ring_child {
	uint32_t id;
	uint64_t sent;
};

struct ring_beat {
	uint64_t received, on_disk;
	uint32_t attached;   /* id of the predecessor it takes from; RING_NOBODY */
	uint8_t disk_blocks; /* the pool is full of chunks that wait for the disk */
	uint8_t count;
	struct ring_child children[RING_CHILDREN];
};
#define RING_NOBODY UINT32_MAX

struct ring_report {
	uint32_t status; /* 0, or an errno */
	uint64_t bytes;
	uint32_t millis;
	uint8_t root[BLOB_HASH_LEN];
	char text[RING_TEXT_MAX]; /* the reason */
};

/* RING_COMPLAIN, RING_DROP, RING_ABORT, RING_REFUSE, and RING_FETCH (its offset is the frame's). */
#define RING_ABORT_CHANGED 1 /* what was promised cannot come any more, whoever tries again */
struct ring_notice {
	uint32_t id, epoch; /* of an ABORT: id is RING_ABORT_CHANGED or 0 */
	char text[RING_TEXT_MAX];
};

void message_encode_hello(struct strbuf *b, const struct ring_hello *m);
void message_encode_join(struct strbuf *b, const struct ring_join *m);
void message_encode_welcome(struct strbuf *b, const struct ring_welcome *m);
void message_encode_place(struct strbuf *b, const struct ring_place *m);
void message_encode_beat(struct strbuf *b, const struct ring_beat *m);
void message_encode_report(struct strbuf *b, const struct ring_report *m);
void message_encode_notice(struct strbuf *b, const struct ring_notice *m);

/* 0 or -EBADMSG: too short, too long, or a value that cannot be. Texts come out printable. */
int message_decode_hello(struct ring_hello *m, const void *data, size_t len);
int message_decode_join(struct ring_join *m, const void *data, size_t len);
int message_decode_welcome(struct ring_welcome *m, const void *data, size_t len);
int message_decode_place(struct ring_place *m, const void *data, size_t len);
int message_decode_beat(struct ring_beat *m, const void *data, size_t len);
int message_decode_report(struct ring_report *m, const void *data, size_t len);
int message_decode_notice(struct ring_notice *m, const void *data, size_t len);

/* A file name of one component: not empty, ".", "..", no '/', no control character. */
bool ring_name_is_safe(const char *name);

#endif
