/* Old installations leave the state: all but the last ones of each node, and never the one that a
 * node's state speaks of. First the folder, then the rows: what is interrupted is found again. They
 * stay in the totals. */
#include "host-tools/lib/state-internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/io.h"
#include "init/lib/log.h"

struct ids {
	char (*list)[PLAN_ID_MAX];
	size_t count;
	bool failed;
};

static void take_id(sqlite3_stmt *stmt, void *arg)
{
	struct ids *ids = arg;

	if (!(ids->count & (ids->count + 1))) { /* 0, 1, 3, 7, ...: it is full */
		void *list = realloc(ids->list, 2 * (ids->count + 1) * sizeof(*ids->list));

		ids->failed |= !list;
		ids->list = list ? list : ids->list;
	}
	if (!ids->failed)
		column_text(ids->list[ids->count++], PLAN_ID_MAX, stmt, 0);
}

static int find(struct state *s, unsigned int keep, struct ids *ids)
{
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	ret = db_row(s, &stmt,
		     "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY node ORDER BY "
		     "begun DESC, id DESC) AS place FROM install) WHERE place > ?1 AND NOT EXISTS("
		     "SELECT 1 FROM node WHERE node.install=id)",
		     "i", (int64_t)keep);
	if (!ret)
		ret = rows_each(s, stmt, take_id, ids);
	pthread_mutex_unlock(&s->lock);
	if (ret == -ENOENT)
		ret = 0;
	return ids->failed ? -ENOMEM : ret;
}

static int forget_one(struct state *s, const char *state_dir, const char *id)
{
	char path[PATH_MAX];
	int ret;

	/* The id is the database's; a folder elsewhere is nobody's business. */
	if (!*id || *id == '.' || strchr(id, '/') ||
	    snprintf(path, sizeof(path), "%s/installs/%s", state_dir, id) >= (int)sizeof(path))
		return log_err(0, "state database: '%s' is no name of an installation", id);
	ret = remove_tree(path);
	if (ret && ret != -ENOENT)
		return log_err(ret, "cannot remove '%s'", path);
	ret = transaction_begin(s);
	if (ret)
		return ret;
	ret = db_run(s,
		     "INSERT INTO forgotten SELECT " INSTALL_RESULT ", 1, " INSTALL_SECONDS
		     " FROM install WHERE id=?1 ON CONFLICT(result) DO UPDATE SET "
		     "count=count+1, seconds=seconds+excluded.seconds",
		     "s", id);
	if (!ret)
		ret = db_run(s, "DELETE FROM event WHERE install=?1", "s", id);
	if (!ret)
		ret = db_run(s, "DELETE FROM install WHERE id=?1", "s", id);
	return transaction_end(s, ret);
}

int state_forget(struct state *s, const char *state_dir, unsigned int keep, size_t *forgotten)
{
	struct ids ids = {0};
	int ret = find(s, keep, &ids);

	for (*forgotten = 0; !ret && *forgotten < ids.count; ++*forgotten)
		ret = forget_one(s, state_dir, ids.list[*forgotten]);
	free(ids.list);
	return ret;
}
