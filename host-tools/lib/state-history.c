/* What was: installations and their events, for those who look at them; see state.h. What strangers may
 * ask for is read by an index and bounded.
 */
#include "host-tools/lib/state-internal.h"

#include <errno.h>
#include <string.h>

/* The report is the last event with one, seldom far from the end; one that has none is not looked
 * for. What has ended without one was given up (state_give_up). */
#define INSTALL_COLUMNS                                                                            \
	"SELECT i.id, i.node, i.variant, i.mac, i.begun, i.ended, i.ok,"                           \
	" EXISTS(SELECT 1 FROM node n WHERE n.name=i.node AND n.install=i.id), e.module, "         \
	"CASE WHEN i.ended<>0 AND e.seq IS NULL THEN 'given up: it did not report' "               \
	"ELSE e.message END FROM install i "                                                       \
	"LEFT JOIN event e ON i.ended<>0 AND e.install=i.id AND "                                  \
	"e.seq=(SELECT r.seq FROM event r WHERE r.install=i.id AND r.kind=4 ORDER BY r.seq DESC "  \
	"LIMIT 1)"
_Static_assert(EVENT_REPORT == 4, "INSTALL_COLUMNS names the kind of a report");

static void install_from_row(struct state_install *i, sqlite3_stmt *stmt)
{
	column_text(i->id, sizeof(i->id), stmt, 0);
	column_text(i->node, sizeof(i->node), stmt, 1);
	column_text(i->variant, sizeof(i->variant), stmt, 2);
	column_text(i->mac, sizeof(i->mac), stmt, 3);
	i->begun = sqlite3_column_int64(stmt, 4);
	i->ended = sqlite3_column_int64(stmt, 5);
	i->ok = sqlite3_column_int(stmt, 6);
	i->latest = sqlite3_column_int(stmt, 7);
	column_text(i->module, sizeof(i->module), stmt, 8);
	column_text(i->message, sizeof(i->message), stmt, 9);
}

int state_install(struct state *s, const char *install, struct state_install *i)
{
	struct state_install found = {0}; /* install may be the id in *i */
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt, INSTALL_COLUMNS " WHERE i.id=?1", "s", install);
	if (!ret) {
		install_from_row(&found, stmt);
		db_done(s, stmt);
	}
	pthread_mutex_unlock(&s->lock);
	*i = found;
	return ret;
}

struct install_rows {
	void (*row)(const struct state_install *i, void *arg);
	void *arg;
};

static void take_install(sqlite3_stmt *stmt, void *arg)
{
	const struct install_rows *rows = arg;
	struct state_install i = {0};

	install_from_row(&i, stmt);
	rows->row(&i, rows->arg);
}

/* Newest first, by an index: the work is bounded by max. */
int state_installs_last(struct state *s, const char *node, unsigned int max,
			void (*row)(const struct state_install *i, void *arg), void *arg)
{
	struct install_rows rows = {row, arg};
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	if (node)
		ret = db_row(s, &stmt,
			     INSTALL_COLUMNS
			     " WHERE i.node=?1 ORDER BY i.begun DESC, i.id DESC LIMIT ?2",
			     "si", node, (int64_t)max);
	else
		ret = db_row(s, &stmt, INSTALL_COLUMNS " ORDER BY i.begun DESC, i.id DESC LIMIT ?1",
			     "i", (int64_t)max);
	if (!ret)
		ret = rows_each(s, stmt, take_install, &rows);
	pthread_mutex_unlock(&s->lock);
	return ret == -ENOENT ? 0 : ret;
}

int state_installs(struct state *s, void (*row)(const struct state_install *i, void *arg),
		   void *arg)
{
	struct install_rows rows = {row, arg};
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt, INSTALL_COLUMNS " ORDER BY i.begun, i.id", "");
	if (!ret)
		ret = rows_each(s, stmt, take_install, &rows);
	pthread_mutex_unlock(&s->lock);
	return ret == -ENOENT ? 0 : ret;
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

struct event_rows {
	void (*row)(const struct event *e, int64_t at, void *arg);
	void *arg;
};

static void take_event(sqlite3_stmt *stmt, void *arg)
{
	const struct event_rows *rows = arg;
	struct event e;
	int64_t at;

	event_from_row(&e, &at, stmt);
	rows->row(&e, at, rows->arg);
}

#define EVENT_COLUMNS                                                                              \
	"SELECT install, seq, at, mac, t, kind, module, ok, level, millis, message FROM event"

int state_events(struct state *s, const char *install,
		 void (*row)(const struct event *e, int64_t at, void *arg), void *arg)
{
	struct event_rows rows = {row, arg};
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	if (install)
		ret = db_row(s, &stmt, EVENT_COLUMNS " WHERE install=?1 ORDER BY seq", "s",
			     install);
	else
		ret = db_row(s, &stmt, EVENT_COLUMNS " WHERE kind=?1 ORDER BY install, seq", "i",
			     (int64_t)EVENT_END);
	if (!ret)
		ret = rows_each(s, stmt, take_event, &rows);
	pthread_mutex_unlock(&s->lock);
	return ret == -ENOENT ? 0 : ret;
}

int state_module_events(struct state *s, const char *install,
			void (*row)(const struct event *e, int64_t at, void *arg), void *arg)
{
	struct event_rows rows = {row, arg};
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt,
		     EVENT_COLUMNS " WHERE install=?1 AND kind IN (0, 3) ORDER BY seq LIMIT ?2",
		     "si", install, (int64_t)STATE_MODULE_EVENTS_MAX);
	if (!ret)
		ret = rows_each(s, stmt, take_event, &rows);
	pthread_mutex_unlock(&s->lock);
	return ret == -ENOENT ? 0 : ret;
}

static void take_total(sqlite3_stmt *stmt, void *arg)
{
	struct state_totals *t = arg;
	const char *result = (const char *)sqlite3_column_text(stmt, 0);
	uint64_t count = (uint64_t)sqlite3_column_int64(stmt, 1);

	t->seconds += (uint64_t)sqlite3_column_int64(stmt, 2);
	if (!strcmp(result, "installed"))
		t->installed = count;
	else if (!strcmp(result, "failed"))
		t->failed = count;
	else
		t->superseded = count;
}

int state_totals(struct state *s, struct state_totals *t)
{
	sqlite3_stmt *stmt;
	int ret;

	*t = (struct state_totals){0};
	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt,
		     "SELECT result, sum(count), sum(seconds) FROM (SELECT * FROM forgotten UNION "
		     "ALL SELECT " INSTALL_RESULT " AS result, 1, " INSTALL_SECONDS
		     " FROM install i WHERE ended<>0 OR NOT EXISTS(SELECT 1 FROM node n WHERE "
		     "n.name=i.node AND n.install=i.id)) GROUP BY result",
		     "");
	if (!ret)
		ret = rows_each(s, stmt, take_total, t);
	pthread_mutex_unlock(&s->lock);
	return ret == -ENOENT ? 0 : ret;
}
