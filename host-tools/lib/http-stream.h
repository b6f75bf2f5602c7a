/* Answers without an end of the HTTP server (server-sent events): a connection that has nothing to
 * send sleeps, and http_streams_wake() has all of them look again. Part of http-server.c only. */
#ifndef LUCIE_HTTP_STREAM_H
#define LUCIE_HTTP_STREAM_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "host-tools/lib/http-server.h"

struct http_sleeper;

struct http_streams {
	pthread_mutex_t lock;
	struct http_sleeper *list; /* under the lock: every stream that there is */
	uint64_t wakes;		   /* under the lock: how often they were woken */
	bool ending;		   /* under the lock: the server stops */
};

void http_streams_init(struct http_streams *s);
void http_streams_wake(struct http_streams *s);
/* Ends them: before the daemon stops, which no connection may sleep through. */
void http_streams_end(struct http_streams *s);
void http_streams_free(struct http_streams *s);
/* The response owns the source from now on, also where this fails (NULL). */
struct MHD_Response *http_stream_response(struct http_streams *s, struct MHD_Connection *connection,
					  const struct http_stream *source);

#endif
