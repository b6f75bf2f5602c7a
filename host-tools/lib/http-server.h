/* HTTP/1.1 server on libmicrohttpd (epoll, a pool of threads): bodies collected up to a limit that
 * the caller sets for each path, files sent by sendfile with Range, and every client bounded in
 * header bytes, connections, idle time and the time that it may take to send a request.
 */
#ifndef LUCIE_HTTP_SERVER_H
#define LUCIE_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/lib/request-code.h"
#include "init/lib/str.h"

enum http_status {
	HTTP_OK = 200,
	HTTP_BAD_REQUEST = 400,
	HTTP_UNAUTHORIZED = 401,
	HTTP_FORBIDDEN = 403,
	HTTP_NOT_FOUND = 404,
	HTTP_METHOD_NOT_ALLOWED = 405,
	HTTP_TOO_MANY = 429,
	HTTP_FAILED = 500,
	HTTP_UNAVAILABLE = 503,
};

/* One request. It and its reply are the server's, and stay valid until the answer is complete. */
struct http_call {
	const char *method; /* "GET", "HEAD" or "POST" */
	const char *path;   /* decoded */
	const char *token;  /* of "Authorization: Bearer TOKEN"; NULL: none */
	const char *code;   /* of "Authorization: Lucie CODE"; NULL: none */
	const char *after;  /* what the client has: of "?after=", of Last-Event-ID; NULL */
	const char *body;   /* of a POST; body_len bytes and a NUL */
	size_t body_len;
	char peer[64]; /* the client's address as text */
	struct http_reply *reply;
	struct http_call *next; /* for who keeps it */
};

struct http_header {
	const char *name, *value;
};

/* A body without an end. Both are called in a thread of the pool, for one stream by one at a time.
 */
struct http_stream {
	/* What comes next: its length; 0: nothing yet, look again after http_server_wake(); -1: the
	 * end. */
	ssize_t (*read)(void *arg, char *buf, size_t max);
	void (*close)(void *arg); /* the last call */
	void *arg;
};

/* What a text is proven with to a client whose request has proven itself. */
struct http_proof {
	bool wanted;
	uint8_t key[REQUEST_KEY_LEN], request[REQUEST_CODE_LEN];
};

/* Filled by the handler; released by the server. */
struct http_reply {
	unsigned int status;
	const char *type;		   /* of text or stream; NULL: text/plain */
	const struct http_header *headers; /* static; up to one without a name; NULL: no others */
	struct http_stream stream;	   /* without read: no stream */
	struct strbuf text;		   /* the body, unless there is a file */
	struct http_proof proof;	   /* of text */
	int fd;				   /* a regular file to send, with Range; -1: none */
	uint64_t size;			   /* of the file */
	char etag[72]; /* strong, without quotes; "": none. Who has it gets 304 */
};

struct http_server_options {
	int listen_fd; /* from http_listen(); stays the caller's */
	/* Largest body of a POST to path; 0: POST is refused. */
	size_t (*body_max)(const char *path, void *arg);
	/* Called in a thread of the pool, which must not wait. False: the call is kept, see
	 * http_call_keep(). */
	bool (*handle)(struct http_call *call, struct http_reply *reply, void *arg);
	void *arg;
};

/* Binds and listens. place: a numeric address, or a network interface, for its first IPv4 address;
 * port 0: any. The descriptor or -errno (logged). */
int http_listen(const char *place, uint16_t port);
/* Port of a listening descriptor. */
uint16_t http_port(int listen_fd);

struct http_server;
int http_server_start(struct http_server **out, const struct http_server_options *options);
/* Call it about once a second: ends the connections of clients that dawdle over a request. */
void http_server_tick(struct http_server *s);
/* Streams that had nothing to send look again. Any thread. */
void http_server_wake(struct http_server *s);
/* Waits for the handlers that are running. */
void http_server_stop(struct http_server *s);

/* In handle(), before another thread hears of the call: its answer comes later. Any thread then fills
 * the reply and calls http_call_answer(), once; every kept call has to be answered before
 * http_server_stop(). */
void http_call_keep(struct http_call *call);
void http_call_answer(struct http_call *call);

/* A short text as the answer. */
void http_reply_text(struct http_reply *reply, unsigned int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
