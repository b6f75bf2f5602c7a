/* The reader of blobs, the fetching thread; see blob-reader.h. */
#include "init/lib/blob-reader.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/silent.h"
#include "init/lib/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS	 8000

bool blob_stopped(struct blob_reader *r)
{
	bool closing;

	pthread_mutex_lock(&r->lock);
	closing = r->closing && r->ready < r->manifest.chunks;
	pthread_mutex_unlock(&r->lock);
	return closing || (r->request.cancelled && r->request.cancelled(r->request.cancel_arg));
}

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
			wait_ms(&r->changed, &r->lock, BLOB_MOMENT_MS);
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
	struct blob_reader *r = t->r;
	unsigned int seconds = t->checked ? r->request.stall_seconds : r->first_seconds;

	(void)a, (void)b, (void)c, (void)d;
	if (blob_stopped(r))
		t->error = -ECANCELED;
	else if (now_ms() - r->last_byte > (int64_t)seconds * 1000) {
		snprintf(r->why, sizeof(r->why), "no byte for %u s", seconds);
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
	curl_easy_setopt(t.curl, CURLOPT_CONNECTTIMEOUT, (long)r->first_seconds);
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
	return code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO;
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

/* Short as long as another source may be better. If all of them are slow, each has its whole time
 * from the second round on. */
static unsigned int first_seconds(const struct blob_reader *r, size_t failures)
{
	unsigned int seconds = r->request.stall_seconds;

	return failures + 1 < r->request.url_count && seconds > BLOB_FIRST_SECONDS
		       ? BLOB_FIRST_SECONDS
		       : seconds;
}

int blob_try_sources(struct blob_reader *r, int (*attempt)(struct blob_reader *r, const char *url))
{
	size_t count = r->request.url_count, failures = 0;

	for (;;) {
		const char *url = r->urls[r->source];
		size_t before = r->next;
		int ret;

		r->first_seconds = first_seconds(r, failures);
		ret = attempt(r, url);
		if (!ret || ret == -ECANCELED)
			return ret;
		if (ret == -ETIMEDOUT && r->request.silent)
			silent_note(r->request.silent, url);
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

void *blob_fetch_thread(void *arg)
{
	struct blob_reader *r = arg;
	int ret = r->request.stream && r->manifest.chunks ? fetch_stream(r) : -EIO;

	if (ret && ret != -ECANCELED)
		ret = blob_try_sources(r, fetch_from);
	pthread_mutex_lock(&r->lock);
	r->ended = true;
	r->error = ret == -EINVAL ? -EIO : ret;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}
