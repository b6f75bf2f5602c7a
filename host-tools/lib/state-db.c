/* The database of the state: opening, its schema, statements, transactions; see state-internal.h.
 */
#include "host-tools/lib/state-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"

#define BUSY_MS 10000
/* In memory what 10,000 nodes change all the time (KiB), and a checkpoint, in which a commit waits
 * for the disk for longer, only every 32 MiB (pages). */
#define TUNING "PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint=8000"

/* What makes a database of version N into one of version N + 1; a new one begins with the first. A
 * step that was in use is never changed: what comes later is one more.
 *
 * Progress is not kept as events: the last one of a node is in its row. */
static const char *const steps[] = {
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
	" message TEXT NOT NULL, PRIMARY KEY(install, seq)) WITHOUT ROWID;",
	"ALTER TABLE node ADD COLUMN attempts_max INTEGER NOT NULL DEFAULT 3;"
	"ALTER TABLE node ADD COLUMN breaks TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE node ADD COLUMN held TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE node ADD COLUMN go INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE install ADD COLUMN host_key TEXT NOT NULL DEFAULT '';",

	/* Machines and what is in them; identities that outlive an installation. */
	"CREATE TABLE machine(number INTEGER PRIMARY KEY AUTOINCREMENT, mac TEXT NOT NULL UNIQUE,"
	" node TEXT NOT NULL, first INTEGER NOT NULL, seen INTEGER NOT NULL, inventory TEXT NOT "
	"NULL);"
	"CREATE INDEX machine_node ON machine(node);"
	"CREATE TABLE identity(node TEXT PRIMARY KEY, sealed TEXT NOT NULL, at INTEGER NOT NULL) "
	"WITHOUT ROWID;"
	"CREATE TABLE replacement(node TEXT PRIMARY KEY, old TEXT NOT NULL, mac TEXT NOT NULL, at "
	"INTEGER NOT NULL) WITHOUT ROWID;",

	/* What strangers may ask for is found without looking at all of it; who told of a machine. */
	"CREATE INDEX install_begun ON install(begun, id);"
	"CREATE INDEX install_node ON install(node, begun, id);"
	"CREATE INDEX event_module ON event(install, seq) WHERE kind IN (0, 3);"
	"ALTER TABLE machine ADD COLUMN peer TEXT NOT NULL DEFAULT '';",

	/* The clock of the last request that is no event: an earlier one is a replay. */
	"ALTER TABLE install ADD COLUMN asked INTEGER NOT NULL DEFAULT -1;",

	/* Nodes whose boot file may say something else than their row. */
	"CREATE TABLE stale(node TEXT PRIMARY KEY) WITHOUT ROWID;",

	/* Installations that are forgotten, by result: totals never fall. */
	("CREATE TABLE forgotten(result TEXT PRIMARY KEY, count INTEGER NOT NULL,"
	 " seconds INTEGER NOT NULL) WITHOUT ROWID;"),
};
#define STATE_VERSION ((int)ARRAY_SIZE(steps))

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

static sqlite3_stmt *statement_take(struct state *s, const char *sql)
{
	for (size_t i = 0; i < STATEMENTS_MAX; i++) {
		sqlite3_stmt *stmt = s->statements[i];

		if (stmt && !strcmp(sqlite3_sql(stmt), sql)) {
			s->statements[i] = NULL;
			return stmt;
		}
	}
	return NULL;
}

void db_done(struct state *s, sqlite3_stmt *stmt)
{
	size_t i = 0;

	while (i < STATEMENTS_MAX && s->statements[i])
		i++;
	if (i == STATEMENTS_MAX) {
		sqlite3_finalize(stmt);
		return;
	}
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	s->statements[i] = stmt;
}

/* types: one letter for each argument: s text, i int64_t, h 32 bytes. */
static int db_prepare(struct state *s, sqlite3_stmt **out, const char *sql, const char *types,
		      va_list ap)
{
	int bad = 0;

	*out = statement_take(s, sql);
	if (!*out &&
	    sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
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

int db_run(struct state *s, const char *sql, const char *types, ...)
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
	db_done(s, stmt);
	return ret;
}

int db_row(struct state *s, sqlite3_stmt **out, const char *sql, const char *types, ...)
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
	db_done(s, *out);
	*out = NULL;
	return ret;
}

int rows_each(struct state *s, sqlite3_stmt *stmt, void (*take)(sqlite3_stmt *, void *), void *arg)
{
	int ret = 0, step;

	do {
		take(stmt, arg);
		step = sqlite3_step(stmt);
	} while (step == SQLITE_ROW);
	if (step != SQLITE_DONE)
		ret = db_failed(s, sqlite3_sql(stmt));
	db_done(s, stmt);
	return ret;
}

void column_text(char *dst, size_t size, sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);
	size_t n = text ? strnlen(text, size - 1) : 0;

	if (n)
		memcpy(dst, text, n);
	dst[n] = '\0';
}

/* SQLite ends a transaction by itself where the disk is full or broken; a part of it that came after
 * that would be committed alone. */
static int transaction_is_lost(struct state *s)
{
	if (s->depth && !s->failed && sqlite3_get_autocommit(s->db))
		s->failed = -EIO;
	return s->depth ? s->failed : 0;
}

int transaction_begin(struct state *s)
{
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = transaction_is_lost(s);
	if (ret) {
		pthread_mutex_unlock(&s->lock);
		return ret;
	}
	if (!s->depth++) {
		s->failed = 0;
		ret = db_run(s, "BEGIN IMMEDIATE", "");
	}
	if (ret) {
		s->depth--;
		pthread_mutex_unlock(&s->lock);
	}
	return ret;
}

int transaction_end(struct state *s, int ret)
{
	if (ret < 0 && !s->failed)
		s->failed = ret;
	if (!--s->depth) {
		if (!s->failed)
			s->failed = db_run(s, "COMMIT", "");
		if (s->failed && !sqlite3_get_autocommit(s->db))
			sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		if (s->failed)
			ret = s->failed;
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

int state_begin(struct state *s)
{
	return transaction_begin(s);
}

int state_end(struct state *s)
{
	return transaction_end(s, 0);
}

static int wrong_version(const char *path, int version)
{
	return log_err(-EPROTO, "'%s' has version %d, this program knows version %d", path, version,
		       STATE_VERSION);
}

static int version_read(struct state *s, int *version)
{
	sqlite3_stmt *stmt;
	int ret = db_row(s, &stmt, "PRAGMA user_version", "");

	if (ret)
		return ret;
	*version = sqlite3_column_int(stmt, 0);
	db_done(s, stmt);
	return 0;
}

static int schema_prepare(struct state *s, const char *path)
{
	char sql[48];
	int ret, version = 0;

	ret = db_exec(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" TUNING);
	if (!ret)
		ret = transaction_begin(s);
	if (ret)
		return ret;
	ret = version_read(s, &version);
	if (!ret && (version < 0 || version > STATE_VERSION))
		ret = wrong_version(path, version);
	for (; !ret && version < STATE_VERSION; version++)
		ret = db_exec(s, steps[version]);
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d", STATE_VERSION);
	if (!ret)
		ret = db_exec(s, sql);
	return transaction_end(s, ret);
}

/* The side files stay when the last connection is closed, empty: the server's user may write in them,
 * and not in their folder. */
static void keep_side_files(struct state *s)
{
	int on = 1;

	sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &on);
}

/* SQLite gives its side files the mode of the database, and makes that one for everybody to read; so
 * may who restores it. */
static int create_private(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return log_err(-errno, "cannot open '%s'", path);
	if (st.st_mode & 077 && fchmod(fd, 0600))
		log_warn("'%s' is not private, and cannot be made so", path);
	return 0;
}

/* Of a reader too the version has to be ours. */
static int schema_check(struct state *s, const char *path)
{
	int version, ret = version_read(s, &version);

	if (ret)
		return ret;
	if (version > 0 && version < STATE_VERSION)
		return log_err(0,
			       "'%s' is of an earlier version of this program (lucie setup brings "
			       "it up to date)",
			       path);
	return version == STATE_VERSION ? 0 : wrong_version(path, version);
}

static int state_open_as(struct state **out, const char *path, int flags,
			 int (*prepare)(struct state *s, const char *path))
{
	struct state *s = calloc(1, sizeof(*s));
	pthread_mutexattr_t recursive;
	int ret;

	if (!s)
		return -ENOMEM;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&s->lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
	if (sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		ret = log_err(-EIO, "cannot open '%s': %s", path,
			      s->db ? sqlite3_errmsg(s->db) : "no memory");
	} else {
		sqlite3_busy_timeout(s->db, BUSY_MS);
		keep_side_files(s);
		ret = prepare(s, path);
	}
	if (ret)
		state_close(s);
	else
		*out = s;
	return ret;
}

static int state_path(char path[PATH_MAX], const char *state_dir)
{
	if ((size_t)snprintf(path, PATH_MAX, "%s/state.db", state_dir) >= PATH_MAX)
		return log_err(-ENAMETOOLONG, "state directory '%s'", state_dir);
	return 0;
}

int state_open(struct state **out, const char *state_dir)
{
	char path[PATH_MAX];
	int ret;

	*out = NULL;
	ret = state_path(path, state_dir);
	if (!ret)
		ret = create_private(path);
	return ret ? ret : state_open_as(out, path, SQLITE_OPEN_READWRITE, schema_prepare);
}

int state_open_readonly(struct state **out, const char *state_dir)
{
	char path[PATH_MAX];
	int ret;

	*out = NULL;
	ret = state_path(path, state_dir);
	if (!ret && access(path, R_OK))
		ret = log_err(-errno, "cannot read '%s'", path);
	return ret ? ret : state_open_as(out, path, SQLITE_OPEN_READONLY, schema_check);
}

void state_close(struct state *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < STATEMENTS_MAX; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_exec(s->db, "PRAGMA journal_size_limit=0", NULL, NULL, NULL); /* from here on */
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
