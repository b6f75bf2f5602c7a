/* The server's state: arming, attempts, events exactly once, superseded installations. */
#include "tests/unit/state-fixture.h"

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

static void note_name(const char *node, void *arg)
{
	strcat(strcat(arg, node), " ");
}

static const char *stale(void)
{
	static char names[128];

	names[0] = '\0';
	assert_int_equal(state_stale(state, note_name, names), 0);
	return names;
}

/* A boot file that says what somebody else has changed meanwhile counts for nothing. */
static void boot_files_are_stale_until_somebody_says_so(void **arg)
{
	(void)arg;
	assert_string_equal(stale(), "");
	assert_int_equal(state_arm(state, "n1", "full", false), 0);
	assert_int_equal(state_arm(state, "n2", "full", false), 0);
	assert_int_equal(state_disarm(state, "n3"), 0);
	assert_string_equal(stale(), "n1 n2 n3 ");
	assert_int_equal(state_fresh(state, "n1", "full"), 0);
	assert_int_equal(state_fresh(state, "n2", "repair"), 0);
	assert_int_equal(state_fresh(state, "n3", ""), 0);
	assert_string_equal(stale(), "n2 ");
	assert_int_equal(state_disarm(state, "n2"), 0);
	assert_int_equal(state_fresh(state, "n2", "full"), 0);
	assert_string_equal(stale(), "n2 ");
	assert_int_equal(state_fresh(state, "n2", ""), 0);
	assert_string_equal(stale(), "");
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

static void what_was_asked_is_not_asked_again(void **arg)
{
	(void)arg;
	begin("n1", "i1");
	begin("n2", "i2");
	assert_int_equal(state_install_asks(state, "i1", 0), 0);
	assert_int_equal(state_install_asks(state, "i1", 0), -ESTALE);
	assert_int_equal(state_install_asks(state, "i1", 2000), 0);
	assert_int_equal(state_install_asks(state, "i1", 1999), -ESTALE);
	assert_int_equal(state_install_asks(state, "i2", 10), 0);
	assert_int_equal(state_install_asks(state, "i1", INT64_MAX), 0);
	assert_int_equal(state_install_asks(state, "i0", 1), -ESTALE);
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
	assert_string_equal(i.message, "");
	assert_int_equal(state_install(state, "i2", &i), 0);
	assert_true(i.ended && !i.ok);
	assert_string_equal(i.message, "given up: it did not report");

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

static void a_silent_one_fails_when_it_is_disarmed(void **arg)
{
	struct event good = event("i1", 1, EVENT_REPORT, "");
	struct state_install i;

	(void)arg;
	state_arm(state, "n1", "full", false);
	begin("n1", "i1");
	state_disarm(state, "n1");
	assert_string_equal(node("n1").status, "running");
	assert_int_equal(
		sqlite3_exec(state->db, "UPDATE node SET last_seen=last_seen-61", NULL, NULL, NULL),
		SQLITE_OK);
	state_disarm(state, "n1");
	assert_string_equal(node("n1").status, "failed");
	assert_int_equal(state_install(state, "i1", &i), 0);
	assert_true(i.ended && !i.ok);

	/* It was only slow. */
	good.ok = 1;
	apply(good);
	assert_string_equal(node("n1").status, "installed");
	assert_int_equal(state_install(state, "i1", &i), 0);
	assert_true(i.ok);
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
	struct state_sender sender;

	(void)arg;
	assert_int_equal(state_install_find(state, "i1", &sender, hash), -ENOENT);
	begin("n1", "i1");
	assert_int_equal(state_install_find(state, "i1", &sender, hash), 0);
	assert_string_equal(sender.node, "n1");
	assert_memory_equal(hash, wanted, 32);
	assert_int_equal(sender.ack, 0);
	assert_false(sender.superseded);
	apply(event("i1", 1, EVENT_START, ""));
	begin("n1", "i2");
	state_install_find(state, "i1", &sender, hash);
	assert_int_equal(sender.ack, 1);
	assert_true(sender.superseded);
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
	struct state_totals before, after;

	(void)arg;
	state_arm(state, "n1", "full", false);
	begin("n1", "i1");
	begin("n1", "i2");
	assert_int_equal(state_totals(state, &before), 0);
	assert_int_equal(before.superseded, 1);
	assert_int_equal(apply(event("i1", 1, EVENT_REPORT, "")), 1);
	assert_int_equal(state_totals(state, &after), 0);
	assert_memory_equal(&after, &before, sizeof(after));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(arming),
		TEST(boot_files_are_stale_until_somebody_says_so),
		TEST(wipe_is_used_up_and_attempts_count),
		TEST(an_arming_has_its_own_limit_and_breaks),
		TEST(a_hold_lasts_until_somebody_ends_it),
		TEST(what_was_asked_is_not_asked_again),
		TEST(a_host_key_is_that_of_its_installation),
		TEST(a_plan_does_not_overrun_a_change),
		TEST(what_is_given_up_has_ended),
		TEST(a_silent_one_fails_when_it_is_disarmed),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
