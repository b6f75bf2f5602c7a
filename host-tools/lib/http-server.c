/* The HTTP server; see http-server.h.
 *
 * libmicrohttpd ends a connection that is idle. A client that sends a byte now and then is never
 * idle, so each connection also has a deadline for its current request: header and body must be
 * there by then, or http_server_tick() shuts the socket down. Once a request is whole, only the
 * idle time counts: a blob may take as long as it takes.
 *
 * A request that has to wait for the disk is kept: its connection is suspended, the thread serves
 * others, and libmicrohttpd calls on_request() once more when the answer is there.
 */
#include "host-tools/lib/http-server.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host-tools/lib/http-answer.h"
#include "host-tools/lib/http-stream.h"
#include "host-tools/lib/serve-request.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define THREADS_MAX	   8
#define CONNECTIONS_MAX	   4000
#define CONNECTIONS_PER_IP 32
#define HEADER_BYTES_MAX   (16 << 10)
#define IDLE_SECONDS	   30
#define REQUEST_SECONDS	   30 /* from the connection, or the last request, to the last byte */
#define BODIES_MAX	   ((size_t)64 << 20) /* bytes of all bodies that are on their way */

/* One connection. Made and freed by the thread that owns it, under the lock; the deadline is
 * written by that thread and read by tick, under the lock. */
struct http_client {
	struct http_client *prev, *next;
	int fd;
	int64_t deadline; /* now_ms(); 0: none */
};

struct http_server {
	struct http_server_options options;
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock;
	struct http_client *clients;
	struct http_streams streams;
	_Atomic size_t bodies; /* bytes promised to requests */
};

/* One request, from its header to its completion. Kept: owned by who answers it, until then. */
struct http_request_state {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct strbuf body;
	size_t body_max; /* its part of http_server.bodies */
	struct http_call call;
	struct http_reply reply;
	bool kept;
};

void http_reply_text(struct http_reply *reply, unsigned int status, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	reply->status = status;
	strbuf_reset(&reply->text);
	strbuf_addf(&reply->text, "%s\n", line);
}

/* --- deadlines --- */

static void client_deadline(struct http_server *s, struct MHD_Connection *connection, int seconds)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_client *client = info ? info->socket_context : NULL;

	if (!client)
		return;
	pthread_mutex_lock(&s->lock);
	client->deadline = seconds ? now_ms() + (int64_t)seconds * 1000 : 0;
	pthread_mutex_unlock(&s->lock);
}

static void client_add(struct http_server *s, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_client *client = calloc(1, sizeof(*client));

	if (!client || !info) {
		free(client);
		return;
	}
	client->fd = info->connect_fd;
	client->deadline = now_ms() + REQUEST_SECONDS * 1000;
	pthread_mutex_lock(&s->lock);
	client->next = s->clients;
	if (client->next)
		client->next->prev = client;
	s->clients = client;
	pthread_mutex_unlock(&s->lock);
	*context = client;
}

static void client_remove(struct http_server *s, struct http_client *client)
{
	if (!client)
		return;
	pthread_mutex_lock(&s->lock);
	if (client->prev)
		client->prev->next = client->next;
	else
		s->clients = client->next;
	if (client->next)
		client->next->prev = client->prev;
	pthread_mutex_unlock(&s->lock);
	free(client);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = arg;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		client_add(s, connection, context);
	} else {
		client_remove(s, *context);
		*context = NULL;
	}
}

void http_server_tick(struct http_server *s)
{
	int64_t now = now_ms();

	pthread_mutex_lock(&s->lock);
	for (struct http_client *c = s->clients; c; c = c->next)
		if (c->deadline && c->deadline < now) {
			shutdown(c->fd, SHUT_RDWR);
			c->deadline = 0;
		}
	pthread_mutex_unlock(&s->lock);
}

/* --- answers --- */

static struct MHD_Response *make_response(struct http_server *s, struct MHD_Connection *connection,
					  struct http_reply *reply)
{
	if (reply->stream.read)
		return http_stream_response(&s->streams, connection, &reply->stream);
	return reply->fd >= 0 ? http_file_response(connection, reply) : http_text_response(reply);
}

static enum MHD_Result send_reply(struct http_server *s, struct MHD_Connection *connection,
				  struct http_reply *reply)
{
	struct MHD_Response *response = make_response(s, connection, reply);
	enum MHD_Result ret = MHD_NO;

	if (response) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					reply->type ? reply->type : "text/plain; charset=utf-8");
		for (const struct http_header *h = reply->headers; h && h->name; h++)
			MHD_add_response_header(response, h->name, h->value);
		ret = MHD_queue_response(connection, reply->status, response);
		MHD_destroy_response(response);
	}
	if (reply->fd >= 0)
		close(reply->fd);
	reply->fd = -1;
	strbuf_free(&reply->text);
	return ret;
}

static struct http_request_state *request_of(struct http_call *call)
{
	return (struct http_request_state *)((char *)call -
					     offsetof(struct http_request_state, call));
}

static enum MHD_Result send_refusal(struct http_server *s, struct MHD_Connection *connection,
				    unsigned int status, const char *text)
{
	struct http_reply reply = {.fd = -1};

	http_reply_text(&reply, status, "%s", text);
	return send_reply(s, connection, &reply);
}

/* --- requests --- */

static void peer_name(struct MHD_Connection *connection, char *buf, size_t len)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info ? info->client_addr : NULL;
	socklen_t size = sa && sa->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
							 : sizeof(struct sockaddr_in);

	if (!sa || getnameinfo(sa, size, buf, (socklen_t)len, NULL, 0, NI_NUMERICHOST))
		snprintf(buf, len, "?");
}

static enum MHD_Result handle(struct http_server *s, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      struct http_request_state *request)
{
	const char *authorization = http_header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
	struct http_call *call = &request->call;

	call->method = method;
	call->path = url;
	call->body = request->body.buf ? request->body.buf : "";
	call->body_len = request->body.len;
	if (authorization && str_starts(authorization, "Bearer "))
		call->token = authorization + 7;
	else if (authorization && str_starts(authorization, REQUEST_SCHEME))
		call->code = authorization + strlen(REQUEST_SCHEME);
	call->after = http_header(connection, "Last-Event-ID");
	if (!call->after)
		call->after =
			MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "after");
	peer_name(connection, call->peer, sizeof(call->peer));
	client_deadline(s, connection, 0);
	if (!s->options.handle(call, &request->reply, s->options.arg))
		return MHD_YES;
	return send_reply(s, connection, &request->reply);
}

void http_call_keep(struct http_call *call)
{
	struct http_request_state *request = request_of(call);

	request->kept = true;
	MHD_suspend_connection(request->connection);
}

void http_call_answer(struct http_call *call)
{
	MHD_resume_connection(request_of(call)->connection);
}

static struct http_request_state *request_new(struct http_server *s,
					      struct MHD_Connection *connection, size_t body_max)
{
	struct http_request_state *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->server = s;
	request->connection = connection;
	request->body.max = body_max ? body_max : 1;
	request->body_max = body_max;
	request->reply = (struct http_reply){.status = MHD_HTTP_NOT_FOUND, .fd = -1};
	request->call.reply = &request->reply;
	return request;
}

static void request_free(struct http_request_state *request)
{
	atomic_fetch_sub(&request->server->bodies, request->body_max);
	if (request->reply.fd >= 0)
		close(request->reply.fd);
	strbuf_free(&request->reply.text);
	strbuf_free(&request->body);
	free(request);
}

/* The header is there; nothing of the body yet. */
static enum MHD_Result request_begin(struct http_server *s, struct MHD_Connection *connection,
				     const char *url, const char *method, void **context)
{
	const char *length = http_header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
	bool post = !strcmp(method, "POST");
	struct http_request_state *request;
	uint64_t announced = 0;
	size_t max = 0, body;

	if (!post && strcmp(method, "GET") && strcmp(method, "HEAD"))
		return send_refusal(s, connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				    "GET, HEAD or POST");
	if (post) {
		max = s->options.body_max(url, s->options.arg);
		if (!max)
			return send_refusal(s, connection, MHD_HTTP_METHOD_NOT_ALLOWED,
					    "nothing to post here");
	}
	if (length && (str_to_u64(length, &announced) || announced > max))
		return send_refusal(s, connection, MHD_HTTP_CONTENT_TOO_LARGE,
				    "the body is too long");
	body = length ? (size_t)announced : max; /* chunked: it may become so much */
	if (atomic_fetch_add(&s->bodies, body) + body > BODIES_MAX) {
		atomic_fetch_sub(&s->bodies, body);
		return send_refusal(s, connection, MHD_HTTP_SERVICE_UNAVAILABLE, "try again");
	}
	request = request_new(s, connection, body);
	if (!request) {
		atomic_fetch_sub(&s->bodies, body);
		return MHD_NO;
	}
	*context = request;
	return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *data_len, void **context)
{
	struct http_request_state *request = *context;
	struct http_server *s = arg;

	(void)version;
	if (!request)
		return request_begin(s, connection, url, method, context);
	if (*data_len) {
		/* What is too long is read to its end and answered then: an answer in the middle
		 * of a body is not allowed here. The request's deadline bounds it. */
		strbuf_add(&request->body, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	if (request->kept)
		return send_reply(s, connection, &request->reply);
	if (request->body.error)
		return send_refusal(s, connection, MHD_HTTP_CONTENT_TOO_LARGE,
				    "the body is too long");
	return handle(s, connection, url, method, request);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
			 enum MHD_RequestTerminationCode why)
{
	struct http_request_state *request = *context;

	(void)why;
	if (request)
		request_free(request);
	*context = NULL;
	client_deadline(arg, connection, REQUEST_SECONDS + IDLE_SECONDS);
}

static void server_free(struct http_server *s)
{
	http_streams_free(&s->streams);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void http_server_wake(struct http_server *s)
{
	http_streams_wake(&s->streams);
}

/* None of them waits for anything, so that more than there are processors only wake each other. */
static unsigned int threads(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors < 2		  ? 2
	       : processors > THREADS_MAX ? THREADS_MAX
					  : (unsigned int)processors;
}

int http_server_start(struct http_server **out, const struct http_server_options *options)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->options = *options;
	pthread_mutex_init(&s->lock, NULL);
	http_streams_init(&s->streams);
	*out = s; /* before the first request, whose handler may have another thread use it */
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request,
		s, MHD_OPTION_LISTEN_SOCKET, fcntl(options->listen_fd, F_DUPFD_CLOEXEC, 3),
		MHD_OPTION_THREAD_POOL_SIZE, threads(), MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS_PER_IP, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HEADER_BYTES_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_SECONDS,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, s, MHD_OPTION_END);
	if (!s->daemon) {
		*out = NULL;
		server_free(s);
		return log_err(0, "cannot start the HTTP server");
	}
	return 0;
}

void http_server_stop(struct http_server *s)
{
	if (!s)
		return;
	http_streams_end(&s->streams);
	MHD_stop_daemon(s->daemon);
	server_free(s);
}
