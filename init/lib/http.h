/* HTTP/1.1 client for small bounded exchanges, on libcurl (the blob reader has its own streaming
 * use of libcurl). Only http:// URLs; no redirects to other protocols; every call ends within its
 * time-out. */
#ifndef LUCIE_HTTP_H
#define LUCIE_HTTP_H

#include <stddef.h>

#include "init/lib/str.h"

struct http_request {
	const char *url;
	const void *body; /* NULL: GET; else POST */
	size_t body_len;
	const char *content_type;
	const char *token;	      /* hex, for the codes (request-code.h); NULL: without */
	unsigned int connect_seconds; /* 0: 5 */
	unsigned int total_seconds;   /* 0: 20 */
	unsigned int
		silent_seconds; /* no byte of the answer for so long ends it; 0: total_seconds */
	size_t max;		/* largest answer in bytes; 0: 1 MiB */
};

/* Starts libcurl, once; http_exchange() does it itself, other users of libcurl call it first. Any
 * thread. */
void http_init(void);

/* Fills answer (reset first) and *status (HTTP status). 0 when an answer came whatever its status;
 * else -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH, -EFBIG, -EPROTO, -EIO, -EINVAL (the token is none);
 * with a token, -EBADMSG for a 200 that is not from who knows it. Why (>= 160 bytes, may be NULL)
 * then says it in words. Logs nothing. */
int http_exchange(const struct http_request *request, struct strbuf *answer, long *status,
		  char *why, size_t why_len);

#endif
