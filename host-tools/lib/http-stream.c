/* Streams; see http-stream.h. Whoever has something new changes it first and wakes then; a stream
 * that was woken while it looked looks again, so that nothing new is slept through. */
#include "host-tools/lib/http-stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

/* What is sent to a client and not acknowledged for so long ends the connection: a machine that was
 * switched off says nothing. */
#define DEAD_MS	    30000
#define BLOCK_BYTES 8192
/* So much may wait in the kernel for a client that is slow: what it gets later is newer. */
#define UNSENT_MAX 16384

/* One stream; made and freed by the thread that owns its connection. */
struct http_sleeper {
	struct http_sleeper *prev, *next; /* under the lock */
	struct http_streams *streams;
	struct MHD_Connection *connection;
	struct http_stream source;
	bool asleep; /* under the lock */
};

void http_streams_init(struct http_streams *s)
{
	*s = (struct http_streams){0};
	pthread_mutex_init(&s->lock, NULL);
}

void http_streams_free(struct http_streams *s)
{
	pthread_mutex_destroy(&s->lock);
}

static void wake_all(struct http_streams *s)
{
	s->wakes++;
	for (struct http_sleeper *p = s->list; p; p = p->next)
		if (p->asleep) {
			p->asleep = false;
			MHD_resume_connection(p->connection);
		}
}

void http_streams_wake(struct http_streams *s)
{
	pthread_mutex_lock(&s->lock);
	wake_all(s);
	pthread_mutex_unlock(&s->lock);
}

void http_streams_end(struct http_streams *s)
{
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	wake_all(s);
	pthread_mutex_unlock(&s->lock);
}

/* True: it sleeps now. False: look again. */
static bool fall_asleep(struct http_sleeper *p, uint64_t wakes)
{
	struct http_streams *s = p->streams;
	bool asleep;

	pthread_mutex_lock(&s->lock);
	asleep = s->wakes == wakes;
	if (asleep) {
		p->asleep = true;
		MHD_suspend_connection(p->connection);
	}
	pthread_mutex_unlock(&s->lock);
	return asleep;
}

static ssize_t on_read(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct http_sleeper *p = arg;
	struct http_streams *s = p->streams;
	uint64_t wakes;
	bool ending;
	ssize_t n;

	(void)pos;
	do {
		pthread_mutex_lock(&s->lock);
		wakes = s->wakes;
		ending = s->ending;
		pthread_mutex_unlock(&s->lock);
		n = ending ? -1 : p->source.read(p->source.arg, buf, max);
	} while (!n && !fall_asleep(p, wakes));
	return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static void on_close(void *arg)
{
	struct http_sleeper *p = arg;

	pthread_mutex_lock(&p->streams->lock);
	if (p->prev)
		p->prev->next = p->next;
	else
		p->streams->list = p->next;
	if (p->next)
		p->next->prev = p->prev;
	pthread_mutex_unlock(&p->streams->lock);
	p->source.close(p->source.arg);
	free(p);
}

static void sleeper_add(struct http_streams *s, struct http_sleeper *p)
{
	pthread_mutex_lock(&s->lock);
	p->next = s->list;
	if (p->next)
		p->next->prev = p;
	s->list = p;
	pthread_mutex_unlock(&s->lock);
}

static void bound_client(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	int limit = DEAD_MS, unsent = UNSENT_MAX;

	if (!info)
		return;
	setsockopt(info->connect_fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof(limit));
	setsockopt(info->connect_fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

struct MHD_Response *http_stream_response(struct http_streams *s, struct MHD_Connection *connection,
					  const struct http_stream *source)
{
	struct http_sleeper *p = calloc(1, sizeof(*p));
	struct MHD_Response *response;

	if (!p) {
		source->close(source->arg);
		return NULL;
	}
	p->streams = s;
	p->connection = connection;
	p->source = *source;
	sleeper_add(s, p);
	bound_client(connection);
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, p,
						     on_close);
	if (!response)
		on_close(p);
	return response;
}
