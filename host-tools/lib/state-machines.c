/* Machines that asked for a plan, and what is in them; see state.h. Whoever reaches the network can
 * claim to be many machines, so those that no host is are bounded, and no address can have so many
 * that there is no room for a machine with another one.
 */
#include "host-tools/lib/state-internal.h"

#include <errno.h>
#include <time.h>

#define FRESH_SECONDS 30 /* it asks every few seconds while it is there; not worth a write */

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

/* How many unknown ones are there besides this: of the address; of that which has most; in all. */
struct crowd {
	int64_t own, most, all;
};

static int crowd_count(struct state *s, const char *mac, const char *peer, struct crowd *c)
{
	sqlite3_stmt *stmt;
	int ret =
		db_row(s, &stmt,
		       "SELECT TOTAL(n) FILTER(WHERE peer=?2), MAX(n), TOTAL(n) FROM (SELECT "
		       "peer, COUNT(*) AS n FROM machine WHERE node='' AND mac<>?1 GROUP BY peer)",
		       "ss", mac, peer);

	if (ret)
		return ret;
	c->own = sqlite3_column_int64(stmt, 0);
	c->most = sqlite3_column_int64(stmt, 1);
	c->all = sqlite3_column_int64(stmt, 2);
	db_done(s, stmt);
	return 0;
}

/* The one that was not seen for longest. */
static int displace_of_peer(struct state *s, const char *mac, const char *peer, int64_t before)
{
	return db_run(
		s,
		"DELETE FROM machine WHERE number=(SELECT number FROM machine WHERE node='' AND "
		"mac<>?1 AND peer=?2 AND seen<?3 ORDER BY seen, number LIMIT 1)",
		"ssi", mac, peer, before);
}

static int displace_of_crowd(struct state *s, const char *mac, int64_t before)
{
	return db_run(
		s,
		"DELETE FROM machine WHERE number=(SELECT number FROM machine JOIN (SELECT peer, "
		"COUNT(*) AS n FROM machine WHERE node='' GROUP BY peer) USING(peer) WHERE "
		"node='' AND mac<>?1 AND seen<?2 ORDER BY n DESC, seen, number LIMIT 1)",
		"si", mac, before);
}

/* Room for one more unknown machine. An address with fewer of them than another takes one of that
 * one's places; else only what has not been seen for a while makes room, so that nobody has the
 * server write all the time. */
static int make_room(struct state *s, const char *mac, const char *peer, int64_t now)
{
	struct crowd c;
	int ret = crowd_count(s, mac, peer, &c);

	if (ret || (c.own < STATE_MACHINES_PER_PEER_MAX && c.all < STATE_MACHINES_MAX))
		return ret;
	if (c.own >= STATE_MACHINES_PER_PEER_MAX)
		ret = displace_of_peer(s, mac, peer, now - FRESH_SECONDS);
	else
		ret = displace_of_crowd(s, mac,
					c.own + 1 < c.most ? INT64_MAX : now - FRESH_SECONDS);
	return ret ? ret : sqlite3_changes(s->db) ? 0 : -ENOSPC;
}

int state_machine_seen(struct state *s, const char *mac, const char *node, const char *inventory,
		       const char *peer)
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
	ret = *node || !is_new ? 0 : make_room(s, mac, peer, now);
	if (ret == -ENOSPC) { /* nothing failed */
		transaction_end(s, 0);
		return ret;
	}
	if (!ret)
		ret = db_run(
			s,
			"INSERT INTO machine(mac, node, first, seen, inventory, peer) VALUES(?1, "
			"?2, ?3, ?3, ?4, ?5) ON CONFLICT(mac) DO UPDATE SET node=?2, seen=?3, "
			"inventory=?4, peer=CASE WHEN node='' AND ?2='' THEN peer ELSE ?5 END",
			"ssiss", mac, node, now, inventory, peer);
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
