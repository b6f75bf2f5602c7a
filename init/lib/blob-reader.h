/* What blob.c and blob-fetch.c share.
 *
 * One thread fetches, verifies and publishes chunks into BLOB_POOL buffers: chunk i lies in
 * buffer i % BLOB_POOL. The caller takes them in order. A source delivers one stream from the first
 * chunk that is missing; when it fails, the next source goes on at that chunk. While all buffers
 * are full nothing is read from the network, so TCP slows the sender down.
 */
#ifndef LUCIE_BLOB_READER_H
#define LUCIE_BLOB_READER_H

#include "init/lib/blob.h"

#include <curl/curl.h>
#include <pthread.h>

#define BLOB_MOMENT_MS 200 /* bound of a wait: a cancellation wakes nobody */

struct blob_reader {
	/* set by blob_open(), then read-only */
	struct blob_manifest manifest;
	struct blob_request request; /* its strings are copies in `urls` */
	char **urls;
	pthread_t thread;
	bool thread_runs;

	/* the fetching thread's; before it starts, blob_open()'s */
	size_t source;		    /* the one in use */
	size_t next;		    /* chunk being fetched */
	size_t filled;		    /* bytes of it */
	int64_t last_byte;	    /* when the last one came */
	unsigned int first_seconds; /* until the first byte of this attempt */
	char why[CURL_ERROR_SIZE];  /* what was wrong with the source */

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

/* Calls attempt() on one source after the other until it returns 0 or nothing has come for `tries`
 * rounds; logs every failure. */
int blob_try_sources(struct blob_reader *r, int (*attempt)(struct blob_reader *r, const char *url));
void *blob_fetch_thread(void *reader);

#endif
