/* What changes while the server runs, in SQLite; see state.h.
 *
 * One connection with one lock, so that threads share it; other processes (lucie install, lucie
 * status) use connections of their own at the same time, which is what WAL is for. A commit that a
 * node or an administrator relies on after a power cut (an armed node, a final report) is synced;
 * progress is not worth a disk's flush.
 */
#include "host-tools/lib/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "init/lib/log.h"

#define STATE_VERSION 1
#define EVENTS_MAX    20000 /* kept ones of an installation */
#define BUSY_MS	      10000

struct state {
	sqlite3 *db;
	pthread_mutex_t lock; /* held for a whole transaction */
};

/* Progress is not kept as events: the last one of a node is in its row. */
static const char schema[] =
	"CREATE TABLE node(name TEXT PRIMARY KEY, armed TEXT NOT NULL DEFAULT '', wipe INTEGER NOT "
	"NULL DEFAULT 0,"
	" install TEXT NOT NULL DEFAULT '', status TEXT NOT NULL DEFAULT '', module TEXT NOT NULL "
	"DEFAULT '',"
	" bytes INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0, message TEXT NOT "
	"NULL DEFAULT '',"
	" last_seen INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
	"CREATE TABLE install(id TEXT PRIMARY KEY, node TEXT NOT NULL, variant TEXT NOT NULL, mac "
	"TEXT NOT NULL,"
	" token_hash BLOB NOT NULL, begun INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0, ok "
	"INTEGER NOT NULL DEFAULT 0,"
	" ack INTEGER NOT NULL DEFAULT 0, kept INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
	"CREATE TABLE event(install TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, mac "
	"TEXT NOT NULL, t INTEGER NOT NULL,"
	" kind INTEGER NOT NULL, module TEXT NOT NULL, ok INTEGER NOT NULL, level TEXT NOT NULL, "
	"millis INTEGER NOT NULL,"
	" message TEXT NOT NULL, PRIMARY KEY(install, seq)) WITHOUT ROWID;";

static int db_errno(struct state *s)
{
	switch (sqlite3_errcode(s->db) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static int db_failed(struct state *s, const char *doing)
{
	int ret = db_errno(s);

	log_err(0, "state database: %s: %s", doing, sqlite3_errmsg(s->db));
	return ret;
}

static int db_exec(struct state *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_failed(s, sql);
}

/* types: one letter for each argument: s text, i int64_t, h 32 bytes. */
static int db_prepare(struct state *s, sqlite3_stmt **out, const char *sql, const char *types,
		      va_list ap)
{
	int bad = 0;

	*out = NULL;
	if (sqlite3_prepare_v2(s->db, sql, -1, out, NULL) != SQLITE_OK)
		return db_failed(s, sql);
	for (int i = 1; *types; types++, i++) {
		if (*types == 's')
			bad |= sqlite3_bind_text(*out, i, va_arg(ap, const char *), -1,
						 SQLITE_TRANSIENT);
		else if (*types == 'h')
			bad |= sqlite3_bind_blob(*out, i, va_arg(ap, const void *), 32,
						 SQLITE_TRANSIENT);
		else
			bad |= sqlite3_bind_int64(*out, i, va_arg(ap, int64_t));
	}
	if (!bad)
		return 0;
	sqlite3_finalize(*out);
	*out = NULL;
	return db_failed(s, sql);
}

/* A statement without result rows. */
static int db_run(struct state *s, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list ap;
	int ret;

	va_start(ap, types);
	ret = db_prepare(s, &stmt, sql, types, ap);
	va_end(ap);
	if (ret)
		return ret;
	if (sqlite3_step(stmt) != SQLITE_DONE)
		ret = db_failed(s, sql);
	sqlite3_finalize(stmt);
	return ret;
}

/* The first row of a query: 0 with *out for the caller to finalize, -ENOENT where there is none. */
static int db_row(struct state *s, sqlite3_stmt **out, const char *sql, const char *types, ...)
{
	va_list ap;
	int ret, step;

	va_start(ap, types);
	ret = db_prepare(s, out, sql, types, ap);
	va_end(ap);
	if (ret)
		return ret;
	step = sqlite3_step(*out);
	if (step == SQLITE_ROW)
		return 0;
	ret = step == SQLITE_DONE ? -ENOENT : db_failed(s, sql);
	sqlite3_finalize(*out);
	*out = NULL;
	return ret;
}

static void column_text(char *dst, size_t size, sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);
	size_t n = text ? strnlen(text, size - 1) : 0;

	if (n)
		memcpy(dst, text, n);
	dst[n] = '\0';
}

/* `durable`: on the disk when the transaction is done, whatever happens to the power. */
static int transaction_begin(struct state *s, bool durable)
{
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = db_exec(s, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
	if (!ret)
		ret = db_exec(s, "BEGIN IMMEDIATE");
	if (ret)
		pthread_mutex_unlock(&s->lock);
	return ret;
}

/* Commits unless ret says that something failed; returns ret, or why it could not be committed. */
static int transaction_end(struct state *s, int ret)
{
	if (ret >= 0) {
		int failed = db_exec(s, "COMMIT");

		if (failed)
			ret = failed;
	}
	if (ret < 0 && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static int schema_prepare(struct state *s, const char *path)
{
	sqlite3_stmt *stmt;
	int ret, version;

	ret = db_exec(s, "PRAGMA journal_mode=WAL");
	if (!ret)
		ret = transaction_begin(s, true);
	if (ret)
		return ret;
	ret = db_row(s, &stmt, "PRAGMA user_version", "");
	if (ret)
		return transaction_end(s, ret);
	version = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	if (version != 0 && version != STATE_VERSION)
		ret = log_err(-EPROTO, "'%s' has version %d, this program knows version %d", path,
			      version, STATE_VERSION);
	if (version == 0 && !ret)
		ret = db_exec(s, schema);
	if (version == 0 && !ret)
		ret = db_exec(s, "PRAGMA user_version=1");
	return transaction_end(s, ret);
}

/* SQLite gives its side files the mode of the database, and makes that one for everybody to read.
 */
static int create_private(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return log_err(-errno, "cannot open '%s'", path);
	close(fd);
	return 0;
}

int state_open(struct state **out, const char *state_dir)
{
	char path[PATH_MAX];
	struct state *s;
	int ret;

	*out = NULL;
	if ((size_t)snprintf(path, sizeof(path), "%s/state.db", state_dir) >= sizeof(path))
		return log_err(-ENAMETOOLONG, "state directory '%s'", state_dir);
	ret = create_private(path);
	if (ret)
		return ret;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK) {
		ret = log_err(-EIO, "cannot open '%s': %s", path,
			      s->db ? sqlite3_errmsg(s->db) : "no memory");
	} else {
		sqlite3_busy_timeout(s->db, BUSY_MS);
		ret = schema_prepare(s, path);
	}
	if (ret) {
		state_close(s);
		return ret;
	}
	*out = s;
	return 0;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int state_arm(struct state *s, const char *node, const char *variant, bool wipe)
{
	int ret = transaction_begin(s, true);

	if (ret)
		return ret;
	ret = db_run(s,
		     "INSERT INTO node(name, armed, wipe) VALUES(?1, ?2, ?3)"
		     " ON CONFLICT(name) DO UPDATE SET armed=?2, wipe=?3, attempts=0",
		     "ssi", node, variant, (int64_t)wipe);
	return transaction_end(s, ret);
}

int state_disarm(struct state *s, const char *node)
{
	int ret = transaction_begin(s, true);

	if (ret)
		return ret;
	ret = db_run(s, "UPDATE node SET armed='', wipe=0 WHERE name=?1", "s", node);
	return transaction_end(s, ret);
}

static void node_from_row(struct state_node *n, sqlite3_stmt *stmt)
{
	column_text(n->armed, sizeof(n->armed), stmt, 0);
	n->wipe = sqlite3_column_int(stmt, 1);
	column_text(n->install, sizeof(n->install), stmt, 2);
	column_text(n->status, sizeof(n->status), stmt, 3);
	column_text(n->module, sizeof(n->module), stmt, 4);
	n->bytes = (uint64_t)sqlite3_column_int64(stmt, 5);
	n->total = (uint64_t)sqlite3_column_int64(stmt, 6);
	column_text(n->message, sizeof(n->message), stmt, 7);
	n->last_seen = sqlite3_column_int64(stmt, 8);
	n->attempts = (unsigned int)sqlite3_column_int(stmt, 9);
}

int state_node(struct state *s, const char *node, struct state_node *n)
{
	sqlite3_stmt *stmt;
	int ret;

	memset(n, 0, sizeof(*n));
	snprintf(n->name, sizeof(n->name), "%s", node);
	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt,
		     "SELECT armed, wipe, install, status, module, bytes, total, message, "
		     "last_seen, attempts"
		     " FROM node WHERE name=?1",
		     "s", node);
	if (!ret) {
		node_from_row(n, stmt);
		sqlite3_finalize(stmt);
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

int state_install_begin(struct state *s, const char *node, const char *install, const char *variant,
			const char *mac, const uint8_t token_hash[32])
{
	int64_t now = time(NULL);
	int ret = transaction_begin(s, true);

	if (ret)
		return ret;
	ret = db_run(s,
		     "INSERT INTO install(id, node, variant, mac, token_hash, begun) VALUES(?1, "
		     "?2, ?3, ?4, ?5, ?6)",
		     "sssshi", install, node, variant, mac, token_hash, now);
	if (!ret)
		ret = db_run(s,
			     "INSERT INTO node(name, install, status, last_seen, attempts) "
			     "VALUES(?1, ?2, 'running', ?3, 1)"
			     " ON CONFLICT(name) DO UPDATE SET install=?2, status='running', "
			     "module='', bytes=0, total=0, message='',"
			     " last_seen=?3, attempts=attempts + 1, wipe=0",
			     "ssi", node, install, now);
	return transaction_end(s, ret);
}

int state_install_find(struct state *s, const char *install, char node[64], uint8_t token_hash[32],
		       uint64_t *ack)
{
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt, "SELECT node, token_hash, ack FROM install WHERE id=?1", "s",
		     install);
	if (!ret) {
		const void *hash = sqlite3_column_blob(stmt, 1);

		column_text(node, 64, stmt, 0);
		*ack = (uint64_t)sqlite3_column_int64(stmt, 2);
		if (hash && sqlite3_column_bytes(stmt, 1) == 32)
			memcpy(token_hash, hash, 32);
		else
			ret = log_err(-EIO, "state database: installation '%s' has no token",
				      install);
		sqlite3_finalize(stmt);
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

/* What the event says about its node. An installation that a later one superseded says nothing any
 * more. */
static int event_to_node(struct state *s, const struct event *e, int64_t now)
{
	const char *id = e->install;
	int ret = db_run(s, "UPDATE node SET last_seen=?2 WHERE install=?1", "si", id, now);

	if (ret)
		return ret;
	switch (e->kind) {
	case EVENT_START:
		return db_run(
			s,
			"UPDATE node SET module=?2, bytes=0, total=0, message='' WHERE install=?1",
			"ss", id, e->module);
	case EVENT_PROGRESS:
		return db_run(s,
			      "UPDATE node SET module=?2, bytes=?3, total=?4, message=?5 WHERE "
			      "install=?1",
			      "ssiis", id, e->module, (int64_t)e->bytes, (int64_t)e->total,
			      e->message);
	case EVENT_REPORT:
		/* Without an attempt it was armed after this installation had begun: for another
		 * one. */
		if (e->ok)
			return db_run(
				s,
				"UPDATE node SET status='installed', module='', bytes=0, total=0, "
				"message=?2,"
				" armed=CASE WHEN attempts=0 THEN armed ELSE '' END,"
				" wipe=CASE WHEN attempts=0 THEN wipe ELSE 0 END WHERE install=?1",
				"ss", id, e->message);
		return db_run(
			s,
			"UPDATE node SET status='failed', module=?2, message=?3 WHERE install=?1",
			"sss", id, e->module, e->message);
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
	if (!ret && e->kind == EVENT_REPORT)
		ret = db_run(s, "UPDATE install SET ended=?2, ok=?3 WHERE id=?1", "sii", e->install,
			     now, (int64_t)e->ok);
	return ret;
}

int state_event(struct state *s, const struct event *e)
{
	int64_t now = time(NULL);
	sqlite3_stmt *stmt;
	int64_t kept;
	uint64_t ack;
	int ret = transaction_begin(s, e->kind == EVENT_REPORT);

	if (ret)
		return ret;
	ret = db_row(s, &stmt, "SELECT ack, kept FROM install WHERE id=?1", "s", e->install);
	if (ret)
		return transaction_end(s, ret);
	ack = (uint64_t)sqlite3_column_int64(stmt, 0);
	kept = sqlite3_column_int64(stmt, 1);
	sqlite3_finalize(stmt);
	if (e->seq <= ack)
		return transaction_end(s, 0);
	if (e->seq != ack + 1)
		return transaction_end(s, -ERANGE);
	ret = event_keep(s, e, kept, now);
	if (!ret)
		ret = event_to_node(s, e, now);
	return transaction_end(s, ret ? ret : 1);
}

static void event_from_row(struct event *e, int64_t *at, sqlite3_stmt *stmt)
{
	memset(e, 0, sizeof(*e));
	column_text(e->install, sizeof(e->install), stmt, 0);
	e->seq = (uint64_t)sqlite3_column_int64(stmt, 1);
	*at = sqlite3_column_int64(stmt, 2);
	column_text(e->mac, sizeof(e->mac), stmt, 3);
	e->t = sqlite3_column_int64(stmt, 4);
	e->kind = (enum event_kind)sqlite3_column_int(stmt, 5);
	column_text(e->module, sizeof(e->module), stmt, 6);
	e->ok = sqlite3_column_int(stmt, 7);
	column_text(e->level, sizeof(e->level), stmt, 8);
	e->millis = sqlite3_column_int64(stmt, 9);
	column_text(e->message, sizeof(e->message), stmt, 10);
}

int state_events(struct state *s, const char *install,
		 void (*row)(const struct event *e, int64_t at, void *arg), void *arg)
{
	static const char sql[] =
		"SELECT install, seq, at, mac, t, kind, module, ok, level, millis, message FROM "
		"event"
		" WHERE CASE WHEN ?1='' THEN kind=?2 ELSE install=?1 END ORDER BY install, seq";
	sqlite3_stmt *stmt;
	struct event e;
	int64_t at;
	int ret, step;

	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt, sql, "si", install ? install : "", (int64_t)EVENT_END);
	if (!ret) {
		do {
			event_from_row(&e, &at, stmt);
			row(&e, at, arg);
			step = sqlite3_step(stmt);
		} while (step == SQLITE_ROW);
		if (step != SQLITE_DONE)
			ret = db_failed(s, "read events");
		sqlite3_finalize(stmt);
	}
	pthread_mutex_unlock(&s->lock);
	return ret == -ENOENT ? 0 : ret;
}
