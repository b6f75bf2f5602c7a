/* Server-sent events for many viewers at once: what is told is kept once, for a while, and each
 * viewer reads it at its own pace. Who comes back in time goes on where it was (Last-Event-ID); who
 * is too slow for what is kept is sent away and begins anew. Any thread. */
#ifndef LUCIE_SERVE_STREAM_H
#define LUCIE_SERVE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "host-tools/lib/http-server.h"

#define STREAM_VIEWERS_MAX	    32
#define STREAM_VIEWERS_PER_PEER_MAX 16 /* an address has 32 connections in all (http-server.c) */

struct stream_hub;

int stream_hub_open(struct stream_hub **out);
/* When there are no viewers any more. */
void stream_hub_close(struct stream_hub *h);
size_t stream_viewers(struct stream_hub *h);
/* data: one line of JSON. */
void stream_tell(struct stream_hub *h, const char *event, const char *data);
/* Whether what was told after the event that a client names (NULL: none) is still there. */
bool stream_can_resume(struct stream_hub *h, const char *after);
/* Makes the caller a viewer: of what is told from now on, after `snapshot`; or, where that is NULL,
 * of what was told after the event that it names. -EBUSY: there are too many, -ENOMEM. */
int stream_begin(struct stream_hub *h, const struct http_call *call, const char *snapshot,
		 struct http_reply *reply);

#endif
