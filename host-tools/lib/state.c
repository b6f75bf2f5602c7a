/* What changes while the server runs, in SQLite; see state.h.
 *
 * One connection with one lock, so that threads share it; other processes (lucie install, lucie
 * status) use connections of their own at the same time, which is what WAL is for. Every commit is
 * synced to the disk: a node forgets what was acknowledged, and goes on from there, so a server that
 * came back from a power cut knowing less would never hear the rest. serve-events.c puts many
 * events into one commit.
 */
#include "host-tools/lib/state-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "init/lib/log.h"

#define EVENTS_MAX 20000 /* kept ones of an installation */

bool state_ended_well(const struct state_node *n)
{
	return !strcmp(n->status, "installed") || !strcmp(n->status, "wiped");
}

static int now_stale(struct state *s, const char *node)
{
	return db_run(s, "INSERT OR IGNORE INTO stale(node) VALUES(?1)", "s", node);
}

int state_arm_as(struct state *s, const char *node, const struct state_arming *arming)
{
	int ret = transaction_begin(s);

	if (ret)
		return ret;
	ret = db_run(s,
		     "INSERT INTO node(name, armed, wipe, attempts_max, breaks) VALUES(?1, ?2, "
		     "?3, ?4, ?5) ON CONFLICT(name) DO UPDATE SET armed=?2, wipe=?3, "
		     "attempts_max=?4, breaks=?5, attempts=0",
		     "ssiis", node, arming->variant, (int64_t)arming->wipe,
		     (int64_t)(arming->attempts_max ? arming->attempts_max : STATE_ATTEMPTS),
		     arming->breaks ? arming->breaks : "");
	if (!ret)
		ret = now_stale(s, node);
	return transaction_end(s, ret);
}

int state_arm(struct state *s, const char *node, const char *variant, bool wipe)
{
	return state_arm_as(s, node, &(struct state_arming){.variant = variant, .wipe = wipe});
}

/* An installation of which nothing is heard would run for ever; its report still counts, should one
 * come. */
static int end_silent(struct state *s, const char *node)
{
	int64_t now = time(NULL), since = now - STATE_SILENT_SECONDS;
	int ret = db_run(s,
			 "UPDATE install SET ended=?2, ok=0 WHERE ended=0 AND id=(SELECT install "
			 "FROM node WHERE name=?1 AND status='running' AND last_seen<?3)",
			 "sii", node, now, since);

	return ret ? ret
		   : db_run(s,
			    "UPDATE node SET status='failed', held='', go=0, message='given up: "
			    "not heard of for a minute or more' WHERE name=?1 AND "
			    "status='running' AND last_seen<?2",
			    "si", node, since);
}

int state_disarm(struct state *s, const char *node)
{
	int ret = transaction_begin(s);

	if (ret)
		return ret;
	ret = db_run(s, "UPDATE node SET armed='', wipe=0 WHERE name=?1", "s", node);
	if (!ret)
		ret = end_silent(s, node);
	if (!ret)
		ret = now_stale(s, node);
	return transaction_end(s, ret);
}

struct names {
	void (*row)(const char *node, void *arg);
	void *arg;
};

static void take_name(sqlite3_stmt *stmt, void *arg)
{
	const struct names *names = arg;
	char node[64];

	column_text(node, sizeof(node), stmt, 0);
	names->row(node, names->arg);
}

int state_stale(struct state *s, void (*row)(const char *node, void *arg), void *arg)
{
	struct names names = {row, arg};
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt, "SELECT node FROM stale", "");
	if (!ret)
		ret = rows_each(s, stmt, take_name, &names);
	pthread_mutex_unlock(&s->lock);
	return ret == -ENOENT ? 0 : ret;
}

int state_fresh(struct state *s, const char *node, const char *armed)
{
	int ret = transaction_begin(s);

	if (ret)
		return ret;
	ret = db_run(s,
		     "DELETE FROM stale WHERE node=?1 AND "
		     "?2=COALESCE((SELECT armed FROM node WHERE name=?1), '')",
		     "ss", node, armed);
	return transaction_end(s, ret);
}

#define NODE_COLUMNS                                                                               \
	"SELECT name, armed, wipe, install, status, module, bytes, total, message, last_seen, "    \
	"attempts, attempts_max, breaks, held, go FROM node"

static void node_from_row(struct state_node *n, sqlite3_stmt *stmt)
{
	column_text(n->name, sizeof(n->name), stmt, 0);
	column_text(n->armed, sizeof(n->armed), stmt, 1);
	n->wipe = sqlite3_column_int(stmt, 2);
	column_text(n->install, sizeof(n->install), stmt, 3);
	column_text(n->status, sizeof(n->status), stmt, 4);
	column_text(n->module, sizeof(n->module), stmt, 5);
	n->bytes = (uint64_t)sqlite3_column_int64(stmt, 6);
	n->total = (uint64_t)sqlite3_column_int64(stmt, 7);
	column_text(n->message, sizeof(n->message), stmt, 8);
	n->last_seen = sqlite3_column_int64(stmt, 9);
	n->attempts = (unsigned int)sqlite3_column_int(stmt, 10);
	n->attempts_max = (unsigned int)sqlite3_column_int(stmt, 11);
	column_text(n->breaks, sizeof(n->breaks), stmt, 12);
	column_text(n->held, sizeof(n->held), stmt, 13);
	n->go = sqlite3_column_int(stmt, 14);
}

int state_node(struct state *s, const char *node, struct state_node *n)
{
	sqlite3_stmt *stmt;
	int ret;

	memset(n, 0, sizeof(*n));
	snprintf(n->name, sizeof(n->name), "%s", node);
	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt, NODE_COLUMNS " WHERE name=?1", "s", node);
	if (!ret) {
		node_from_row(n, stmt);
		db_done(s, stmt);
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

struct node_rows {
	void (*row)(const struct state_node *n, void *arg);
	void *arg;
};

static void take_node(sqlite3_stmt *stmt, void *arg)
{
	const struct node_rows *rows = arg;
	struct state_node n = {0};

	node_from_row(&n, stmt);
	rows->row(&n, rows->arg);
}

int state_nodes(struct state *s, void (*row)(const struct state_node *n, void *arg), void *arg)
{
	struct node_rows rows = {row, arg};
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt, NODE_COLUMNS, "");
	if (!ret)
		ret = rows_each(s, stmt, take_node, &rows);
	pthread_mutex_unlock(&s->lock);
	return ret == -ENOENT ? 0 : ret;
}

int state_install_begin(struct state *s, const struct state_node *seen, const char *install,
			const char *mac, const uint8_t token_hash[32])
{
	int64_t now = time(NULL);
	int ret = transaction_begin(s);

	if (ret)
		return ret;
	ret = db_run(s,
		     "INSERT INTO install(id, node, variant, mac, token_hash, begun) VALUES(?1, "
		     "?2, ?3, ?4, ?5, ?6)",
		     "sssshi", install, seen->name, seen->armed, mac, token_hash, now);
	if (!ret)
		ret = db_run(
			s,
			"UPDATE node SET install=?2, status='running', module='', bytes=0, "
			"total=0, message='', held='', go=0, last_seen=?3,"
			" attempts=attempts + 1, wipe=0"
			" WHERE name=?1 AND armed=?4 AND attempts=?5 AND wipe=?6 AND breaks=?7",
			"ssisiis", seen->name, install, now, seen->armed, (int64_t)seen->attempts,
			(int64_t)seen->wipe, seen->breaks);
	if (!ret && !sqlite3_changes(s->db))
		ret = -EAGAIN;
	return transaction_end(s, ret);
}

/* The order matters: the installation is the one of a node that is not disarmed yet. */
int state_give_up(struct state *s, const char *node, const char *message)
{
	static const char used_up[] =
		"UPDATE install SET ended=?2, ok=0 WHERE ended=0 AND id=(SELECT install FROM node "
		"WHERE name=?1 AND armed<>'' AND attempts>=attempts_max)";
	int ret = transaction_begin(s);

	if (ret)
		return ret;
	ret = db_run(s, used_up, "si", node, (int64_t)time(NULL));
	if (!ret)
		ret = db_run(s,
			     "UPDATE node SET armed='', wipe=0, held='', go=0,"
			     " message=CASE status WHEN 'running' THEN ?2 ELSE message END,"
			     " status=CASE status WHEN 'running' THEN 'failed' ELSE status END"
			     " WHERE name=?1 AND armed<>'' AND attempts>=attempts_max",
			     "ss", node, message);
	if (!ret && !sqlite3_changes(s->db))
		ret = -EAGAIN;
	return transaction_end(s, ret);
}

int state_continue(struct state *s, const char *node)
{
	int ret = transaction_begin(s);

	if (ret)
		return ret;
	ret = db_run(s, "UPDATE node SET go=1 WHERE name=?1 AND held<>''", "s", node);
	if (!ret && !sqlite3_changes(s->db))
		ret = -ENOENT;
	return transaction_end(s, ret);
}

int state_may_go(struct state *s, const char *install, const char *module, bool *go)
{
	sqlite3_stmt *stmt;
	int ret = transaction_begin(s);

	*go = false;
	if (ret)
		return ret;
	ret = db_run(s, "UPDATE node SET last_seen=?2 WHERE install=?1", "si", install,
		     (int64_t)time(NULL));
	if (!ret)
		ret = db_row(s, &stmt, "SELECT go FROM node WHERE install=?1 AND held=?2", "ss",
			     install, module);
	if (!ret) {
		*go = sqlite3_column_int(stmt, 0);
		db_done(s, stmt);
	}
	return transaction_end(s, ret == -ENOENT ? 0 : ret);
}

int state_host_key(struct state *s, const char *install, char *key, size_t len)
{
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt, "SELECT host_key FROM install WHERE id=?1", "s", install);
	if (!ret) {
		column_text(key, len, stmt, 0);
		db_done(s, stmt);
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

int state_install_find(struct state *s, const char *install, struct state_sender *sender,
		       uint8_t token_hash[32])
{
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = db_row(
		s, &stmt,
		"SELECT i.node, i.token_hash, i.ack, n.install IS NOT i.id FROM install i LEFT "
		"JOIN node n ON n.name=i.node WHERE i.id=?1",
		"s", install);
	if (!ret) {
		const void *hash = sqlite3_column_blob(stmt, 1);

		column_text(sender->node, sizeof(sender->node), stmt, 0);
		sender->ack = (uint64_t)sqlite3_column_int64(stmt, 2);
		sender->superseded = sqlite3_column_int(stmt, 3);
		if (hash && sqlite3_column_bytes(stmt, 1) == 32)
			memcpy(token_hash, hash, 32);
		else
			ret = log_err(-EIO, "state database: installation '%s' has no token",
				      install);
		db_done(s, stmt);
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

int state_install_asks(struct state *s, const char *install, uint64_t t)
{
	int ret = transaction_begin(s);

	if (ret)
		return ret;
	ret = db_run(s, "UPDATE install SET asked=?2 WHERE id=?1 AND asked<?2", "si", install,
		     (int64_t)t);
	if (!ret && !sqlite3_changes(s->db))
		ret = -ESTALE;
	return transaction_end(s, ret);
}

/* What the event says about its node. An installation that a later one superseded says nothing any
 * more. */
static int event_to_node(struct state *s, const struct event *e, const char *node, int64_t now)
{
	const char *id = e->install;
	int ret = db_run(s, "UPDATE node SET last_seen=?3 WHERE name=?1 AND install=?2", "ssi",
			 node, id, now);

	if (ret)
		return ret;
	switch (e->kind) {
	case EVENT_START:
		return db_run(s,
			      "UPDATE node SET module=?3, bytes=0, total=0, message='', held='', "
			      "go=0 WHERE name=?1 AND install=?2",
			      "sss", node, id, e->module);
	case EVENT_PROGRESS:
		return db_run(s,
			      "UPDATE node SET module=?3, bytes=?4, total=?5, message=?6 WHERE "
			      "name=?1 AND install=?2",
			      "sssiis", node, id, e->module, (int64_t)e->bytes, (int64_t)e->total,
			      e->message);
	case EVENT_REPORT:
		/* Without an attempt it was armed after this installation had begun: for another
		 * one. */
		if (e->ok)
			return db_run(s,
				      "UPDATE node SET status=?4, module='', bytes=0, "
				      "total=0, message=?3, held='', go=0,"
				      " armed=CASE WHEN attempts=0 THEN armed ELSE '' END,"
				      " wipe=CASE WHEN attempts=0 THEN wipe ELSE 0 END"
				      " WHERE name=?1 AND install=?2",
				      "ssss", node, id, e->message,
				      strcmp(event_outcome(e->message), "wiped") ? "installed"
										 : "wiped");
		return db_run(s,
			      "UPDATE node SET status='failed', module=?3, message=?4, held='', "
			      "go=0 WHERE name=?1 AND install=?2",
			      "ssss", node, id, e->module, e->message);
	case EVENT_HOLD:
		return db_run(s,
			      "UPDATE node SET held=?3, go=0, module=?3, bytes=0, total=0, "
			      "message=?4 WHERE name=?1 AND install=?2",
			      "ssss", node, id, e->module, e->message);
	case EVENT_HOST_KEY:
		return db_run(s, "UPDATE install SET host_key=?2 WHERE id=?1", "ss", id,
			      e->message);
	default:
		return 0;
	}
}

/* Progress is not kept, and of a node gone wild not everything: the number of its events has a
 * bound. */
static int event_keep(struct state *s, const struct event *e, int64_t kept, int64_t now)
{
	bool keep = e->kind == EVENT_REPORT || (e->kind != EVENT_PROGRESS && kept < EVENTS_MAX);
	int ret = db_run(s, "UPDATE install SET ack=?2, kept=kept+?3 WHERE id=?1", "sii",
			 e->install, (int64_t)e->seq, (int64_t)keep);

	if (!ret && keep)
		ret = db_run(s,
			     "INSERT INTO event(install, seq, at, mac, t, kind, module, ok, level, "
			     "millis, message)"
			     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
			     "siisiisisis", e->install, (int64_t)e->seq, now, e->mac, e->t,
			     (int64_t)e->kind, e->module, (int64_t)e->ok, e->level, e->millis,
			     e->message);
	if (!ret && e->kind == EVENT_REPORT) /* what is superseded stays that, also in the totals */
		ret = db_run(
			s,
			"UPDATE install SET ended=?2, ok=?3 WHERE id=?1 AND EXISTS(SELECT 1 FROM "
			"node n WHERE n.name=install.node AND n.install=install.id)",
			"sii", e->install, now, (int64_t)e->ok);
	return ret;
}

int state_event(struct state *s, const struct event *e)
{
	int64_t now = time(NULL);
	char node[64];
	sqlite3_stmt *stmt;
	int64_t kept;
	uint64_t ack;
	int ret = transaction_begin(s), ended;

	if (ret)
		return ret;
	ret = db_row(s, &stmt, "SELECT node, ack, kept FROM install WHERE id=?1", "s", e->install);
	if (ret == -ENOENT) {
		ended = transaction_end(s, 0);
		return ended ? ended : ret;
	}
	if (ret)
		return transaction_end(s, ret);
	column_text(node, sizeof(node), stmt, 0);
	ack = (uint64_t)sqlite3_column_int64(stmt, 1);
	kept = sqlite3_column_int64(stmt, 2);
	db_done(s, stmt);
	if (e->seq != ack + 1) {
		ended = transaction_end(s, 0);
		return ended || e->seq <= ack ? ended : -ERANGE;
	}
	ret = event_keep(s, e, kept, now);
	if (!ret)
		ret = event_to_node(s, e, node, now);
	return transaction_end(s, ret ? ret : 1);
}
