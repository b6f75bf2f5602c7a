/* The reader of blobs; see blob.h.
 *
 * One thread fetches, verifies and publishes chunks into BLOB_POOL buffers: chunk i lies in
 * buffer i % BLOB_POOL. The caller takes them in order. A source delivers one stream from the first
 * chunk that is missing; when it fails, the next source goes on at that chunk. While all buffers
 * are full nothing is read from the network, so TCP slows the sender down.
 */
#include "init/lib/blob.h"
#include "init/lib/cleanup.h"
#include "init/lib/http.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STALL_SECONDS	 20
#define TRIES		 4
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS	 8000
#define URL_MAX		 1024

struct blob_reader {
	/* set by blob_open(), then read-only */
	struct blob_manifest manifest;
	struct blob_request request; /* its strings are copies in `urls` */
	char **urls;
	pthread_t thread;
	bool thread_runs;

	/* the fetching thread's; before it starts, blob_open()'s */
	size_t source;		   /* the one in use */
	size_t next;		   /* chunk being fetched */
	size_t filled;		   /* bytes of it */
	int64_t last_byte;	   /* when the last one came */
	char why[CURL_ERROR_SIZE]; /* what was wrong with the source */

	pthread_mutex_t lock; /* all below */
	pthread_cond_t changed;
	uint8_t *pool[BLOB_POOL];
	size_t ready;	 /* chunks that were verified */
	size_t released; /* chunks that the caller does not look at any more */
	size_t taken;	 /* chunks that the caller got */
	int error;	 /* no chunk after `ready` will come */
	bool ended;	 /* the fetching thread has */
	bool closing;
};

bool blob_stopped(struct blob_reader *r)
{
	bool closing;

	pthread_mutex_lock(&r->lock);
	closing = r->closing && r->ready < r->manifest.chunks;
	pthread_mutex_unlock(&r->lock);
	return closing || (r->request.cancelled && r->request.cancelled(r->request.cancel_arg));
}

/* Waits a moment for a change; the lock is held. Short, because a cancellation wakes nobody. */
static void wait_moment(struct blob_reader *r)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 200 * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000L;
	}
	pthread_cond_timedwait(&r->changed, &r->lock, &t);
}

/* --- the fetching thread ------------------------------------------------------------- */

/* The buffer of the chunk that is fetched next; NULL when cancelled. */
static uint8_t *wait_room(struct blob_reader *r)
{
	bool room;

	for (;;) {
		if (blob_stopped(r))
			return NULL;
		pthread_mutex_lock(&r->lock);
		room = r->next < r->released + BLOB_POOL;
		if (!room)
			wait_moment(r);
		pthread_mutex_unlock(&r->lock);
		if (room)
			return r->pool[r->next % BLOB_POOL];
	}
}

static int publish(struct blob_reader *r)
{
	uint8_t hash[BLOB_HASH_LEN];

	blob_chunk_hash(r->pool[r->next % BLOB_POOL], r->filled, hash);
	if (memcmp(hash, r->manifest.hash[r->next], sizeof(hash)) != 0) {
		snprintf(r->why, sizeof(r->why), "chunk %zu is not what the manifest says",
			 r->next);
		return -EBADMSG;
	}
	pthread_mutex_lock(&r->lock);
	r->ready = ++r->next;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	r->filled = 0;
	return 0;
}

int blob_give(struct blob_reader *r, const void *bytes, size_t len)
{
	const char *data = bytes;

	r->last_byte = now_ms();
	while (len) {
		size_t want, n;
		uint8_t *buf;
		int ret;

		if (r->next == r->manifest.chunks) {
			snprintf(r->why, sizeof(r->why), "more bytes than the manifest says");
			return -EBADMSG;
		}
		buf = wait_room(r);
		if (!buf)
			return -ECANCELED;
		want = blob_chunk_length(&r->manifest, r->next);
		n = want - r->filled < len ? want - r->filled : len;
		memcpy(buf + r->filled, data, n);
		r->filled += n;
		data += n;
		len -= n;
		ret = r->filled == want ? publish(r) : 0;
		if (ret)
			return ret;
	}
	r->last_byte = now_ms(); /* a wait for room is not the source's silence */
	return 0;
}

struct transfer {
	struct blob_reader *r;
	CURL *curl;
	bool checked; /* the status */
	int error;
};

static int check_status(struct transfer *t, bool from_start)
{
	long status = 0;

	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 206 || (status == 200 && from_start))
		return 0;
	if (status == 200)
		snprintf(t->r->why, sizeof(t->r->why), "cannot resume: it ignores Range");
	else
		snprintf(t->r->why, sizeof(t->r->why), "HTTP status %ld", status);
	return -EPROTO;
}

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;

	if (!t->checked)
		t->error = check_status(t, t->r->next == 0);
	t->checked = true;
	if (!t->error)
		t->error = blob_give(t->r, data, size * count);
	return t->error ? 0 : size * count;
}

/* About once a second, also while no byte comes. */
static int on_time(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct transfer *t = arg;

	(void)a, (void)b, (void)c, (void)d;
	if (blob_stopped(t->r))
		t->error = -ECANCELED;
	else if (now_ms() - t->r->last_byte > (int64_t)t->r->request.stall_seconds * 1000) {
		snprintf(t->r->why, sizeof(t->r->why), "no byte for %u s",
			 t->r->request.stall_seconds);
		t->error = -ETIMEDOUT;
	}
	return t->error != 0;
}

static int fetch_http(struct blob_reader *r, const char *url)
{
	struct transfer t = {.r = r, .curl = curl_easy_init()};
	char range[32], error[CURL_ERROR_SIZE] = "";
	CURLcode code;

	if (!t.curl)
		return -ENOMEM;
	snprintf(range, sizeof(range), "%" PRIu64 "-", (uint64_t)r->next * BLOB_CHUNK);
	curl_easy_setopt(t.curl, CURLOPT_URL, url);
	curl_easy_setopt(t.curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(t.curl, CURLOPT_PROXY, "");
	curl_easy_setopt(t.curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t.curl, CURLOPT_CONNECTTIMEOUT, (long)r->request.stall_seconds);
	curl_easy_setopt(t.curl, CURLOPT_BUFFERSIZE, 256L * 1024);
	curl_easy_setopt(t.curl, CURLOPT_RANGE, range);
	curl_easy_setopt(t.curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(t.curl, CURLOPT_WRITEDATA, &t);
	curl_easy_setopt(t.curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(t.curl, CURLOPT_XFERINFOFUNCTION, on_time);
	curl_easy_setopt(t.curl, CURLOPT_XFERINFODATA, &t);
	curl_easy_setopt(t.curl, CURLOPT_ERRORBUFFER, error);
	r->last_byte = now_ms();
	code = curl_easy_perform(t.curl);
	if (code == CURLE_OK && !t.checked)
		t.error = check_status(&t, r->next == 0);
	curl_easy_cleanup(t.curl);
	if (!t.error && r->next == r->manifest.chunks)
		return 0;
	if (t.error)
		return t.error;
	snprintf(r->why, sizeof(r->why), "%s",
		 code == CURLE_OK ? "it ends too early"
		 : *error	  ? error
				  : curl_easy_strerror(code));
	return -EIO;
}

static int fetch_file(struct blob_reader *r, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : 0;

	while (!ret && r->next < r->manifest.chunks) {
		uint8_t *buf = wait_room(r);

		if (!buf)
			return -ECANCELED;
		r->filled = blob_chunk_length(&r->manifest, r->next);
		ret = pread_full(fd, buf, r->filled, (uint64_t)r->next * BLOB_CHUNK);
		if (!ret) {
			ret = publish(r);
			if (ret)
				return ret;
		}
	}
	if (ret)
		snprintf(r->why, sizeof(r->why), "%s",
			 ret == -ENODATA ? "it ends too early" : strerror(-ret));
	return ret;
}

static int fetch_from(struct blob_reader *r, const char *url)
{
	if (r->next == r->manifest.chunks)
		return 0;
	r->filled = 0;
	snprintf(r->why, sizeof(r->why), "out of memory");
	if (str_starts(url, "file:"))
		return fetch_file(r, url + strlen("file:"));
	return fetch_http(r, url);
}

static int backoff(struct blob_reader *r, unsigned int round)
{
	unsigned int ms = BACKOFF_FIRST_MS << (round < 4 ? round : 4);
	int64_t end = now_ms() + (ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS);

	while (now_ms() < end) {
		if (blob_stopped(r))
			return -ECANCELED;
		sleep_ms(100);
	}
	return 0;
}

/* Calls attempt() on one source after the other until it returns 0 or nothing has come for `tries`
 * rounds; logs every failure. */
static int try_sources(struct blob_reader *r,
		       int (*attempt)(struct blob_reader *r, const char *url))
{
	size_t count = r->request.url_count, failures = 0;

	for (;;) {
		const char *url = r->urls[r->source];
		size_t before = r->next;
		int ret = attempt(r, url);

		if (!ret || ret == -ECANCELED)
			return ret;
		failures = r->next > before ? 1 : failures + 1;
		if (failures >= count * r->request.tries)
			return log_err(0, "cannot fetch '%s': %s; gave up after %zu tries", url,
				       r->why, failures);
		log_warn("cannot fetch '%s': %s; trying %s", url, r->why,
			 count > 1 ? "the next source" : "again");
		r->source = (r->source + 1) % count;
		if (failures % count == 0 && backoff(r, (unsigned int)(failures / count) - 1))
			return -ECANCELED;
	}
}

uint64_t blob_wanted(const struct blob_reader *r)
{
	return (uint64_t)r->next * BLOB_CHUNK;
}

/* 0: everything is there; -ECANCELED; -EIO: the URLs go on, logged. */
static int fetch_stream(struct blob_reader *r)
{
	const struct blob_stream *s = r->request.stream;
	int ret;

	snprintf(r->why, sizeof(r->why), "it ends too early");
	ret = s->run(r, s->arg, r->why, sizeof(r->why));
	if (r->next == r->manifest.chunks)
		return 0;
	if (ret == -ECANCELED && blob_stopped(r))
		return ret;
	log_warn("cannot fetch '%s': %s; trying the next source", s->name, r->why);
	return -EIO;
}

static void *fetch_thread(void *arg)
{
	struct blob_reader *r = arg;
	int ret = r->request.stream && r->manifest.chunks ? fetch_stream(r) : -EIO;

	if (ret && ret != -ECANCELED)
		ret = try_sources(r, fetch_from);
	pthread_mutex_lock(&r->lock);
	r->ended = true;
	r->error = ret == -EINVAL ? -EIO : ret;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* --- the caller's side --------------------------------------------------------------- */

static int read_manifest_text(struct blob_reader *r, const char *url, struct strbuf *text)
{
	char name[URL_MAX];
	long status = 0;
	int ret;

	if ((size_t)snprintf(name, sizeof(name), "%s.blob", url) >= sizeof(name))
		return -ENAMETOOLONG;
	if (str_starts(name, "file:")) {
		_cleanup_free_ char *content = NULL;
		size_t len;

		ret = file_read(name + strlen("file:"), BLOB_MANIFEST_MAX, &content, &len);
		if (ret)
			snprintf(r->why, sizeof(r->why), "its manifest: %s", strerror(-ret));
		return ret ? ret : strbuf_add(text, content, len);
	}
	ret = http_exchange(&(struct http_request){.url = name,
						   .connect_seconds = r->request.stall_seconds,
						   .total_seconds = r->request.stall_seconds * 3,
						   .max = BLOB_MANIFEST_MAX},
			    text, &status, r->why, sizeof(r->why));
	if (!ret && status != 200) {
		snprintf(r->why, sizeof(r->why), "its manifest: HTTP status %ld", status);
		ret = -EPROTO;
	}
	return ret;
}

static int fetch_manifest(struct blob_reader *r, const char *url)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	int ret;

	if (blob_stopped(r))
		return -ECANCELED;
	snprintf(r->why, sizeof(r->why), "its URL is too long");
	ret = read_manifest_text(r, url, &text);
	if (ret)
		return ret;
	ret = blob_manifest_parse(&r->manifest, text.buf ? text.buf : "", text.len);
	if (ret) {
		snprintf(r->why, sizeof(r->why), "its manifest is damaged");
	} else if (strcmp(r->manifest.root, r->request.root) != 0) {
		snprintf(r->why, sizeof(r->why), "its manifest is of another blob");
		blob_manifest_free(&r->manifest);
		ret = -EBADMSG;
	}
	return ret;
}

static int copy_request(struct blob_reader *r, const struct blob_request *q)
{
	r->request = *q;
	r->request.root = strdup(q->root);
	r->request.urls = NULL;
	if (!r->request.stall_seconds)
		r->request.stall_seconds = STALL_SECONDS;
	if (!r->request.tries)
		r->request.tries = TRIES;
	r->urls = calloc(q->url_count, sizeof(*r->urls));
	if (!r->request.root || !r->urls)
		return -ENOMEM;
	for (size_t i = 0; i < q->url_count; i++) {
		r->urls[i] = strdup(q->urls[i]);
		if (!r->urls[i])
			return -ENOMEM;
	}
	return 0;
}

static int make_pool(struct blob_reader *r)
{
	size_t bytes = r->manifest.chunks ? blob_chunk_length(&r->manifest, 0) : 0;

	for (size_t i = 0; i < BLOB_POOL && i < r->manifest.chunks; i++) {
		r->pool[i] = malloc(bytes);
		if (!r->pool[i])
			return -ENOMEM;
	}
	return 0;
}

static void init_locks(struct blob_reader *r)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&r->lock, NULL);
}

int blob_open(struct blob_reader **out, const struct blob_request *request)
{
	struct blob_reader *r;
	int ret;

	if (request->url_count == 0)
		return log_err(0, "blob %.16s has no source", request->root);
	r = calloc(1, sizeof(*r));
	if (!r)
		return log_err(-ENOMEM, "cannot fetch '%s'", request->urls[0]);
	http_init();
	init_locks(r);
	ret = copy_request(r, request);
	if (!ret)
		ret = try_sources(r, fetch_manifest);
	if (!ret)
		ret = make_pool(r);
	if (!ret)
		ret = -pthread_create(&r->thread, NULL, fetch_thread, r);
	if (ret == -ENOMEM || ret == -EAGAIN)
		log_err(ret, "cannot fetch '%s'", request->urls[0]);
	if (ret) {
		blob_close(r);
		return ret == -EINVAL ? -EIO : ret;
	}
	r->thread_runs = true;
	*out = r;
	return 0;
}

uint64_t blob_length(const struct blob_reader *r)
{
	return r->manifest.length;
}

ssize_t blob_next(struct blob_reader *r, const void **block)
{
	ssize_t ret;

	pthread_mutex_lock(&r->lock);
	r->released = r->taken;
	pthread_cond_broadcast(&r->changed);
	while (r->taken == r->ready && !r->error && r->taken < r->manifest.chunks) {
		wait_moment(r);
		if (r->request.cancelled && r->request.cancelled(r->request.cancel_arg))
			break;
	}
	if (r->taken < r->ready) {
		*block = r->pool[r->taken % BLOB_POOL];
		ret = (ssize_t)blob_chunk_length(&r->manifest, r->taken++);
	} else if (r->taken == r->manifest.chunks) {
		ret = 0;
	} else {
		ret = r->error ? r->error : -ECANCELED;
	}
	pthread_mutex_unlock(&r->lock);
	return ret;
}

bool blob_lingers(struct blob_reader *r)
{
	bool lingers;

	pthread_mutex_lock(&r->lock);
	lingers = r->ready == r->manifest.chunks && !r->ended;
	pthread_mutex_unlock(&r->lock);
	return lingers;
}

void blob_close(struct blob_reader *r)
{
	if (!r)
		return;
	if (r->thread_runs) {
		pthread_mutex_lock(&r->lock);
		r->closing = true;
		pthread_cond_broadcast(&r->changed);
		pthread_mutex_unlock(&r->lock);
		pthread_join(r->thread, NULL);
	}
	for (size_t i = 0; r->urls && i < r->request.url_count; i++)
		free(r->urls[i]);
	for (size_t i = 0; i < BLOB_POOL; i++)
		free(r->pool[i]);
	free(r->urls);
	free((char *)r->request.root);
	blob_manifest_free(&r->manifest);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
