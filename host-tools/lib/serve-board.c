/* The feed of the board in a browser: what each node does, read once a second for all who look by a
 * thread of its own, and told as differences (board-news.h, serve-stream.h). Nobody looks: nothing is
 * read. The thread comes after all others and rests for three times as long as it has worked, so that
 * nodes are answered as if nobody looked: no thread that answers them reads for a viewer. */
#include "host-tools/lib/serve-board.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "host-tools/lib/board-news.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/serve-stream.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define READ_MS	 1000
#define FRESH_MS (READ_MS - 100)
#define STALE_MS (3 * READ_MS) /* then a node's row is read again before it is shown */
#define REST	 3
#define NICENESS 5
#define TEXT_MAX ((size_t)512 << 20)
#define MS_NANOS 1000000

struct board_feed {
	struct serve *s;
	struct state *view; /* the thread's */
	struct stream_hub *hub;
	struct board_news news; /* the thread's, but for what news_row_json() looks at */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct board board; /* written by the thread, under the lock */
	int64_t read_at;    /* now_ms(), as the board; 0: never */
	struct http_call
		*calls; /* under the lock, as all that follows: kept, for the whole board */
	bool asked;	/* somebody is new */
	bool running, ended;
};

/* --- reading; the thread --- */

static void group_of(const char *node, char *buf, size_t len, void *arg)
{
	const struct board_feed *f = arg;
	const struct cluster_object *host = cluster_find(f->s->cluster, TYPE_HOST, node);
	const struct cluster_object *group = host ? cluster_host_group(host, 0) : NULL;
	const char *name = group ? group->name : NULL;

	if (!name && host)
		name = cluster_get(host, "lucie_group");
	snprintf(buf, len, "%s", name ? name : "");
}

static void list_begin(struct board_feed *f)
{
	pthread_rwlock_rdlock(&f->s->cluster_lock);
	news_begin(&f->news, &f->board, group_of, f);
	pthread_rwlock_unlock(&f->s->cluster_lock);
	f->read_at = 0;
}

/* Where the list of nodes is another one, viewers begin anew. */
static void feed_follow(struct board_feed *f)
{
	struct timespec time = f->board.definition_time;
	ino_t inode = f->board.definition_inode;

	pthread_mutex_lock(&f->lock);
	if (!board_follow(&f->board) &&
	    (f->board.definition_inode != inode || f->board.definition_time.tv_sec != time.tv_sec ||
	     f->board.definition_time.tv_nsec != time.tv_nsec))
		list_begin(f);
	pthread_mutex_unlock(&f->lock);
}

/* The lock is held for each row only: who wants to know of a node does not wait for all of them. */
static void take_row(const struct state_node *n, void *arg)
{
	struct board_feed *f = arg;

	pthread_mutex_lock(&f->lock);
	board_take(&f->board, n);
	pthread_mutex_unlock(&f->lock);
}

static void count_machine(const struct state_machine *m, void *count)
{
	(void)m;
	++*(size_t *)count;
}

static int feed_read(struct board_feed *f)
{
	int64_t ms = now_ms();
	size_t waiting = 0;

	if (f->read_at && ms - f->read_at < FRESH_MS)
		return 0;
	pthread_mutex_lock(&f->lock);
	board_begin(&f->board, time(NULL), ms);
	pthread_mutex_unlock(&f->lock);
	if (state_nodes(f->view, take_row, f) ||
	    state_machines(f->view, "", count_machine, &waiting))
		return -EIO;
	pthread_mutex_lock(&f->lock);
	board_arrange(&f->board);
	f->read_at = ms;
	pthread_mutex_unlock(&f->lock);
	news_take(&f->news, &f->board, waiting);
	return 0;
}

/* --- telling; the thread --- */

static const char *write_news(struct strbuf *out, uint64_t from, void *arg)
{
	const struct board_feed *f = arg;
	bool whole;

	news_write(&f->news, &f->board, from, out, &whole);
	return whole ? "snapshot" : "nodes";
}

static struct http_call *calls_take(struct board_feed *f)
{
	struct http_call *calls;

	pthread_mutex_lock(&f->lock);
	calls = f->calls;
	f->calls = NULL;
	pthread_mutex_unlock(&f->lock);
	return calls;
}

static void answer_calls(struct http_call *calls, const struct strbuf *text)
{
	for (struct http_call *call = calls, *next; call; call = next) {
		next = call->next;
		board_reply_text(call->reply, text && !text->error ? text->buf : NULL,
				 text ? text->len : 0);
		http_call_answer(call);
	}
}

static void round_of_news(struct board_feed *f)
{
	struct http_call *calls = calls_take(f);
	_cleanup_strbuf_ struct strbuf text = {.max = TEXT_MAX};
	int ret;

	feed_follow(f);
	if (!calls && !stream_viewers(f->hub))
		return;
	ret = feed_read(f);
	if (!ret && calls)
		write_news(&text, 0, f);
	answer_calls(calls, ret ? NULL : &text);
	if (!ret)
		stream_tell(f->hub, f->news.version, now_ms(), write_news, f);
	http_server_wake(f->s->http);
}

/* Until then, or until somebody new wants to know; under the lock. */
static void feed_wait(struct board_feed *f, int64_t until, bool for_all)
{
	struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * MS_NANOS};

	while (!f->ended && (for_all || !f->asked) && now_ms() < until)
		pthread_cond_timedwait(&f->wake, &f->lock, &at);
}

static int64_t worked_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / MS_NANOS;
}

static void *feed_thread(void *arg)
{
	struct board_feed *f = arg;

	setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
	pthread_mutex_lock(&f->lock);
	while (!f->ended) {
		int64_t begun = now_ms(), worked = worked_ms();

		f->asked = false;
		pthread_mutex_unlock(&f->lock);
		round_of_news(f);
		worked = worked_ms() - worked;
		pthread_mutex_lock(&f->lock);
		feed_wait(f, now_ms() + REST * worked, true);
		feed_wait(f, begun + READ_MS, false);
	}
	pthread_mutex_unlock(&f->lock);
	answer_calls(calls_take(f), NULL);
	return NULL;
}

/* --- for others --- */

/* The thread has a clock that no administrator sets. */
static void wake_init(pthread_cond_t *wake)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(wake, &attr);
	pthread_condattr_destroy(&attr);
}

int board_feed_open(struct board_feed **out, struct serve *s)
{
	struct board_feed *f = xcalloc(1, sizeof(*f));
	int ret;

	*out = f;
	f->s = s;
	pthread_mutex_init(&f->lock, NULL);
	wake_init(&f->wake);
	f->board.state_dir = s->options->state_dir;
	f->news.site = s->site;
	ret = stream_hub_open(&f->hub);
	if (!ret)
		ret = state_open_readonly(&f->view, s->options->state_dir);
	if (ret)
		return ret;
	list_begin(f);
	feed_follow(f); /* a definition without hosts is an empty board */
	ret = -pthread_create(&f->thread, NULL, feed_thread, f);
	f->running = !ret;
	return ret ? log_err(ret, "cannot start a thread") : 0;
}

void board_feed_end(struct board_feed *f)
{
	if (!f || !f->running)
		return;
	pthread_mutex_lock(&f->lock);
	f->ended = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	f->running = false;
}

void board_feed_close(struct board_feed *f)
{
	if (!f)
		return;
	board_free(&f->board);
	news_free(&f->news);
	stream_hub_close(f->hub);
	state_close(f->view);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* Under the lock. While nobody looks at the board, nobody has read the row. */
static json_t *row_json(struct board_feed *f, const struct board_row *row)
{
	struct board_row fresh = *row;
	struct state_node n;

	if (now_ms() - f->read_at > STALE_MS) {
		int ret = state_node(f->s->view, row->node.name, &n);

		if (ret && ret != -ENOENT)
			return NULL;
		board_row_take(&f->board, &fresh, &n);
	}
	return news_row_json(&f->news, &f->board, &fresh);
}

json_t *board_feed_node(struct board_feed *f, const char *node)
{
	const struct board_row *row;
	json_t *o;

	pthread_mutex_lock(&f->lock);
	row = map_get(&f->board.by_name, node);
	o = row ? row_json(f, row) : NULL;
	pthread_mutex_unlock(&f->lock);
	return o;
}

/* Under the lock. */
static void feed_ask(struct board_feed *f)
{
	f->asked = true;
	pthread_cond_signal(&f->wake);
}

bool serve_board(struct serve *s, struct http_call *call, struct http_reply *reply)
{
	struct board_feed *f = s->feed;
	bool ended;

	if (!board_admits(s, call, reply, ACCESS_STATES))
		return true;
	pthread_mutex_lock(&f->lock);
	ended = f->ended;
	if (!ended) {
		http_call_keep(call);
		call->next = f->calls;
		f->calls = call;
		feed_ask(f);
	}
	pthread_mutex_unlock(&f->lock);
	if (ended)
		http_reply_text(reply, HTTP_UNAVAILABLE, "the server is ending");
	return ended;
}

void serve_board_stream(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	struct board_feed *f = s->feed;
	int ret;

	if (!board_admits(s, call, reply, ACCESS_STATES))
		return;
	ret = stream_begin(f->hub, call, reply);
	if (ret) {
		http_reply_text(reply, HTTP_UNAVAILABLE, "too many look at the board");
		return;
	}
	pthread_mutex_lock(&f->lock);
	feed_ask(f);
	pthread_mutex_unlock(&f->lock);
}
