/* Machines that asked for a plan, and what is in them; see state.h. Whoever reaches the network can
 * claim to be many machines, so those that no host is are bounded: one that has not been seen for a
 * while makes room for another.
 */
#include "host-tools/lib/state-internal.h"

#include <errno.h>
#include <time.h>

#define GONE_SECONDS  600 /* it asks every few seconds while it is there */
#define FRESH_SECONDS 30  /* not worth a write */

/* -ENOENT: it is new. *fresh: it is there as it says, and was seen just now. */
static int find(struct state *s, const char *mac, const char *node, const char *inventory,
		int64_t now, bool *fresh)
{
	sqlite3_stmt *stmt;
	int ret = db_row(s, &stmt,
			 "SELECT node=?2 AND inventory=?3 AND seen>?4 FROM machine WHERE mac=?1",
			 "sssi", mac, node, inventory, now - FRESH_SECONDS);

	if (ret)
		return ret;
	*fresh = sqlite3_column_int(stmt, 0);
	db_done(s, stmt);
	return 0;
}

/* Room for one more unknown machine, unless it is there already. */
static int make_room(struct state *s, const char *mac, int64_t now)
{
	sqlite3_stmt *stmt;
	int64_t count;
	int ret = db_row(s, &stmt, "SELECT COUNT(*) FROM machine WHERE node='' AND mac<>?1", "s",
			 mac);

	if (ret)
		return ret;
	count = sqlite3_column_int64(stmt, 0);
	db_done(s, stmt);
	if (count < STATE_MACHINES_MAX)
		return 0;
	ret = db_run(s, "DELETE FROM machine WHERE node='' AND mac<>?1 AND seen<?2", "si", mac,
		     now - GONE_SECONDS);
	return ret ? ret : sqlite3_changes(s->db) ? 0 : -ENOSPC;
}

int state_machine_seen(struct state *s, const char *mac, const char *node, const char *inventory)
{
	int64_t now = time(NULL);
	bool fresh = false, is_new;
	int ret = transaction_begin(s);

	if (ret)
		return ret;
	ret = find(s, mac, node, inventory, now, &fresh);
	is_new = ret == -ENOENT;
	if (fresh || (ret && !is_new))
		return transaction_end(s, ret);
	ret = *node ? 0 : make_room(s, mac, now);
	if (ret == -ENOSPC) { /* nothing failed */
		transaction_end(s, 0);
		return ret;
	}
	if (!ret)
		ret = db_run(s,
			     "INSERT INTO machine(mac, node, first, seen, inventory) VALUES(?1, "
			     "?2, ?3, ?3, ?4) ON CONFLICT(mac) DO UPDATE SET node=?2, seen=?3, "
			     "inventory=?4",
			     "ssis", mac, node, now, inventory);
	return transaction_end(s, ret ? ret : is_new);
}

struct machine_rows {
	void (*row)(const struct state_machine *m, void *arg);
	void *arg;
};

static void take_machine(sqlite3_stmt *stmt, void *arg)
{
	const struct machine_rows *rows = arg;
	struct state_machine m = {.first = sqlite3_column_int64(stmt, 2),
				  .seen = sqlite3_column_int64(stmt, 3)};

	column_text(m.mac, sizeof(m.mac), stmt, 0);
	column_text(m.node, sizeof(m.node), stmt, 1);
	m.inventory = (const char *)sqlite3_column_text(stmt, 4);
	if (m.inventory)
		rows->row(&m, rows->arg);
}

#define MACHINE_COLUMNS "SELECT mac, node, first, seen, inventory FROM machine"

int state_machines(struct state *s, const char *node,
		   void (*row)(const struct state_machine *m, void *arg), void *arg)
{
	struct machine_rows rows = {row, arg};
	sqlite3_stmt *stmt;
	int ret;

	pthread_mutex_lock(&s->lock);
	if (node)
		ret = db_row(s, &stmt, MACHINE_COLUMNS " WHERE node=?1 ORDER BY number", "s", node);
	else
		ret = db_row(s, &stmt, MACHINE_COLUMNS " ORDER BY number", "");
	if (!ret)
		ret = rows_each(s, stmt, take_machine, &rows);
	pthread_mutex_unlock(&s->lock);
	return ret == -ENOENT ? 0 : ret;
}

int state_machine_forget(struct state *s, const char *mac)
{
	bool nothing;
	int ret = transaction_begin(s);

	if (ret)
		return ret;
	if (mac)
		ret = db_run(s, "DELETE FROM machine WHERE node='' AND mac=?1", "s", mac);
	else
		ret = db_run(s, "DELETE FROM machine WHERE node=''", "");
	nothing = !ret && mac && !sqlite3_changes(s->db);
	ret = transaction_end(s, ret);
	return ret ? ret : nothing ? -ENOENT : 0;
}
