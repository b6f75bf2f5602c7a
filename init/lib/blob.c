/* The reader of blobs, the caller's side; see blob.h and, for how it works, blob-reader.h. */
#include "init/lib/blob-reader.h"
#include "init/lib/cleanup.h"
#include "init/lib/http.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/silent.h"
#include "init/lib/wait.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define STALL_SECONDS 20
#define TRIES	      4
#define URL_MAX	      1024

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
						   .connect_seconds = r->first_seconds,
						   .silent_seconds = r->first_seconds,
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
	if (q->silent)
		silent_last(q->silent, r->urls, q->url_count);
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
	pthread_mutex_init(&r->lock, NULL);
	wait_init(&r->changed);
	ret = copy_request(r, request);
	if (!ret)
		ret = blob_try_sources(r, fetch_manifest);
	if (!ret)
		ret = make_pool(r);
	if (!ret)
		ret = -pthread_create(&r->thread, NULL, blob_fetch_thread, r);
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
		wait_ms(&r->changed, &r->lock, BLOB_MOMENT_MS);
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
