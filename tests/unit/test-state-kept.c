/* The server's state: what is kept of events, installations and machines, and the database itself:
 * private, bounded, shared by processes, and brought up to date. */
#include "tests/unit/state-fixture.h"

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

static void count_event(const struct event *e, int64_t at, void *arg)
{
	(void)at;
	assert_true(e->kind == EVENT_START || e->kind == EVENT_END);
	++*(size_t *)arg;
}

/* However long the log of an installation is. */
static void module_events_are_bounded(void **arg)
{
	size_t n = 0;

	(void)arg;
	begin("n1", "i1");
	for (uint64_t i = 1; i < 3 * STATE_MODULE_EVENTS_MAX; i++)
		apply(event("i1", i, i % 2 ? EVENT_LOG : EVENT_START, "init"));
	assert_int_equal(state_module_events(state, "i1", count_event, &n), 0);
	assert_int_equal(n, STATE_MODULE_EVENTS_MAX);
}

static void note_install(const struct state_install *i, void *arg)
{
	strcat(arg, i->id);
	strcat(arg, " ");
}

static void last_installations(void **arg)
{
	char all[64] = "", of_one[64] = "", of_none[64] = "";

	(void)arg;
	for (int i = 0; i < 6; i++) {
		char id[16];

		snprintf(id, sizeof(id), "i%d", i);
		begin(i % 2 ? "n1" : "n2", id);
	}
	assert_int_equal(state_installs_last(state, NULL, 3, note_install, all), 0);
	assert_string_equal(all, "i5 i4 i3 ");
	assert_int_equal(state_installs_last(state, "n2", 2, note_install, of_one), 0);
	assert_string_equal(of_one, "i4 i2 ");
	assert_int_equal(state_installs_last(state, "n3", 2, note_install, of_none), 0);
	assert_string_equal(of_none, "");
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
	state_close(state);
	assert_int_equal(chmod(path, 0644), 0); /* as from a backup */
	assert_int_equal(state_open(&state, dir), 0);
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
	fwrite("\0\0\0\x7f", 1, 4, f);
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
	assert_int_equal(state_machine_seen(state, "m2", "", "{}", "p"), 1);
	assert_int_equal(state_machine_seen(state, "m1", "", "{}", "p"), 1);
	assert_int_equal(state_machine_seen(state, "m2", "", "{\"cpus\":1}", "p"), 0);
	assert_int_equal(state_machine_seen(state, "m3", "n3", "{}", "p"), 1);
	s = machines("");
	assert_int_equal(s.count, 2);
	assert_string_equal(s.macs[0], "m2");
	assert_string_equal(s.macs[1], "m1");
	assert_int_equal(machines(NULL).count, 3);
	assert_int_equal(state_machine_seen(state, "m2", "n2", "{\"cpus\":1}", "p"), 0);
	assert_string_equal(machines("n2").inventory, "{\"cpus\":1}");
	assert_int_equal(state_machine_forget(state, "m2"), -ENOENT);
	assert_int_equal(state_machine_forget(state, NULL), 0);
	s = machines(NULL);
	assert_int_equal(s.count, 2);
	assert_string_equal(s.nodes[0], "n2");
}

/* A flood of invented machines neither grows nor keeps out those that are there. */
static void unknown_machines_are_bounded(void **arg)
{
	char mac[MAC_TEXT], peer[16];

	(void)arg;
	for (int i = 0; i < STATE_MACHINES_MAX; i++) {
		snprintf(mac, sizeof(mac), "m%d", i);
		snprintf(peer, sizeof(peer), "p%d", i / 20);
		assert_int_equal(state_machine_seen(state, mac, "", "{}", peer), 1);
	}
	/* One of an address that has many makes room. */
	assert_int_equal(state_machine_seen(state, "real", "", "{}", "alone"), 1);
	assert_int_equal(machines("").count, STATE_MACHINES_MAX);
	assert_int_equal(state_machine_seen(state, "known", "n1", "{}", "alone"), 1);
	/* Nobody else's does for an address that has as many itself, while all are there. */
	assert_int_equal(state_machine_seen(state, "more", "", "{}", "p7"), -ENOSPC);
	assert_int_equal(state_machine_seen(state, "m199", "", "{\"cpus\":1}", "p9"), 0);
	assert_int_equal(state_machine_forget(state, "real"), 0);
	assert_int_equal(state_machine_seen(state, "more", "", "{}", "p7"), 1);
	assert_int_equal(machines("").count, STATE_MACHINES_MAX);
}

static void one_address_tells_of_few_machines(void **arg)
{
	char mac[MAC_TEXT];

	(void)arg;
	for (int i = 0; i < STATE_MACHINES_PER_PEER_MAX; i++) {
		snprintf(mac, sizeof(mac), "m%d", i);
		assert_int_equal(state_machine_seen(state, mac, "", "{}", "p"), 1);
	}
	assert_int_equal(state_machine_seen(state, "more", "", "{}", "p"), -ENOSPC);
	assert_int_equal(state_machine_seen(state, "more", "", "{}", "q"), 1);
	assert_int_equal(machines("").count, STATE_MACHINES_PER_PEER_MAX + 1);
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
				      "replacement; DROP INDEX install_begun; DROP INDEX "
				      "install_node; DROP INDEX event_module; DROP TABLE stale; "
				      "DROP TABLE forgotten; "
				      "ALTER TABLE install DROP "
				      "COLUMN asked; PRAGMA user_version=2",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(state_open(&state, dir), 0);
	assert_string_equal(node("n1").armed, "full");
	assert_int_equal(state_machine_seen(state, "m1", "", "{}", "p"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		TEST(one_address_tells_of_few_machines),
		TEST(module_events_are_bounded),
		TEST(last_installations),
		TEST(identities_and_replacements),
		TEST(an_older_one_is_brought_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
