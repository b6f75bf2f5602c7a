/* What a node tells the server: JSON lines over HTTP POST /v1/events, one object a line, with the
 * installation's code (request-code.h). The answer is {"ack": SEQ}: everything up to SEQ is kept by
 * the server. Encoder beside decoder; pure; jansson. */
#ifndef LUCIE_EVENT_H
#define LUCIE_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "init/lib/plan-format.h"
#include "init/lib/str.h"

#define EVENT_LINE_MAX	  4096
#define EVENT_MESSAGE_MAX 1024
#define EVENT_MODULE_MAX  64

enum event_kind {
	EVENT_START,	/* a module begins; module "" : the installation begins */
	EVENT_PROGRESS, /* bytes of total (0: unknown), message says what is being done */
	EVENT_LOG,	/* level and message */
	EVENT_END,    /* a module ended: ok or not; message is the reason; millis is its duration */
	EVENT_REPORT, /* the installation ended: ok or not; the last event of an installation */
	EVENT_HOLD,   /* waits before a module until it may go on; message says for whom */
	EVENT_HOST_KEY, /* of the ssh server that runs beside: message is "ssh-ed25519 AAAA..." */
	EVENT_KINDS
};

struct event {
	char install[PLAN_ID_MAX];
	uint64_t seq; /* 1, 2, ... without gaps */
	char mac[MAC_TEXT];
	int64_t t; /* node's clock, milliseconds since the kernel started */
	enum event_kind kind;
	char module[EVENT_MODULE_MAX];
	int ok;	       /* END, REPORT */
	char level[8]; /* LOG */
	uint64_t bytes, total;
	int64_t millis;
	char message[EVENT_MESSAGE_MAX];
};

/* Some modules count bytes and some count steps; so few are never bytes. */
#define EVENT_STEPS_MAX 4096
/* n of a progress with this total in words, as "11.8 MiB" or "3"; buf of at least 24 bytes is
 * returned. */
const char *event_amount(uint64_t n, uint64_t total, char *buf, size_t len);

/* What a good report says has come to be, by the word that its message begins with: "verified",
 * "restored", "rescued", "wiped"; else "installed". */
const char *event_outcome(const char *message);

const char *event_kind_name(enum event_kind kind);
/* Appends one line with its '\n'. */
int event_encode(struct strbuf *out, const struct event *e);
/* One line with or without '\n'. -EINVAL with why (>= 160 bytes) for anything that is not exactly
 * the schema: strict types, known keys only, lengths, UTF-8, no control characters. */
int event_decode(struct event *e, const char *line, size_t len, char *why, size_t why_len);

#endif
