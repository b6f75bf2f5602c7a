/* A queue of kept calls with a thread of its own, for what has to wait for the disk: the threads of
 * the HTTP server go on meanwhile. Its length is bounded by the connections of that server. */
#ifndef LUCIE_SERVE_WORK_H
#define LUCIE_SERVE_WORK_H

#include <stddef.h>

#include "host-tools/lib/http-server.h"

/* run() gets a list of calls (http_call.next), at most `most`, fills their replies and returns those
 * that are to be answered now: all but the ones it passed on. */
struct work_options {
	struct http_call *(*run)(struct http_call *list, void *arg);
	void *arg;
	size_t most;
	unsigned int gather_ms; /* under load: waits so long for more to do at once */
};

struct work;
int work_start(struct work **out, const struct work_options *options);
/* From the handler of the HTTP server: keeps the call. After work_end(): refused with 503. False,
 * for the handler to return, if it is kept. */
bool work_put(struct work *w, struct http_call *call);
/* The same with a call that is kept already, from the run() of another queue. */
bool work_pass(struct work *w, struct http_call *call);
/* Answers what waits, and takes nothing more. */
void work_end(struct work *w);
/* After http_server_stop(). */
void work_free(struct work *w);

#endif
