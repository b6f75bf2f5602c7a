/* The server's state: arming, attempts, events exactly once, superseded installations, two
 * processes at once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "host-tools/lib/state-internal.h"

#define MAC "52:54:00:00:00:01"

static char dir[64];
static struct state *state;

static int set_up(void **arg)
{
	(void)arg;
	snprintf(dir, sizeof(dir), "/tmp/test-state.XXXXXX");
	return mkdtemp(dir) ? state_open(&state, dir) : -1;
}

static int tear_down(void **arg)
{
	static const char *const files[] = {"state.db", "state.db-wal", "state.db-shm"};
	char path[128];

	(void)arg;
	state_close(state);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static struct event event(const char *install, uint64_t seq, enum event_kind kind,
			  const char *module)
{
	struct event e = {.seq = seq, .kind = kind, .mac = MAC, .ok = 1, .millis = 1500};

	snprintf(e.install, sizeof(e.install), "%s", install);
	snprintf(e.module, sizeof(e.module), "%s", module);
	return e;
}

/* As a node that nobody armed gets no plan, it is armed first. */
static void begin(const char *node, const char *install)
{
	uint8_t hash[32] = {1, 2, 3};
	struct state_node seen;

	state_node(state, node, &seen);
	if (!seen.armed[0]) {
		assert_int_equal(state_arm(state, node, "full", false), 0);
		assert_int_equal(state_node(state, node, &seen), 0);
	}
	assert_int_equal(state_install_begin(state, &seen, install, MAC, hash), 0);
}

static int apply(struct event e)
{
	return state_event(state, &e);
}

static struct state_node node(const char *name)
{
	struct state_node n;

	assert_int_equal(state_node(state, name, &n), 0);
	return n;
}

static void arming(void **arg)
{
	struct state_node n;

	(void)arg;
	assert_int_equal(state_node(state, "n1", &n), -ENOENT);
	assert_string_equal(n.name, "n1");
	assert_string_equal(n.armed, "");
	assert_int_equal(state_arm(state, "n1", "full", true), 0);
	n = node("n1");
	assert_string_equal(n.armed, "full");
	assert_true(n.wipe);
	assert_int_equal(state_disarm(state, "n1"), 0);
	n = node("n1");
	assert_string_equal(n.armed, "");
	assert_false(n.wipe);
	assert_int_equal(state_disarm(state, "unknown"), 0);
}

static void wipe_is_used_up_and_attempts_count(void **arg)
{
	(void)arg;
	state_arm(state, "n1", "full", true);
	begin("n1", "i1");
	assert_false(node("n1").wipe);
	assert_int_equal(node("n1").attempts, 1);
	assert_string_equal(node("n1").status, "running");
	begin("n1", "i2");
	assert_int_equal(node("n1").attempts, 2);
	state_arm(state, "n1", "repair", false);
	assert_int_equal(node("n1").attempts, 0);
}

static void an_arming_has_its_own_limit_and_breaks(void **arg)
{
	(void)arg;
	state_arm(state, "n1", "full", false);
	assert_int_equal(node("n1").attempts_max, STATE_ATTEMPTS);
	assert_int_equal(state_arm_as(state, "n1",
				      &(struct state_arming){.variant = "full",
							     .attempts_max = 1,
							     .breaks = "mount"}),
			 0);
	assert_int_equal(node("n1").attempts_max, 1);
	assert_string_equal(node("n1").breaks, "mount");
	state_arm(state, "n1", "full", false);
	assert_int_equal(node("n1").attempts_max, STATE_ATTEMPTS);
	assert_string_equal(node("n1").breaks, "");
}

static void a_hold_lasts_until_somebody_ends_it(void **arg)
{
	bool go = true;

	(void)arg;
	begin("n1", "i1");
	assert_int_equal(state_continue(state, "n1"), -ENOENT);
	assert_int_equal(apply(event("i1", 1, EVENT_HOLD, "mount")), 1);
	assert_string_equal(node("n1").held, "mount");
	assert_string_equal(node("n1").status, "running");
	assert_int_equal(state_may_go(state, "i1", "mount", &go), 0);
	assert_false(go);
	assert_int_equal(state_continue(state, "n1"), 0);
	assert_int_equal(state_may_go(state, "i1", "partition", &go), 0);
	assert_false(go);
	assert_int_equal(state_may_go(state, "i0", "mount", &go), 0);
	assert_false(go);
	assert_int_equal(state_may_go(state, "i1", "mount", &go), 0);
	assert_true(go);
	assert_int_equal(apply(event("i1", 2, EVENT_START, "mount")), 1);
	assert_string_equal(node("n1").held, "");
	assert_int_equal(state_may_go(state, "i1", "mount", &go), 0);
	assert_false(go);
	apply(event("i1", 3, EVENT_HOLD, "extrbase"));
	begin("n1", "i2");
	assert_string_equal(node("n1").held, "");
}

static void a_host_key_is_that_of_its_installation(void **arg)
{
	struct event e = event("i1", 1, EVENT_HOST_KEY, "remotelogin");
	char key[64];

	(void)arg;
	begin("n1", "i1");
	begin("n1", "i2");
	strcpy(e.message, "ssh-ed25519 AAAA");
	assert_int_equal(apply(e), 1);
	assert_int_equal(state_host_key(state, "i1", key, sizeof(key)), 0);
	assert_string_equal(key, "ssh-ed25519 AAAA");
	assert_int_equal(state_host_key(state, "i2", key, sizeof(key)), 0);
	assert_string_equal(key, "");
	assert_int_equal(state_host_key(state, "i3", key, sizeof(key)), -ENOENT);
}

static void a_plan_does_not_overrun_a_change(void **arg)
{
	uint8_t hash[32] = {0};
	struct state_node seen;
	struct state_install i;

	(void)arg;
	state_arm(state, "n1", "full", true);
	seen = node("n1");
	state_disarm(state, "n1");
	assert_int_equal(state_install_begin(state, &seen, "i1", MAC, hash), -EAGAIN);
	assert_string_equal(node("n1").status, "");
	assert_int_equal(state_install(state, "i1", &i), -ENOENT);
	state_arm(state, "n1", "full", false);
	assert_int_equal(state_install_begin(state, &seen, "i1", MAC, hash), -EAGAIN);
	state_arm(state, "n1", "full", true);
	assert_int_equal(state_install_begin(state, &seen, "i1", MAC, hash), 0);
	assert_int_equal(state_install_begin(state, &seen, "i2", MAC, hash), -EAGAIN);
}

static void what_is_given_up_has_ended(void **arg)
{
	struct event bad = event("i3", 2, EVENT_REPORT, "mount");
	struct state_install i;

	(void)arg;
	state_arm_as(state, "n1", &(struct state_arming){.variant = "full", .attempts_max = 2});
	begin("n1", "i1");
	assert_int_equal(state_give_up(state, "n1", "no report"), -EAGAIN);
	begin("n1", "i2");
	apply(event("i2", 1, EVENT_HOLD, "mount"));
	assert_int_equal(state_give_up(state, "n1", "no report"), 0);
	assert_string_equal(node("n1").armed, "");
	assert_string_equal(node("n1").status, "failed");
	assert_string_equal(node("n1").message, "no report");
	assert_string_equal(node("n1").held, "");
	assert_int_equal(state_install(state, "i1", &i), 0);
	assert_false(i.ended);
	assert_int_equal(state_install(state, "i2", &i), 0);
	assert_true(i.ended && !i.ok);

	/* What did report keeps its reason. */
	state_arm_as(state, "n1", &(struct state_arming){.variant = "full", .attempts_max = 1});
	begin("n1", "i3");
	apply(event("i3", 1, EVENT_START, "mount"));
	bad.ok = 0;
	strcpy(bad.message, "no disk");
	apply(bad);
	assert_int_equal(state_give_up(state, "n1", "no report"), 0);
	assert_string_equal(node("n1").armed, "");
	assert_string_equal(node("n1").message, "no disk");
	assert_int_equal(state_give_up(state, "n1", "no report"), -EAGAIN);
}

static void an_id_is_used_once(void **arg)
{
	struct state_node n2 = {.name = "n2"};
	uint8_t hash[32] = {0};

	(void)arg;
	begin("n1", "i1");
	assert_int_equal(state_install_begin(state, &n2, "i1", MAC, hash), -EEXIST);
}

/* Repeats and gaps change nothing, and are no reason to give up what else is in the transaction. */
static void many_events_are_one_transaction(void **arg)
{
	(void)arg;
	begin("n1", "i1");
	begin("n2", "i2");
	assert_int_equal(state_begin(state), 0);
	assert_int_equal(apply(event("i1", 1, EVENT_START, "")), 1);
	assert_int_equal(apply(event("i1", 1, EVENT_START, "")), 0);
	assert_int_equal(apply(event("i1", 7, EVENT_START, "")), -ERANGE);
	assert_int_equal(apply(event("none", 1, EVENT_START, "")), -ENOENT);
	assert_int_equal(apply(event("i2", 1, EVENT_START, "mount")), 1);
	assert_int_equal(state_end(state), 0);
	assert_string_equal(node("n2").module, "mount");
}

static void a_transaction_fails_as_a_whole(void **arg)
{
	struct state_node n2 = {.name = "n2"};
	uint8_t hash[32] = {0};

	(void)arg;
	begin("n1", "i1");
	assert_int_equal(state_begin(state), 0);
	assert_int_equal(apply(event("i1", 1, EVENT_START, "mount")), 1);
	assert_int_equal(state_install_begin(state, &n2, "i1", MAC, hash), -EEXIST);
	assert_int_equal(state_end(state), -EEXIST);
	assert_string_equal(node("n1").module, "");
	assert_int_equal(apply(event("i1", 1, EVENT_START, "mount")), 1);
}

/* As SQLite does where the disk is full. */
static void a_lost_transaction_commits_no_part_alone(void **arg)
{
	(void)arg;
	begin("n1", "i1");
	begin("n2", "i2");
	assert_int_equal(state_begin(state), 0);
	assert_int_equal(apply(event("i1", 1, EVENT_START, "mount")), 1);
	assert_int_equal(sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(apply(event("i2", 1, EVENT_START, "mount")), -EIO);
	assert_int_equal(apply(event("i1", 2, EVENT_END, "mount")), -EIO);
	assert_int_equal(state_end(state), -EIO);
	assert_string_equal(node("n1").module, "");
	assert_string_equal(node("n2").module, "");
	assert_int_equal(apply(event("i1", 1, EVENT_START, "mount")), 1);
}

static void token_and_acknowledgement_are_found(void **arg)
{
	uint8_t hash[32], wanted[32] = {1, 2, 3};
	char name[64];
	uint64_t ack;

	(void)arg;
	assert_int_equal(state_install_find(state, "i1", name, hash, &ack), -ENOENT);
	begin("n1", "i1");
	assert_int_equal(state_install_find(state, "i1", name, hash, &ack), 0);
	assert_string_equal(name, "n1");
	assert_memory_equal(hash, wanted, 32);
	assert_int_equal(ack, 0);
	apply(event("i1", 1, EVENT_START, ""));
	state_install_find(state, "i1", name, hash, &ack);
	assert_int_equal(ack, 1);
}

static void events_count_once_and_in_order(void **arg)
{
	(void)arg;
	begin("n1", "i1");
	assert_int_equal(apply(event("i1", 1, EVENT_START, "init")), 1);
	assert_int_equal(apply(event("i1", 1, EVENT_START, "other")), 0);
	assert_string_equal(node("n1").module, "init");
	assert_int_equal(apply(event("i1", 3, EVENT_END, "init")), -ERANGE);
	assert_int_equal(apply(event("i1", 2, EVENT_END, "init")), 1);
	assert_int_equal(apply(event("i1", UINT64_MAX, EVENT_END, "init")), -ERANGE);
	assert_int_equal(apply(event("unknown", 1, EVENT_END, "init")), -ENOENT);
}

static void a_good_report_disarms(void **arg)
{
	(void)arg;
	state_arm(state, "n1", "full", false);
	begin("n1", "i1");
	assert_int_equal(apply(event("i1", 1, EVENT_REPORT, "")), 1);
	assert_string_equal(node("n1").status, "installed");
	assert_string_equal(node("n1").armed, "");
	/* A lost acknowledgement: the same report again changes nothing, also after a new arming.
	 */
	state_arm(state, "n1", "full", false);
	assert_int_equal(apply(event("i1", 1, EVENT_REPORT, "")), 0);
	assert_string_equal(node("n1").armed, "full");
}

static void arming_during_an_installation_is_for_the_next_one(void **arg)
{
	(void)arg;
	state_arm(state, "n1", "full", false);
	begin("n1", "i1");
	state_arm(state, "n1", "repair", true);
	assert_int_equal(apply(event("i1", 1, EVENT_REPORT, "")), 1);
	assert_string_equal(node("n1").status, "installed");
	assert_string_equal(node("n1").armed, "repair");
	assert_true(node("n1").wipe);
}

static void a_bad_report_keeps_the_reason_and_the_arming(void **arg)
{
	struct event e = event("i1", 1, EVENT_REPORT, "partition");

	(void)arg;
	state_arm(state, "n1", "full", false);
	begin("n1", "i1");
	e.ok = 0;
	snprintf(e.message, sizeof(e.message), "foreign data on '/dev/vda'");
	assert_int_equal(apply(e), 1);
	assert_string_equal(node("n1").status, "failed");
	assert_string_equal(node("n1").module, "partition");
	assert_string_equal(node("n1").message, "foreign data on '/dev/vda'");
	assert_string_equal(node("n1").armed, "full");
}

static void a_superseded_installation_says_nothing(void **arg)
{
	(void)arg;
	state_arm(state, "n1", "full", false);
	begin("n1", "i1");
	begin("n1", "i2");
	assert_int_equal(apply(event("i1", 1, EVENT_REPORT, "")), 1);
	assert_string_equal(node("n1").status, "running");
	assert_string_equal(node("n1").armed, "full");
}

static void progress_is_the_nodes(void **arg)
{
	struct event e = event("i1", 1, EVENT_PROGRESS, "extrbase");

	(void)arg;
	begin("n1", "i1");
	e.bytes = 10;
	e.total = 40;
	assert_int_equal(apply(e), 1);
	assert_int_equal(node("n1").bytes, 10);
	assert_int_equal(node("n1").total, 40);
	assert_string_equal(node("n1").module, "extrbase");
}

struct seen {
	int rows, ends;
	uint64_t last;
};

static void see(const struct event *e, int64_t at, void *arg)
{
	struct seen *s = arg;

	assert_true(at > 0);
	assert_true(e->seq > s->last);
	s->last = e->seq;
	s->rows++;
	s->ends += e->kind == EVENT_END && e->millis == 1500 && !strcmp(e->module, "init");
}

static void events_are_kept_but_progress(void **arg)
{
	struct seen s = {0};

	(void)arg;
	begin("n1", "i1");
	apply(event("i1", 1, EVENT_START, "init"));
	apply(event("i1", 2, EVENT_PROGRESS, "init"));
	apply(event("i1", 3, EVENT_END, "init"));
	assert_int_equal(state_events(state, "i1", see, &s), 0);
	assert_int_equal(s.rows, 2);
	assert_int_equal(s.ends, 1);
	s = (struct seen){0};
	assert_int_equal(state_events(state, NULL, see, &s), 0);
	assert_int_equal(s.rows, 1);
	s = (struct seen){0};
	assert_int_equal(state_events(state, "none", see, &s), 0);
	assert_int_equal(s.rows, 0);
}

static void name_node(const struct state_node *n, void *arg)
{
	strcat(arg, n->name);
	strcat(arg, n->armed[0] ? "! " : " ");
}

static void all_nodes_at_once(void **arg)
{
	char names[128] = "";

	(void)arg;
	assert_int_equal(state_nodes(state, name_node, names), 0);
	assert_string_equal(names, "");
	state_arm(state, "n2", "full", false);
	begin("n1", "i1");
	assert_int_equal(state_nodes(state, name_node, names), 0);
	assert_string_equal(names, "n1! n2! ");
}

static void id_and_cause(const struct state_install *i, void *arg)
{
	strbuf_addf(arg, "%s %s %d%d %s:%s|", i->id, i->node, !!i->ended, i->latest, i->module,
		    i->message);
}

static void installations_are_kept_with_their_end(void **arg)
{
	struct event bad = event("i2", 2, EVENT_REPORT, "mount");
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	struct state_install i;

	(void)arg;
	assert_int_equal(state_installs(state, id_and_cause, &text), 0);
	assert_int_equal(text.len, 0);
	begin("n1", "i1");
	begin("n1", "i2");
	apply(event("i2", 1, EVENT_START, "mount"));
	bad.ok = 0;
	snprintf(bad.message, sizeof(bad.message), "no disk");
	apply(bad);
	begin("n2", "i3");
	assert_int_equal(state_installs(state, id_and_cause, &text), 0);
	assert_string_equal(text.buf, "i1 n1 00 :|i2 n1 11 mount:no disk|i3 n2 01 :|");
	assert_int_equal(state_install(state, "i2", &i), 0);
	assert_string_equal(i.variant, "full");
	assert_string_equal(i.mac, MAC);
	assert_false(i.ok);
	assert_true(i.ended >= i.begun);
	assert_int_equal(state_install(state, i.id, &i), 0);
	assert_string_equal(i.node, "n1");
	assert_int_equal(state_install(state, "i4", &i), -ENOENT);
}

static void a_reader_changes_nothing(void **arg)
{
	struct state *reader;
	struct state_node n;

	(void)arg;
	assert_int_equal(state_open_readonly(&reader, "/nonexistent"), -ENOENT);
	assert_null(reader);
	assert_int_equal(state_open_readonly(&reader, dir), 0);
	state_arm(state, "n1", "full", false);
	assert_int_equal(state_node(reader, "n1", &n), 0);
	assert_string_equal(n.armed, "full");
	assert_int_equal(state_disarm(reader, "n1"), -EACCES);
	state_close(reader);
	assert_string_equal(node("n1").armed, "full");
}

static void a_flood_is_not_kept_but_its_report_is(void **arg)
{
	const uint64_t flood = 20100;
	struct seen s = {0};

	(void)arg;
	begin("n1", "i1");
	for (uint64_t i = 1; i <= flood; i++)
		assert_int_equal(apply(event("i1", i, EVENT_LOG, "init")), 1);
	assert_int_equal(apply(event("i1", flood + 1, EVENT_REPORT, "")), 1);
	assert_string_equal(node("n1").status, "installed");
	assert_int_equal(state_events(state, "i1", see, &s), 0);
	assert_int_equal(s.rows, 20001);
	assert_int_equal(s.last, flood + 1);
}

static void texts_are_data(void **arg)
{
	(void)arg;
	assert_int_equal(state_arm(state, "n'; DROP TABLE node; --", "x' OR 1=1", false), 0);
	assert_string_equal(node("n'; DROP TABLE node; --").armed, "x' OR 1=1");
}

static void the_database_is_private(void **arg)
{
	char path[128];
	struct stat st;

	(void)arg;
	snprintf(path, sizeof(path), "%s/state.db", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
}

static void another_version_is_refused(void **arg)
{
	char path[128];
	FILE *f;

	(void)arg;
	state_close(state);
	state = NULL;
	snprintf(path, sizeof(path), "%s/state.db", dir);
	f = fopen(path, "r+");
	fseek(f, 60, SEEK_SET); /* user_version, of the file format of SQLite */
	fwrite("\0\0\0\x07", 1, 4, f);
	fclose(f);
	assert_int_equal(state_open(&state, dir), -EPROTO);
	assert_null(state);
}

static void garbage_is_refused(void **arg)
{
	char path[128];
	FILE *f;

	(void)arg;
	state_close(state);
	state = NULL;
	snprintf(path, sizeof(path), "%s/state.db", dir);
	f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("no database at all", f);
	fclose(f);
	assert_true(state_open(&state, dir) < 0);
	assert_null(state);
}

/* Two processes write at the same time; nothing is lost and nobody gives up. */
static void processes_share_it(void **arg)
{
	char name[32];
	int status;
	pid_t pid;

	(void)arg;
	state_close(state);
	pid = fork();
	if (state_open(&state, dir))
		abort();
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "%s%d", pid ? "parent" : "child", i);
		if (state_arm(state, name, "full", false))
			_exit(1);
	}
	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "child%d", i);
		assert_string_equal(node(name).armed, "full");
	}
}

/* --- machines, identities, replacements --- */

struct found {
	size_t count;
	char macs[8][MAC_TEXT], nodes[8][64], inventory[64];
};

static void take_machine(const struct state_machine *m, void *arg)
{
	struct found *s = arg;

	if (s->count < 8) {
		memcpy(s->macs[s->count], m->mac, MAC_TEXT);
		memcpy(s->nodes[s->count], m->node, 64);
	}
	snprintf(s->inventory, sizeof(s->inventory), "%s", m->inventory);
	s->count++;
}

static struct found machines(const char *of)
{
	struct found s = {0};

	assert_int_equal(state_machines(state, of, take_machine, &s), 0);
	return s;
}

static void machines_are_kept_in_order(void **arg)
{
	struct found s;

	(void)arg;
	assert_int_equal(state_machine_seen(state, "m2", "", "{}"), 1);
	assert_int_equal(state_machine_seen(state, "m1", "", "{}"), 1);
	assert_int_equal(state_machine_seen(state, "m2", "", "{\"cpus\":1}"), 0);
	assert_int_equal(state_machine_seen(state, "m3", "n3", "{}"), 1);
	s = machines("");
	assert_int_equal(s.count, 2);
	assert_string_equal(s.macs[0], "m2");
	assert_string_equal(s.macs[1], "m1");
	assert_int_equal(machines(NULL).count, 3);
	assert_int_equal(state_machine_seen(state, "m2", "n2", "{\"cpus\":1}"), 0);
	assert_string_equal(machines("n2").inventory, "{\"cpus\":1}");
	assert_int_equal(state_machine_forget(state, "m2"), -ENOENT);
	assert_int_equal(state_machine_forget(state, NULL), 0);
	s = machines(NULL);
	assert_int_equal(s.count, 2);
	assert_string_equal(s.nodes[0], "n2");
}

/* A flood of invented machines neither grows nor displaces those that are there. */
static void unknown_machines_are_bounded(void **arg)
{
	char mac[MAC_TEXT];

	(void)arg;
	for (int i = 0; i < STATE_MACHINES_MAX; i++) {
		snprintf(mac, sizeof(mac), "m%d", i);
		assert_int_equal(state_machine_seen(state, mac, "", "{}"), 1);
	}
	assert_int_equal(state_machine_seen(state, "more", "", "{}"), -ENOSPC);
	assert_int_equal(state_machine_seen(state, "m7", "", "{\"cpus\":1}"), 0);
	assert_int_equal(state_machine_seen(state, "known", "n1", "{}"), 1);
	assert_int_equal(state_machine_forget(state, "m7"), 0);
	assert_int_equal(state_machine_seen(state, "more", "", "{}"), 1);
	assert_int_equal(machines("").count, STATE_MACHINES_MAX);
}

static void take_replacement(const struct state_replacement *r, void *arg)
{
	snprintf(arg, 64, "%s %s %s", r->node, r->old, r->mac);
}

static void identities_and_replacements(void **arg)
{
	char line[64] = "", *sealed;

	(void)arg;
	assert_int_equal(state_identity(state, "n1", &sealed), -ENOENT);
	assert_int_equal(state_identity_keep(state, "n1", "one"), 0);
	assert_int_equal(state_identity_keep(state, "n1", "two"), 0);
	assert_int_equal(state_identity(state, "n1", &sealed), 0);
	assert_string_equal(sealed, "two");
	free(sealed);
	assert_int_equal(state_identity_forget(state, "n1"), 0);
	assert_int_equal(state_identity(state, "n1", &sealed), -ENOENT);
	assert_int_equal(state_replace(state, "n1", "a", "b"), 0);
	assert_int_equal(state_replace(state, "n1", "a", "c"), 0);
	assert_int_equal(state_replacements(state, take_replacement, line), 0);
	assert_string_equal(line, "n1 a c");
	assert_int_equal(state_replace_drop(state, "n1"), 0);
	line[0] = '\0';
	assert_int_equal(state_replacements(state, take_replacement, line), 0);
	assert_string_equal(line, "");
}

/* An earlier program's database gets what it lacks; what is in it stays. */
static void an_older_one_is_brought_up_to_date(void **arg)
{
	char path[128];
	sqlite3 *db;

	(void)arg;
	assert_int_equal(state_arm(state, "n1", "full", false), 0);
	state_close(state);
	state = NULL;
	snprintf(path, sizeof(path), "%s/state.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "DROP TABLE machine; DROP TABLE identity; DROP TABLE "
				      "replacement; PRAGMA user_version=2",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(state_open(&state, dir), 0);
	assert_string_equal(node("n1").armed, "full");
	assert_int_equal(state_machine_seen(state, "m1", "", "{}"), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(arming),
		TEST(wipe_is_used_up_and_attempts_count),
		TEST(an_arming_has_its_own_limit_and_breaks),
		TEST(a_hold_lasts_until_somebody_ends_it),
		TEST(a_host_key_is_that_of_its_installation),
		TEST(a_plan_does_not_overrun_a_change),
		TEST(what_is_given_up_has_ended),
		TEST(an_id_is_used_once),
		TEST(many_events_are_one_transaction),
		TEST(a_transaction_fails_as_a_whole),
		TEST(a_lost_transaction_commits_no_part_alone),
		TEST(token_and_acknowledgement_are_found),
		TEST(events_count_once_and_in_order),
		TEST(a_good_report_disarms),
		TEST(arming_during_an_installation_is_for_the_next_one),
		TEST(a_bad_report_keeps_the_reason_and_the_arming),
		TEST(a_superseded_installation_says_nothing),
		TEST(progress_is_the_nodes),
		TEST(events_are_kept_but_progress),
		TEST(all_nodes_at_once),
		TEST(installations_are_kept_with_their_end),
		TEST(a_reader_changes_nothing),
		TEST(a_flood_is_not_kept_but_its_report_is),
		TEST(texts_are_data),
		TEST(the_database_is_private),
		TEST(another_version_is_refused),
		TEST(garbage_is_refused),
		TEST(processes_share_it),
		TEST(machines_are_kept_in_order),
		TEST(unknown_machines_are_bounded),
		TEST(identities_and_replacements),
		TEST(an_older_one_is_brought_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
