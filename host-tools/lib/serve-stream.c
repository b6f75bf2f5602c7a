/* Server-sent events; see serve-stream.h. An event's id is "EPOCH-VERSION": the epoch is this
 * server's, so that nobody resumes with the versions of an earlier one. */
#include "host-tools/lib/serve-stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/io.h"
#include "init/lib/seal.h"

#define EPOCH_TEXT 17
#define EVENT_MAX  ((size_t)512 << 20)
/* What a viewer gets first: how soon it shall come back when the connection has ended. */
#define GREETING "retry: 2000\n\n"

/* An event, for all viewers that have the same to be told. */
struct told {
	unsigned int users; /* under the lock of the hub */
	struct strbuf text;
};

/* Under the lock of the hub; made and ended by the thread of its connection. */
struct viewer {
	struct viewer *next;
	struct stream_hub *hub;
	char peer[64];
	size_t greeted;	   /* bytes of the greeting */
	uint64_t version;  /* that it has when `told` is sent */
	struct told *told; /* NULL: it has taken everything */
	size_t sent;	   /* bytes of it */
	int64_t told_at;   /* now_ms() */
};

struct stream_hub {
	char epoch[EPOCH_TEXT];
	pthread_mutex_t lock;
	uint64_t newest;	/* under the lock */
	struct viewer *viewers; /* under the lock */
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
	return 0;
}

void stream_hub_close(struct stream_hub *h)
{
	if (!h)
		return;
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

/* --- telling --- */

static struct told *told_new(const struct stream_hub *h, uint64_t from, uint64_t newest,
			     stream_write *write, void *arg)
{
	struct strbuf data = {.max = EVENT_MAX};
	const char *event = write(&data, from, arg);
	struct told *t = calloc(1, sizeof(*t));

	if (t && event) {
		t->text.max = EVENT_MAX;
		strbuf_addf(&t->text, "id: %s-%llu\nevent: %s\ndata: ", h->epoch,
			    (unsigned long long)newest, event);
		strbuf_add(&t->text, data.buf, data.len);
		strbuf_adds(&t->text, "\n\n");
	}
	if (t && (!event || data.error || t->text.error)) {
		strbuf_free(&t->text);
		free(t);
		t = NULL;
	}
	strbuf_free(&data);
	return t;
}

/* Under the lock. */
static void told_drop(struct told *t)
{
	if (!t || --t->users)
		return;
	strbuf_free(&t->text);
	free(t);
}

/* Under the lock. */
static bool is_due(const struct viewer *v, uint64_t newest, int64_t now)
{
	return !v->told && (v->version != newest || now - v->told_at >= STREAM_QUIET_MS);
}

/* The version from which some viewer has to get on; false: there is none. */
static bool find_due(struct stream_hub *h, uint64_t newest, int64_t now, uint64_t *from)
{
	const struct viewer *v;

	pthread_mutex_lock(&h->lock);
	h->newest = newest;
	for (v = h->viewers; v && !is_due(v, newest, now); v = v->next)
		;
	if (v)
		*from = v->version;
	pthread_mutex_unlock(&h->lock);
	return v;
}

/* The viewer that it was written for may have gone meanwhile. */
static void give_all(struct stream_hub *h, struct told *t, uint64_t from, uint64_t newest,
		     int64_t now)
{
	pthread_mutex_lock(&h->lock);
	t->users = 1;
	for (struct viewer *v = h->viewers; v; v = v->next) {
		if (v->version != from || !is_due(v, newest, now))
			continue;
		t->users++;
		v->told = t;
		v->sent = 0;
		v->told_at = now;
		v->version = newest;
	}
	told_drop(t);
	pthread_mutex_unlock(&h->lock);
}

void stream_tell(struct stream_hub *h, uint64_t newest, int64_t now, stream_write *write, void *arg)
{
	uint64_t from;

	while (find_due(h, newest, now, &from)) {
		struct told *t = told_new(h, from, newest, write, arg);

		if (!t)
			return;
		give_all(h, t, from, newest, now);
	}
}

/* --- a viewer --- */

static ssize_t give(const char *text, size_t len, size_t *sent, char *buf, size_t max)
{
	size_t n = len - *sent < max ? len - *sent : max;

	memcpy(buf, text + *sent, n);
	*sent += n;
	return (ssize_t)n;
}

/* Under the lock. */
static ssize_t viewer_give(struct viewer *v, char *buf, size_t max)
{
	ssize_t n;

	if (v->greeted < strlen(GREETING))
		return give(GREETING, strlen(GREETING), &v->greeted, buf, max);
	if (!v->told)
		return 0;
	n = give(v->told->text.buf, v->told->text.len, &v->sent, buf, max);
	if (v->sent == v->told->text.len) {
		told_drop(v->told);
		v->told = NULL;
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

static void viewer_close(void *arg)
{
	struct viewer *v = arg, **p;

	pthread_mutex_lock(&v->hub->lock);
	for (p = &v->hub->viewers; *p != v; p = &(*p)->next)
		;
	*p = v->next;
	told_drop(v->told);
	pthread_mutex_unlock(&v->hub->lock);
	free(v);
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

/* Under the lock. That of "EPOCH-VERSION"; 0: not ours. */
static uint64_t version_of(const struct stream_hub *h, const char *id)
{
	size_t n = strlen(h->epoch);
	uint64_t version;

	if (!id || strncmp(id, h->epoch, n) != 0 || id[n] != '-' ||
	    str_to_u64(id + n + 1, &version) || version > h->newest)
		return 0;
	return version;
}

int stream_begin(struct stream_hub *h, const struct http_call *call, struct http_reply *reply)
{
	struct viewer *v = calloc(1, sizeof(*v));
	bool full;

	if (!v)
		return -ENOMEM;
	v->hub = h;
	v->told_at = now_ms();
	snprintf(v->peer, sizeof(v->peer), "%s", call->peer);
	pthread_mutex_lock(&h->lock);
	full = is_full(h, call->peer);
	if (!full) {
		v->version = version_of(h, call->after);
		v->next = h->viewers;
		h->viewers = v;
	}
	pthread_mutex_unlock(&h->lock);
	if (full) {
		free(v);
		return -EBUSY;
	}
	reply->status = HTTP_OK;
	reply->type = "text/event-stream";
	reply->stream = (struct http_stream){viewer_read, viewer_close, v};
	return 0;
}
