/* What comes from the network, taken apart: paths, ranges, the JSON of a plan request, a hold and an
 * alarm (docs/plan-format.md, "On the wire"). Pure: no I/O, no logging. */
#ifndef LUCIE_SERVE_REQUEST_H
#define LUCIE_SERVE_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "init/lib/event.h"
#include "init/lib/identity.h"
#include "init/lib/seal.h"
#include "init/lib/str.h"

#define PLAN_REQUEST_MAX  ((size_t)64 << 10) /* bytes of JSON */
#define ALARM_REQUEST_MAX ((size_t)4 << 10)
#define ALARM_MESSAGE_MAX 512
#define HOLD_REQUEST_MAX  ((size_t)1 << 10)
#define REQUEST_DISKS_MAX 64

struct plan_request {
	char mac[MAC_TEXT];
	char nonce[2 * NONCE_LEN + 1]; /* lower-case hex */
	uint8_t key[BOX_KEY_LEN];
	uint64_t ram; /* bytes; 0: not said */
	uint64_t cpus;
	size_t disks;
	uint64_t disk_bytes; /* of all disks */
	bool discover;	     /* it waits to be named (lucie.discover) */
};

/* -EINVAL with why (>= 160 bytes). Keys of the inventory that are not known are ignored: the node
 * may be newer than the server. */
int plan_request_parse(struct plan_request *r, const char *json, size_t len, char *why,
		       size_t why_len);

struct alarm_request {
	char mac[MAC_TEXT];
	char message[ALARM_MESSAGE_MAX]; /* any UTF-8; who prints it makes it printable */
};

int alarm_request_parse(struct alarm_request *a, const char *json, size_t len, char *why,
			size_t why_len);

struct hold_request {
	char install[PLAN_ID_MAX], module[EVENT_MODULE_MAX]; /* names (str_is_name()) */
	char nonce[2 * NONCE_LEN + 1];			     /* lower-case hex */
	uint64_t t; /* the node's clock, milliseconds; later in each request */
};

int hold_request_parse(struct hold_request *h, const char *json, size_t len, char *why,
		       size_t why_len);

#define ARM_REQUEST_MAX ((size_t)32 << 10)
#define ARM_NODES_MAX	256 /* of one request: each one is a disk's flush */

enum arm_action {
	ARM_INSTALL, /* by the host's own installer */
	ARM_REPAIR,
	ARM_BOOT,     /* from its disk */
	ARM_CONTINUE, /* a node that holds */
};

/* {"action": "install", "nodes": ["cnode01", ...]} */
struct arm_request {
	enum arm_action action;
	size_t count;
	char nodes[ARM_NODES_MAX][64];
};

int arm_request_parse(struct arm_request *r, const char *json, size_t len, char *why,
		      size_t why_len);
/* What a node does then: "installs at its next boot". */
const char *arm_action_words(enum arm_action action);

/* What a node keeps over its installations, sealed (init/lib/identity.h). */
struct identity_request {
	char install[PLAN_ID_MAX];
	char *sealed; /* base64; malloc'ed, the caller's */
	uint64_t t;   /* as of hold_request */
};
#define IDENTITY_REQUEST_MAX (2 * IDENTITY_SEALED_MAX)

int identity_request_parse(struct identity_request *r, const char *json, size_t len, char *why,
			   size_t why_len);

enum route_kind {
	ROUTE_NONE,
	ROUTE_PLAN,
	ROUTE_EVENTS,
	ROUTE_HOLD,
	ROUTE_ALARM,
	ROUTE_IDENTITY,
	ROUTE_METRICS,
	ROUTE_PAGE, /* rest: a file of the board's page; "": the page */
	ROUTE_BOARD,
	ROUTE_STREAM,
	ROUTE_HISTORY,
	ROUTE_NODE,	/* name */
	ROUTE_NODE_LOG, /* name */
	ROUTE_MACHINES,
	ROUTE_OPERATOR,
	ROUTE_ARM,
	ROUTE_BLOB,	/* rest: ROOT or ROOT.blob */
	ROUTE_BOOT,	/* rest: a path below tftp/ */
	ROUTE_PACKAGES, /* name: the package_server; rest: a path below its folder */
};

struct route {
	enum route_kind kind;
	char name[64];
	const char *rest; /* points into the path; relative, no component is empty or starts with
			     '.', but for a "." before another one */
};

/* A decoded path. ROUTE_NONE for everything that is not served. */
void route_parse(struct route *r, const char *path);

/* The value of a Range header (NULL: none) for a file of `size` bytes. 1: [*from, *from + *len) of
 * it; 0: the whole file (also where the header is of a form that we do not serve, as RFC 9110
 * allows); -ERANGE: nothing of it is in the file. */
int range_parse(const char *value, uint64_t size, uint64_t *from, uint64_t *len);

#endif
