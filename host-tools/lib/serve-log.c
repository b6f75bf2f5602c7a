/* The writer of the installations' logs; see serve-log.h. */
#include "host-tools/lib/serve-log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/plan-format.h"

#define FILE_MAX  ((off_t)32 << 20)
#define QUEUE_MAX ((size_t)16 << 20)

struct entry {
	struct entry *next;
	char install[PLAN_ID_MAX];
	struct strbuf text;
};

struct serve_log {
	const char *state_dir;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct entry *first, **last; /* under lock, as what follows */
	size_t bytes;
	unsigned int dropped; /* entries */
	bool ended;
};

/* A log that cannot be written is said, but is no reason to hold up a node. */
static void append(const struct serve_log *l, const struct entry *e)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;
	struct stat st;

	snprintf(path, sizeof(path), "%s/installs/%s/log", l->state_dir, e->install);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st))
		log_err(-errno, "cannot write '%s'", path);
	else if (st.st_size < FILE_MAX && write_full(fd, e->text.buf, e->text.len))
		log_err(-EIO, "cannot write '%s'", path);
}

/* All that wait; NULL: the end. */
static struct entry *take(struct serve_log *l)
{
	struct entry *list;
	unsigned int dropped;

	pthread_mutex_lock(&l->lock);
	while (!l->first && !l->ended)
		pthread_cond_wait(&l->wake, &l->lock);
	list = l->first;
	l->first = NULL;
	l->last = &l->first;
	l->bytes = 0;
	dropped = l->dropped;
	l->dropped = 0;
	pthread_mutex_unlock(&l->lock);
	if (dropped)
		log_warn("the logs of installations lack %u pieces: the disk is too slow", dropped);
	return list;
}

static void *log_thread(void *arg)
{
	struct entry *list, *next;

	while ((list = take(arg)))
		for (; list; list = next) {
			next = list->next;
			append(arg, list);
			strbuf_free(&list->text);
			free(list);
		}
	return NULL;
}

int serve_log_start(struct serve_log **out, const char *state_dir)
{
	struct serve_log *l = calloc(1, sizeof(*l));
	int ret;

	if (!l)
		return -ENOMEM;
	l->state_dir = state_dir;
	l->last = &l->first;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, NULL);
	ret = pthread_create(&l->thread, NULL, log_thread, l);
	if (ret) {
		free(l);
		return log_err(-ret, "cannot start a thread");
	}
	*out = l;
	return 0;
}

void serve_log_put(struct serve_log *l, const char *install, struct strbuf *text)
{
	struct entry *e = malloc(sizeof(*e));

	pthread_mutex_lock(&l->lock);
	if (!e || l->bytes + text->len > QUEUE_MAX) {
		l->dropped++;
		strbuf_free(text);
		free(e);
	} else {
		*e = (struct entry){.text = *text};
		snprintf(e->install, sizeof(e->install), "%s", install);
		*text = (struct strbuf){0};
		*l->last = e;
		l->last = &e->next;
		l->bytes += e->text.len;
		pthread_cond_signal(&l->wake);
	}
	pthread_mutex_unlock(&l->lock);
}

void serve_log_stop(struct serve_log *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->ended = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
