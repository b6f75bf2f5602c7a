/* Server-sent events of something that changes, for many viewers at once. It has versions: a viewer
 * that has taken all that it was given gets what leads from there to the newest version, as one event.
 * So nothing waits in a queue for who is slow, who gets fewer events and none that is out of date, and
 * who comes back names the version that it has (Last-Event-ID). Any thread. */
#ifndef LUCIE_SERVE_STREAM_H
#define LUCIE_SERVE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "host-tools/lib/http-server.h"

#define STREAM_VIEWERS_MAX	    32
#define STREAM_VIEWERS_PER_PEER_MAX 16	  /* an address has 32 connections in all (http-server.c) */
#define STREAM_QUIET_MS		    10000 /* then a viewer is told even that nothing is new */

struct stream_hub;

int stream_hub_open(struct stream_hub **out);
/* When there are no viewers any more. */
void stream_hub_close(struct stream_hub *h);
size_t stream_viewers(struct stream_hub *h);
/* Makes the caller a viewer, to be told at the next stream_tell(). -EBUSY: there are too many,
 * -ENOMEM. */
int stream_begin(struct stream_hub *h, const struct http_call *call, struct http_reply *reply);

/* Writes one line of JSON: what leads from a version (0: from nothing) to the newest one; its event's
 * name. NULL: that failed. */
typedef const char *stream_write(struct strbuf *out, uint64_t from, void *arg);
/* Has write() called once for each version that viewers have who wait for a newer one than that, or for
 * a sign of life. One thread at a time. */
void stream_tell(struct stream_hub *h, uint64_t newest, int64_t now, stream_write *write,
		 void *arg);

#endif
