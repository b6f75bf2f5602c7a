/* A queue of calls and its thread; see serve-work.h. What came in while one list was being worked
 * on is the next list: the more there is to do, the more is done at once. */
#include "host-tools/lib/serve-work.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/io.h"
#include "init/lib/log.h"

struct work {
	struct work_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct http_call *first, **last; /* under lock */
	bool ended;			 /* under lock */
};

/* The next list, of at most `most` calls; NULL: the end. */
static struct http_call *take(struct work *w)
{
	struct http_call *list, **end = &list;

	pthread_mutex_lock(&w->lock);
	while (!w->first && !w->ended)
		pthread_cond_wait(&w->wake, &w->lock);
	list = w->first;
	for (size_t n = 0; *end && n < w->options.most; n++)
		end = &(*end)->next;
	w->first = *end;
	*end = NULL;
	if (!w->first)
		w->last = &w->first;
	pthread_mutex_unlock(&w->lock);
	return list;
}

static void *work_thread(void *arg)
{
	struct work *w = arg;
	struct http_call *list;

	while ((list = take(w))) {
		bool many = list->next;

		list = w->options.run(list, w->options.arg);
		for (struct http_call *call = list, *next; call; call = next) {
			next = call->next;
			http_call_answer(call);
		}
		if (many && w->options.gather_ms)
			sleep_ms(w->options.gather_ms);
	}
	return NULL;
}

int work_start(struct work **out, const struct work_options *options)
{
	struct work *w = calloc(1, sizeof(*w));
	int ret;

	if (!w)
		return -ENOMEM;
	w->options = *options;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	ret = pthread_create(&w->thread, NULL, work_thread, w);
	if (ret) {
		free(w);
		return log_err(-ret, "cannot start a thread");
	}
	*out = w;
	return 0;
}

static bool put(struct work *w, struct http_call *call, bool is_kept)
{
	bool ended;

	pthread_mutex_lock(&w->lock);
	ended = w->ended;
	if (!ended) {
		if (!is_kept)
			http_call_keep(call);
		call->next = NULL;
		*w->last = call;
		w->last = &call->next;
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	if (ended)
		http_reply_text(call->reply, HTTP_UNAVAILABLE, "the server is ending");
	return ended;
}

bool work_put(struct work *w, struct http_call *call)
{
	return put(w, call, false);
}

bool work_pass(struct work *w, struct http_call *call)
{
	return put(w, call, true);
}

void work_end(struct work *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ended = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
}

void work_free(struct work *w)
{
	if (!w)
		return;
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
