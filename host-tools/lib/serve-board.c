/* The feed of the board in a browser: what each node does, read once a second for all who look, and
 * told as differences (serve-stream.h); a snapshot for who comes new. Nobody looks: nothing is
 * read. Progress alone of very many nodes is told of each only every few seconds, so that a viewer
 * gets about a thousand of them a second and no more; what changes state is told at once. */
#include "host-tools/lib/serve-board.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host-tools/lib/board.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/json-out.h"
#include "host-tools/lib/serve-stream.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"

#define READ_MS	      1000
#define HEARTBEAT_MS  10000
#define TOLD_A_SECOND 1000
#define SEEN_SECONDS  10 /* so much later a node is heard of again before that alone is told */

typedef char group_name[64];

struct board_feed {
	struct serve *s;
	struct stream_hub *hub;
	pthread_mutex_t lock; /* of all that follows */
	struct board board;
	group_name *groups;	  /* of the rows */
	int64_t read_at, told_at; /* now_ms(); 0: never */
	size_t reads;
	size_t waiting, waiting_told; /* machines without a name */
};

/* --- JSON --- */

static const char *state_name(const struct board_row *row)
{
	switch (row->group) {
	case BOARD_RUNNING:
		return row->node.held[0] ? "held" : "installing";
	case BOARD_UNKNOWN:
		return "unknown";
	default:
		return board_group_name(row->group);
	}
}

/* What is empty is left out: there are many rows. */
static void set_text(json_t *object, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(object, key, json_text(text));
}

static void set_number(json_t *object, const char *key, int64_t n)
{
	if (n > 0)
		json_object_set_new(object, key, json_integer(n));
}

static json_t *row_json(const struct board_feed *f, const struct board_row *row)
{
	const struct state_node *n = &row->node;
	json_t *o = json_pack("{s:o, s:s}", "name", json_text(n->name), "state", state_name(row));

	if (!o)
		return NULL;
	set_text(o, "group", f->groups[row->place]);
	set_text(o, "armed", n->armed);
	set_text(o, "install", n->install);
	set_text(o, "module", n->held[0] ? n->held : n->module);
	set_text(o, "message", n->message);
	set_number(o, "seen", n->last_seen);
	if (row->group == BOARD_RUNNING) {
		set_number(o, "done", (int64_t)n->bytes);
		set_number(o, "total", (int64_t)n->total);
		set_number(o, "rate", (int64_t)board_rate(&f->board, row));
		set_number(o, "eta", board_eta(&f->board, row));
	}
	return o;
}

/* --- what is new --- */

static uint32_t fold(uint64_t hash)
{
	return (uint32_t)(hash ^ hash >> 32);
}

/* In the upper half what is told at once, in the lower half everything. Never 0. */
static uint64_t fingerprint(const struct board_row *row)
{
	const struct state_node *n = &row->node;
	uint64_t urgent = map_hash(MAP_HASH, state_name(row)), all;
	char numbers[96];

	urgent = map_hash(urgent, n->armed);
	urgent = map_hash(urgent, n->install);
	urgent = map_hash(urgent, n->module);
	snprintf(numbers, sizeof(numbers), "%llu %llu %lld", (unsigned long long)n->bytes,
		 (unsigned long long)n->total, (long long)n->last_seen / SEEN_SECONDS);
	all = map_hash(map_hash(urgent, numbers), n->message);
	return (uint64_t)fold(urgent) << 32 | fold(all) | 1;
}

static bool is_due(const struct board_feed *f, const struct board_row *row, uint64_t now)
{
	size_t turns = f->board.groups[BOARD_RUNNING] / TOLD_A_SECOND + 1;

	if (now == row->said)
		return false;
	return now >> 32 != row->said >> 32 || (f->reads + row->place) % turns == 0;
}

/* The rows that are new to the viewers, which then are not any more; or all of them. NULL: no
 * memory. */
static json_t *rows_json(struct board_feed *f, bool all)
{
	json_t *list = json_array();
	int failed = !list;

	for (size_t i = 0; i < f->board.count; i++) {
		struct board_row *row = &f->board.rows[i];
		uint64_t now = all ? row->said : fingerprint(row);

		if (!all && !is_due(f, row, now))
			continue;
		row->said = now;
		failed |= json_array_append_new(list, row_json(f, row));
	}
	if (failed)
		json_decref(list);
	return failed ? NULL : list;
}

static json_t *document(const struct board_feed *f, json_t *rows)
{
	return json_pack("{s:s, s:I, s:I, s:o}", "site", f->s->site, "now",
			 (json_int_t)f->board.now, "waiting", (json_int_t)f->waiting, "nodes",
			 rows);
}

static void tell(struct board_feed *f, const char *event, json_t *doc)
{
	_cleanup_free_ char *text = json_dumps(doc, JSON_COMPACT);

	if (text)
		stream_tell(f->hub, event, text);
	f->told_at = f->read_at;
	f->waiting_told = f->waiting;
	json_decref(doc);
}

/* --- reading; under the lock --- */

static void groups_read(struct board_feed *f)
{
	free(f->groups);
	f->groups = xcalloc(f->board.count, sizeof(*f->groups));
	pthread_rwlock_rdlock(&f->s->cluster_lock);
	for (size_t i = 0; i < f->board.count; i++) {
		const struct cluster_object *host =
			cluster_find(f->s->cluster, TYPE_HOST, f->board.rows[i].node.name);
		const struct cluster_object *group = host ? cluster_host_group(host, 0) : NULL;
		const char *name = group ? group->name : NULL;

		if (!name && host)
			name = cluster_get(host, "lucie_group");
		snprintf(f->groups[i], sizeof(f->groups[i]), "%s", name ? name : "");
	}
	pthread_rwlock_unlock(&f->s->cluster_lock);
}

/* Where the list of nodes is another one, viewers begin anew. */
static void feed_follow(struct board_feed *f)
{
	struct timespec time = f->board.definition_time;
	ino_t inode = f->board.definition_inode;

	if (board_follow(&f->board))
		return;
	if (f->board.definition_inode == inode && f->board.definition_time.tv_sec == time.tv_sec &&
	    f->board.definition_time.tv_nsec == time.tv_nsec)
		return;
	groups_read(f);
	tell(f, "snapshot", document(f, rows_json(f, true)));
}

static void count_machine(const struct state_machine *m, void *count)
{
	(void)m;
	++*(size_t *)count;
}

static int feed_read(struct board_feed *f)
{
	int64_t ms = now_ms();
	json_t *rows;

	if (f->read_at && ms - f->read_at < READ_MS - 100)
		return 0;
	if (board_read(&f->board, f->s->view, time(NULL), ms))
		return -EIO;
	f->waiting = 0;
	if (state_machines(f->s->view, "", count_machine, &f->waiting))
		return -EIO;
	f->read_at = ms;
	f->reads++;
	rows = rows_json(f, false);
	if (json_array_size(rows) || f->waiting != f->waiting_told ||
	    ms - f->told_at >= HEARTBEAT_MS)
		tell(f, "nodes", document(f, rows));
	else
		json_decref(rows);
	return 0;
}

/* --- for others --- */

int board_feed_open(struct board_feed **out, struct serve *s)
{
	struct board_feed *f = xcalloc(1, sizeof(*f));
	int ret;

	*out = f;
	f->s = s;
	pthread_mutex_init(&f->lock, NULL);
	f->board.state_dir = s->options->state_dir;
	ret = stream_hub_open(&f->hub);
	if (!ret)
		feed_follow(f); /* a definition without hosts is an empty board */
	return ret;
}

void board_feed_tick(struct board_feed *f)
{
	pthread_mutex_lock(&f->lock);
	feed_follow(f);
	if (stream_viewers(f->hub))
		feed_read(f);
	pthread_mutex_unlock(&f->lock);
	http_server_wake(f->s->http);
}

void board_feed_close(struct board_feed *f)
{
	if (!f)
		return;
	board_free(&f->board);
	stream_hub_close(f->hub);
	free(f->groups);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

json_t *board_feed_node(struct board_feed *f, const char *node)
{
	const struct board_row *row;
	json_t *o = NULL;

	pthread_mutex_lock(&f->lock);
	row = map_get(&f->board.by_name, node);
	if (row && !feed_read(f))
		o = row_json(f, row);
	pthread_mutex_unlock(&f->lock);
	return o;
}

void serve_board(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	struct board_feed *f = s->feed;
	json_t *doc = NULL;

	if (!board_admits(s, call, reply, ACCESS_STATES))
		return;
	pthread_mutex_lock(&f->lock);
	if (!feed_read(f))
		doc = document(f, rows_json(f, true));
	pthread_mutex_unlock(&f->lock);
	board_reply_json(reply, doc);
}

static int begin(struct board_feed *f, const struct http_call *call, struct http_reply *reply)
{
	_cleanup_free_ char *text = NULL;
	int ret = feed_read(f);

	if (ret)
		return ret;
	if (!stream_can_resume(f->hub, call->after)) {
		json_t *doc = document(f, rows_json(f, true));

		text = json_dumps(doc, JSON_COMPACT);
		json_decref(doc);
		if (!text)
			return -ENOMEM;
	}
	return stream_begin(f->hub, call, text, reply);
}

void serve_board_stream(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	int ret;

	if (!board_admits(s, call, reply, ACCESS_STATES))
		return;
	pthread_mutex_lock(&s->feed->lock);
	ret = begin(s->feed, call, reply);
	pthread_mutex_unlock(&s->feed->lock);
	if (ret == -EBUSY)
		http_reply_text(reply, HTTP_UNAVAILABLE, "too many look at the board");
	else if (ret)
		http_reply_text(reply, HTTP_FAILED, "the server cannot read its state");
}
