/* Which plans want the same work: those that differ in nothing but what is new in each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "modules/lib/journal.h"

static const char first[] =
	"lucie-plan 1\nsite 0123456789abcdef\nnode n1\ninstall a\nnonce 00\n"
	"token 11\ntime 1\nwipe yes\nmodules partition\n[layout]\ndisk d disk1\n"
	"[configure]\nhostname n1\nidentity AAAA\n";

static void work_of(const char *text, char work[STAMP_WORK_TEXT])
{
	struct plan plan;
	char why[160];

	assert_int_equal(plan_parse(&plan, text, strlen(text), why, sizeof(why)), 0);
	assert_int_equal(journal_work(&plan, work), 0);
	plan_free(&plan);
}

static void what_is_new_in_each_plan_does_not_count(void **state)
{
	char a[STAMP_WORK_TEXT], b[STAMP_WORK_TEXT];

	(void)state;
	work_of(first, a);
	work_of("lucie-plan 1\nsite 0123456789abcdef\nnode n1\ninstall b\nresume a\nnonce 22\n"
		"token 33\ntime 2\nmodules partition\n[layout]\ndisk d disk1\n"
		"[configure]\nhostname n1\nidentity BBBB\n",
		b);
	assert_string_equal(a, b);
}

static void everything_else_counts(void **state)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
		{"node n1", "node n2"},		{"disk1", "disk2"},	{"[layout]", "[layout2]"},
		{"hostname n1", "hostname n2"}, {"site 01", "site 11"}, {"partition\n", "mount\n"},
	};
	char a[STAMP_WORK_TEXT], b[STAMP_WORK_TEXT], text[sizeof(first) + 16];

	(void)state;
	work_of(first, a);
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		const char *at = strstr(first, changes[i].from);

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - first), first, changes[i].to,
			 at + strlen(changes[i].from));
		work_of(text, b);
		assert_string_not_equal(a, b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_new_in_each_plan_does_not_count),
		cmocka_unit_test(everything_else_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
