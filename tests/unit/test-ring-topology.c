/* The order of the ring and the judgement of its members, with a clock made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ring/topology.h"

#define MB (1024.0 * 1024)

static const struct topology_limits limits = {
	.detect_ms = 2000, .chunk_ms = 10000, .backlog = 1 << 20, .slow_percent = 75};

static uint32_t add(struct topology *t, const char *name, uint32_t rank, int64_t now)
{
	struct ring_address a = {.port = 1};
	struct member *m = topology_join(t, name, &a, rank, 0, now);

	assert_non_null(m);
	return m->id;
}

static void fill(struct topology *t, size_t n)
{
	char name[16];

	topology_init(t, (uint64_t)1 << 40);
	for (size_t i = 1; i <= n; i++) {
		snprintf(name, sizeof(name), "n%zu", i);
		assert_int_equal(add(t, name, UINT32_MAX, 0), i);
	}
}

/* Each member receives at rate[i] MB/s for so long, with a beat every 100 ms. */
static int64_t play(struct topology *t, const double *rate, int64_t from, int64_t millis)
{
	int64_t now;

	for (now = from + 100; now <= from + millis; now += 100)
		for (uint32_t id = 1; id <= t->count; id++) {
			struct member *m = topology_member(t, id);
			struct ring_beat b = {.attached = topology_predecessor(t, id)};

			b.received = m->received + (uint64_t)(rate[id - 1] * MB / 10);
			if (rate[id - 1] >= 0 && m->place != PLACE_NONE)
				topology_beat(t, id, &b, now);
		}
	return now - 100;
}

static void test_chain(void **state)
{
	struct topology t;
	struct ring_place p;

	(void)state;
	fill(&t, 6);
	assert_int_equal(topology_predecessor(&t, 1), 0);
	assert_int_equal(topology_predecessor(&t, 4), 3);
	topology_candidates(&t, 5, &p);
	assert_int_equal(p.count, RING_CANDIDATES);
	assert_int_equal(p.candidates[0].id, 5);
	assert_int_equal(p.candidates[3].id, 2);
	topology_candidates(&t, 1, &p);
	assert_int_equal(p.count, 2);
	assert_int_equal(p.candidates[1].id, 0);
	topology_remove(&t, 3, MEMBER_DROPPED, "x", 5);
	assert_int_equal(topology_predecessor(&t, 4), 2);
	topology_demote(&t, 2, true, 5);
	assert_int_equal(topology_predecessor(&t, 4), 1);
	assert_int_equal(topology_predecessor(&t, 2), 6);
	topology_free(&t);
}

static void test_order_of_hosts(void **state)
{
	struct topology t;

	(void)state;
	topology_init(&t, 100 * 1024 * 1024);
	add(&t, "c", 2, 0);
	add(&t, "a", 0, 0);
	add(&t, "b", 1, 0);
	assert_int_equal(topology_predecessor(&t, 1), 3);
	assert_int_equal(topology_predecessor(&t, 3), 2);
	assert_int_equal(topology_predecessor(&t, 2), 0);
	topology_member(&t, 1)->received = 5;
	add(&t, "between", 1, 0);
	assert_int_equal(topology_predecessor(&t, 4),
			 1); /* may not come before one that has data */
	topology_free(&t);
}

static void test_silence_names_exactly_one(void **state)
{
	static const double rate[] = {10, 10, -1, 10};
	struct topology t;
	struct verdict v;
	int64_t now;

	(void)state;
	fill(&t, 4);
	now = play(&t, rate, 0, 2000);
	assert_int_equal(topology_judge(&t, &limits, now).kind, VERDICT_NONE);
	v = topology_judge(&t, &limits, now + 1);
	assert_int_equal(v.kind, VERDICT_DROP);
	assert_int_equal(v.id, 3);
	topology_remove(&t, 3, MEMBER_DROPPED, v.reason, now);
	assert_int_equal(topology_judge(&t, &limits, now + 1).kind, VERDICT_NONE);
	topology_free(&t);
}

static void test_slow_is_moved(void **state)
{
	static const double slow[] = {10, 2.5, 2.5, 2.5}, noisy[] = {10, 0, 0, 0};
	struct topology t;
	struct verdict v;
	int64_t now;

	(void)state;
	fill(&t, 4);
	now = play(&t, slow, 0, 1000);
	v = topology_judge(&t, &limits, now);
	assert_int_equal(v.kind, VERDICT_DEMOTE);
	assert_int_equal(v.id, 2);
	topology_free(&t);

	fill(&t, 4); /* stalls are not slowness */
	now = play(&t, noisy, 0, 1500);
	assert_int_equal(topology_judge(&t, &limits, now).kind, VERDICT_NONE);
	topology_free(&t);
}

/* Who is moved takes from its new place at once, although there is nothing new for it there yet. */
static void test_moved_leaves_its_link(void **state)
{
	static const double held_up[] = {10, 10, 3, 3};
	struct topology t;
	int64_t now;

	(void)state;
	fill(&t, 4);
	now = play(&t, held_up, 0, 2000);
	topology_member(&t, 2)->told = 1;
	topology_demote(&t, 2, true, now);
	assert_int_equal(topology_source(&t, 2, now), 4);
	topology_free(&t);
}

/* Who takes from a slow one gets little, and is not to blame; who takes from one that came late is
 * judged. */
static void test_blame(void **state)
{
	static const double slow[] = {10, 6, 2, 2}, late[] = {10, 0.01, 0.01, 0.01},
			    then[] = {10, 10, 2.5, 2.5};
	struct topology t;
	int64_t now;

	(void)state;
	fill(&t, 4);
	now = play(&t, slow, 0, 1000);
	assert_int_equal(topology_judge(&t, &limits, now).kind, VERDICT_NONE);
	now = play(&t, slow, now, 1500);
	assert_int_equal(topology_judge(&t, &limits, now).id, 2);
	topology_free(&t);

	fill(&t, 4);
	now = play(&t, late, 0, 1000);
	now = play(&t, then, now, 1000);
	assert_int_equal(topology_judge(&t, &limits, now).id, 3);
	topology_free(&t);
}

static void assert_chain(const struct topology *t, const uint32_t *ids, size_t count)
{
	assert_int_equal(t->chain_len, count);
	assert_memory_equal(t->chain, ids, count * sizeof(*ids));
}

/* Who was moved although it is as fast as the others is not held up by who is slow, whichever of
 * them was moved first. */
static void test_tail(void **state)
{
	static const double rate[] = {10, 10, 10, 10}, third[] = {10, 10, 2.5, 10};
	struct topology t;
	struct verdict v;
	int64_t now;

	(void)state;
	fill(&t, 4);
	now = play(&t, rate, 0, 1000);
	topology_demote(&t, 3, true, now);
	assert_chain(&t, (uint32_t[]){1, 2, 4, 3}, 4);
	now = play(&t, third, now, 1500);
	topology_demote(&t, 2, true, now); /* has more than 3, which has fallen behind */
	assert_chain(&t, (uint32_t[]){1, 4, 2, 3}, 4);
	topology_demote(&t, 1, false, now); /* was complained about */
	assert_chain(&t, (uint32_t[]){4, 2, 3, 1}, 4);
	topology_free(&t);

	fill(&t, 4);
	now = play(&t, rate, 0, 1000);
	topology_demote(&t, 2, true, now);
	topology_demote(&t, 3, true, now);
	assert_chain(&t, (uint32_t[]){1, 4, 2, 3}, 4);
	topology_demote(&t, 2, true, now);
	assert_chain(&t, (uint32_t[]){1, 4, 3, 2}, 4);
	now = play(&t, (double[]){10, 2.5, 2.5, 10}, now, 1500);
	v = topology_judge(&t, &limits, now); /* 3 holds up 2 */
	assert_int_equal(v.kind, VERDICT_DEMOTE);
	assert_true(v.is_slow);
	assert_int_equal(v.id, 3);
	topology_free(&t);
}

/* Who has data goes on taking it from where it does, until a newcomer before it has as much. */
static void test_newcomer_before_the_tail(void **state)
{
	static const double rate[] = {10, 10, 10}, later[] = {10, 2.5, 10, 30};
	struct ring_address a = {.port = 1};
	struct topology t;
	int64_t now;

	(void)state;
	fill(&t, 3);
	now = play(&t, rate, 0, 2000);
	topology_demote(&t, 2, true, now);
	assert_int_equal(topology_source(&t, 2, now), 3);
	topology_member(&t, 2)->told = 3;
	topology_join(&t, "n4", &a, UINT32_MAX, 0, now);
	assert_int_equal(topology_predecessor(&t, 2), 4);
	assert_int_equal(topology_source(&t, 2, now), 3);
	assert_int_equal(topology_source(&t, 4, now), 3);
	now = play(&t, later, now, 1000);
	assert_int_equal(topology_source(&t, 2, now), 4);
	topology_member(&t, 4)->received = 0;
	topology_demote(&t, 3, false, now); /* now it comes after 2 */
	assert_int_equal(topology_source(&t, 2, now), 4);
	topology_free(&t);
}

/* Its predecessor has everything: it is slow all the same. */
static void test_choked_at_the_end(void **state)
{
	struct topology t;
	bool seen = false;

	(void)state;
	fill(&t, 3);
	t.length = (uint64_t)(10 * MB);
	for (int i = 1; i <= 48 && !seen; i++) {
		double have = i < 40 ? i * MB / 4 : 10 * MB, given = i < 38 ? have : 9.25 * MB;
		struct ring_beat b = {.count = 1, .children = {{.id = 2}}};

		if (i >= 38)
			given += (i - 38) * MB / 20;
		b.received = (uint64_t)have;
		b.children[0].sent = (uint64_t)(given - 1.5 * MB);
		topology_beat(&t, 1, &b, i * 50);
		b = (struct ring_beat){.attached = 1, .received = (uint64_t)(given - 1.5 * MB)};
		topology_beat(&t, 2, &b, i * 50);
		b.attached = 2;
		topology_beat(&t, 3, &b, i * 50);
		seen = i > 40 && topology_judge(&t, &limits, i * 50).kind == VERDICT_DEMOTE;
	}
	assert_true(seen);
	topology_free(&t);
}

/* Member 1 receives 5 MB/s and gives member 2 given[i] MB/s in the i-th of some intervals of 50 ms;
 * member 3 is so many bytes behind 2, and makes up for so many a second. When that is seen, in ms,
 * or -1. */
static int64_t feed(const double *given, size_t count, double behind, double made_up)
{
	struct topology t;
	int64_t now = 0, seen = -1;
	double have = 0, gone = 0;

	fill(&t, 3);
	for (size_t i = 0; i < 20 + count && seen < 0; i++) {
		struct ring_beat b = {.count = 1, .children = {{.id = 2}}};

		now += 50;
		have += 5 * MB / 20;
		gone += (i < 20 ? 5 : given[i - 20]) * MB / 20;
		b.received = (uint64_t)have;
		b.children[0].sent = (uint64_t)gone;
		topology_beat(&t, 1, &b, now);
		b = (struct ring_beat){.attached = 1, .received = (uint64_t)gone};
		topology_beat(&t, 2, &b, now);
		b.attached = 2;
		behind -= made_up / 20;
		b.received = gone > behind ? (uint64_t)(gone - behind) : 0;
		topology_beat(&t, 3, &b, now);
		if (topology_judge(&t, &limits, now).kind == VERDICT_DEMOTE)
			seen = now - 20 * 50;
	}
	topology_free(&t);
	return seen;
}

static void test_choked_is_seen_early(void **state)
{
	static const double quarter[10] = {1.25, 1.25, 1.25, 1.25, 1.25,
					   1.25, 1.25, 1.25, 1.25, 1.25},
			    uneven[10] = {2.7, 0, 2.4, 0.8, 2.7, 0, 2.4, 0.8, 2.7, 0},
			    stall[10] = {1, 0, 0, 0, 0, 0, 5, 5, 5, 5},
			    jerky[10] = {1, 0, 9, 1, 0, 9, 1, 0, 9, 1};
	int64_t seen;

	(void)state;
	seen = feed(quarter, 10, 0, 0);
	assert_true(seen > 0 && seen <= 400);
	assert_int_equal(feed(quarter, 10, 4 * MB, 1.5 * MB), -1); /* 3 has to make up */
	seen = feed(quarter, 10, 2 * MB, 0); /* who is slow to 3, too, never lets it catch up */
	assert_true(seen > 0 && seen <= 600);
	seen = feed(uneven, 10, 0, 0);
	assert_true(seen > 0 && seen <= 400);
	assert_int_equal(feed(stall, 10, 0, 0), -1);
	assert_int_equal(feed(jerky, 10, 0, 0), -1);
}

static void test_last_may_be_slow(void **state)
{
	static const double rate[] = {10, 10, 2};
	struct topology t;

	(void)state;
	fill(&t, 3);
	assert_int_equal(topology_judge(&t, &limits, play(&t, rate, 0, 3000)).kind, VERDICT_NONE);
	topology_free(&t);
}

static void test_no_progress(void **state)
{
	static const double rate[] = {10, 0, 0};
	struct topology t;
	struct verdict v;

	(void)state;
	fill(&t, 3);
	v = topology_judge(&t, &limits, play(&t, rate, 0, 10200));
	assert_int_equal(v.kind, VERDICT_DROP);
	assert_int_equal(v.id, 2); /* not 3, which has nothing to take */
	topology_free(&t);
}

static void test_return(void **state)
{
	struct ring_address a = {.port = 1};
	struct topology t;
	struct member *m;

	(void)state;
	fill(&t, 3);
	topology_remove(&t, 2, MEMBER_DROPPED, "silent", 5);
	m = topology_join(&t, "n2", &a, UINT32_MAX, 2, 9);
	assert_int_equal(m->id, 4);
	assert_int_equal(m->former, 2);
	assert_int_equal(topology_predecessor(&t, 4), 3);
	assert_int_equal(topology_tally(&t).dropped, 0);
	assert_int_equal(topology_tally(&t).alive, 3);
	topology_free(&t);
}

static void test_complaints(void **state)
{
	struct topology t;
	struct verdict v;

	(void)state;
	fill(&t, 4);
	v = topology_complaint(&t, 3, 2, "silent");
	assert_int_equal(v.kind, VERDICT_DEMOTE);
	assert_int_equal(v.id, 2);
	topology_complaint(&t, 3, 1, "silent");
	v = topology_complaint(&t, 3, 4, "silent");
	assert_int_equal(v.kind, VERDICT_DROP);
	assert_int_equal(v.id, 3);
	assert_int_equal(topology_complaint(&t, 99, 1, "x").kind, VERDICT_NONE);
	topology_free(&t);
}

/* Ids are not given twice: a master that runs for ever ends when it has many behind it and nobody
 * has been there for a while. */
static void test_worn(void **state)
{
	const int64_t later = 600001;
	struct topology t;

	(void)state;
	fill(&t, 999);
	for (uint32_t id = 1; id <= 999; id++)
		topology_remove(&t, id, id % 2 ? MEMBER_RELEASED : MEMBER_DROPPED, "", 0);
	assert_false(topology_is_worn(&t, later));
	assert_int_equal(add(&t, "last", UINT32_MAX, 0), 1000);
	assert_false(topology_is_worn(&t, later)); /* it is active */
	topology_member(&t, 1000)->state = MEMBER_DONE;
	assert_false(topology_is_worn(&t, later)); /* and now it serves */
	topology_remove(&t, 1000, MEMBER_RELEASED, "", 1000);
	assert_false(topology_is_worn(&t, later));
	assert_true(topology_is_worn(&t, later + 1000));
	topology_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_order_of_hosts),
		cmocka_unit_test(test_silence_names_exactly_one),
		cmocka_unit_test(test_slow_is_moved),
		cmocka_unit_test(test_blame),
		cmocka_unit_test(test_moved_leaves_its_link),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_newcomer_before_the_tail),
		cmocka_unit_test(test_choked_at_the_end),
		cmocka_unit_test(test_choked_is_seen_early),
		cmocka_unit_test(test_last_may_be_slow),
		cmocka_unit_test(test_no_progress),
		cmocka_unit_test(test_return),
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_worn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
