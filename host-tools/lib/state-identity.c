/* What a node keeps over its installations and over a new mainboard; see state.h. */
#include "host-tools/lib/state-internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* --- ssh host keys, sealed --- */

int state_identity(struct state *s, const char *node, char **sealed)
{
	sqlite3_stmt *stmt;
	int ret;

	*sealed = NULL;
	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt, "SELECT sealed FROM identity WHERE node=?1", "s", node);
	if (!ret) {
		const char *text = (const char *)sqlite3_column_text(stmt, 0);

		*sealed = text ? strdup(text) : NULL;
		ret = *sealed ? 0 : -ENOMEM;
		db_done(s, stmt);
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

int state_identity_keep(struct state *s, const char *node, const char *sealed)
{
	int ret = transaction_begin(s);

	return ret ? ret
		   : transaction_end(
			     s, db_run(s,
				       "INSERT INTO identity(node, sealed, at) VALUES(?1, ?2, ?3)"
				       " ON CONFLICT(node) DO UPDATE SET sealed=?2, at=?3",
				       "ssi", node, sealed, (int64_t)time(NULL)));
}

int state_identity_forget(struct state *s, const char *node)
{
	int ret = transaction_begin(s);

	return ret ? ret
		   : transaction_end(s, db_run(s, "DELETE FROM identity WHERE node=?1", "s", node));
}

/* --- new mainboards --- */

int state_replace(struct state *s, const char *node, const char *old, const char *mac)
{
	int ret = transaction_begin(s);

	return ret ? ret
		   : transaction_end(
			     s, db_run(s,
				       "INSERT INTO replacement(node, old, mac, at) VALUES(?1, ?2, "
				       "?3, ?4)"
				       " ON CONFLICT(node) DO UPDATE SET old=?2, mac=?3, at=?4",
				       "sssi", node, old, mac, (int64_t)time(NULL)));
}

int state_replace_drop(struct state *s, const char *node)
{
	int ret = transaction_begin(s);

	return ret ? ret
		   : transaction_end(s,
				     db_run(s, "DELETE FROM replacement WHERE node=?1", "s", node));
}

struct replacement_rows {
	void (*row)(const struct state_replacement *r, void *arg);
	void *arg;
};

static void take_replacement(sqlite3_stmt *stmt, void *arg)
{
	const struct replacement_rows *rows = arg;
	struct state_replacement r = {
		.node = (const char *)sqlite3_column_text(stmt, 0),
		.old = (const char *)sqlite3_column_text(stmt, 1),
		.mac = (const char *)sqlite3_column_text(stmt, 2),
		.at = sqlite3_column_int64(stmt, 3),
	};

	if (r.node && r.old && r.mac)
		rows->row(&r, rows->arg);
}

int state_replacements(struct state *s, void (*row)(const struct state_replacement *r, void *arg),
		       void *arg)
{
	struct replacement_rows rows = {row, arg};
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt, "SELECT node, old, mac, at FROM replacement ORDER BY node", "");
	if (!ret)
		ret = rows_each(s, stmt, take_replacement, &rows);
	pthread_mutex_unlock(&s->lock);
	return ret == -ENOENT ? 0 : ret;
}
