/* Server-sent events; see serve-stream.h. An event's id is "EPOCH-NUMBER": the epoch is this
 * server's, so that nobody resumes with the numbers of an earlier one. */
#include "host-tools/lib/serve-stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/seal.h"

#define TOLD_MAX   128 /* events; about as many seconds */
#define EPOCH_TEXT 17

/* Under the lock of the hub; made and ended by the thread of its connection. */
struct viewer {
	struct viewer *next;
	struct stream_hub *hub;
	char peer[64];
	struct strbuf own; /* what is sent first */
	size_t own_sent;
	uint64_t number;   /* of the event that comes next */
	size_t event_sent; /* bytes of it */
};

struct stream_hub {
	char epoch[EPOCH_TEXT];
	pthread_mutex_t lock;
	uint64_t next;		      /* under the lock: the number of the next event */
	struct strbuf told[TOLD_MAX]; /* under the lock: event n in slot n % TOLD_MAX */
	struct viewer *viewers;	      /* under the lock */
};

int stream_hub_open(struct stream_hub **out)
{
	struct stream_hub *h = calloc(1, sizeof(*h));
	uint8_t random[(EPOCH_TEXT - 1) / 2];

	*out = h;
	if (!h)
		return -ENOMEM;
	seal_random(random, sizeof(random));
	str_to_hex(random, sizeof(random), h->epoch);
	pthread_mutex_init(&h->lock, NULL);
	h->next = 1;
	return 0;
}

void stream_hub_close(struct stream_hub *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < TOLD_MAX; i++)
		strbuf_free(&h->told[i]);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

size_t stream_viewers(struct stream_hub *h)
{
	size_t n = 0;

	pthread_mutex_lock(&h->lock);
	for (const struct viewer *v = h->viewers; v; v = v->next)
		n++;
	pthread_mutex_unlock(&h->lock);
	return n;
}

static void write_event(struct strbuf *out, const struct stream_hub *h, uint64_t number,
			const char *event, const char *data)
{
	strbuf_addf(out, "id: %s-%llu\nevent: %s\ndata: ", h->epoch, (unsigned long long)number,
		    event);
	strbuf_adds(out, data);
	strbuf_adds(out, "\n\n");
}

void stream_tell(struct stream_hub *h, const char *event, const char *data)
{
	struct strbuf *slot;

	pthread_mutex_lock(&h->lock);
	slot = &h->told[h->next % TOLD_MAX];
	strbuf_free(slot);
	write_event(slot, h, h->next, event, data);
	h->next++;
	pthread_mutex_unlock(&h->lock);
}

/* Under the lock. Whether the event is there, or the next one to come. */
static bool is_kept(const struct stream_hub *h, uint64_t number)
{
	return number >= 1 && number <= h->next && number + TOLD_MAX > h->next;
}

/* The number behind that of "EPOCH-NUMBER"; 0: not ours. */
static uint64_t number_after(const struct stream_hub *h, const char *after)
{
	size_t n = strlen(h->epoch);
	uint64_t number;

	if (!after || strncmp(after, h->epoch, n) != 0 || after[n] != '-' ||
	    str_to_u64(after + n + 1, &number) || number == UINT64_MAX)
		return 0;
	return number + 1;
}

bool stream_can_resume(struct stream_hub *h, const char *after)
{
	bool can;

	pthread_mutex_lock(&h->lock);
	can = is_kept(h, number_after(h, after));
	pthread_mutex_unlock(&h->lock);
	return can;
}

/* --- a viewer --- */

static ssize_t give(const struct strbuf *text, size_t *sent, char *buf, size_t max)
{
	size_t n = text->len - *sent < max ? text->len - *sent : max;

	memcpy(buf, text->buf + *sent, n);
	*sent += n;
	return (ssize_t)n;
}

/* Under the lock. */
static ssize_t viewer_give(struct viewer *v, char *buf, size_t max)
{
	const struct stream_hub *h = v->hub;
	const struct strbuf *event = &h->told[v->number % TOLD_MAX];
	ssize_t n;

	if (v->own_sent < v->own.len)
		return give(&v->own, &v->own_sent, buf, max);
	if (!is_kept(h, v->number))
		return -1; /* too slow */
	if (v->number == h->next)
		return 0;
	if (event->error)
		return -1;
	n = give(event, &v->event_sent, buf, max);
	if (v->event_sent == event->len) {
		v->number++;
		v->event_sent = 0;
	}
	return n;
}

static ssize_t viewer_read(void *arg, char *buf, size_t max)
{
	struct viewer *v = arg;
	ssize_t n;

	pthread_mutex_lock(&v->hub->lock);
	n = viewer_give(v, buf, max);
	pthread_mutex_unlock(&v->hub->lock);
	return n;
}

static void viewer_free(struct viewer *v)
{
	strbuf_free(&v->own);
	free(v);
}

static void viewer_close(void *arg)
{
	struct viewer *v = arg, **p;

	pthread_mutex_lock(&v->hub->lock);
	for (p = &v->hub->viewers; *p != v; p = &(*p)->next)
		;
	*p = v->next;
	pthread_mutex_unlock(&v->hub->lock);
	viewer_free(v);
}

/* Under the lock. */
static bool is_full(const struct stream_hub *h, const char *peer)
{
	unsigned int all = 0, same = 0;

	for (const struct viewer *v = h->viewers; v; v = v->next) {
		all++;
		same += !strcmp(v->peer, peer);
	}
	return all >= STREAM_VIEWERS_MAX || same >= STREAM_VIEWERS_PER_PEER_MAX;
}

/* Under the lock. */
static int viewer_add(struct stream_hub *h, struct viewer *v, const struct http_call *call,
		      const char *snapshot)
{
	if (is_full(h, call->peer))
		return -EBUSY;
	v->hub = h;
	snprintf(v->peer, sizeof(v->peer), "%s", call->peer);
	v->number = snapshot ? h->next : number_after(h, call->after);
	/* After this and before the first event the client shall come back soon. */
	strbuf_adds(&v->own, "retry: 2000\n\n");
	if (snapshot)
		write_event(&v->own, h, h->next - 1, "snapshot", snapshot);
	if (v->own.error)
		return v->own.error;
	v->next = h->viewers;
	h->viewers = v;
	return 0;
}

int stream_begin(struct stream_hub *h, const struct http_call *call, const char *snapshot,
		 struct http_reply *reply)
{
	struct viewer *v = calloc(1, sizeof(*v));
	int ret;

	if (!v)
		return -ENOMEM;
	pthread_mutex_lock(&h->lock);
	ret = viewer_add(h, v, call, snapshot);
	pthread_mutex_unlock(&h->lock);
	if (ret) {
		viewer_free(v);
		return ret;
	}
	reply->status = HTTP_OK;
	reply->type = "text/event-stream";
	reply->stream = (struct http_stream){viewer_read, viewer_close, v};
	return 0;
}
