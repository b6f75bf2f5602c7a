/* init/lib/plan-format.c: what the reader takes and refuses, and that it reads what the writer
 * writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/plan-format.h"

static char why[160];

static int parse(struct plan *p, const char *text)
{
	return plan_parse(p, text, strlen(text), why, sizeof(why));
}

static void refused(const char *text, const char *reason)
{
	struct plan p;

	assert_int_equal(parse(&p, text), -EINVAL);
	assert_string_equal(why, reason);
	assert_null(p.text);
	plan_free(&p);
}

static void reads_what_it_writes(void **state)
{
	static char long_value[1000];
	struct strbuf b = STRBUF_INIT;
	struct plan p;

	(void)state;
	memset(long_value, 'x', sizeof(long_value) - 1);
	plan_write_start(&b);
	plan_write(&b, "node", "cnode00");
	plan_write(&b, "empty", "");
	plan_writef(&b, "server", "http://%s:%d", "10.0.0.1", 8077);
	plan_writef(&b, "server", "%s", long_value);
	plan_write_section(&b, "layout");
	plan_write(&b, "disk", "  two blanks before");
	plan_write_section(&b, "hello-2");
	assert_int_equal(b.error, 0);
	assert_int_equal(plan_parse(&p, b.buf, b.len, why, sizeof(why)), 0);
	assert_int_equal(p.count, 3);
	assert_string_equal(plan_head(&p, "node"), "cnode00");
	assert_string_equal(plan_head(&p, "empty"), "");
	assert_string_equal(plan_head(&p, "server"), "http://10.0.0.1:8077");
	assert_null(plan_head(&p, "disk"));
	assert_string_equal(plan_get(plan_section(&p, "layout"), "disk"), "  two blanks before");
	assert_int_equal(plan_section(&p, "hello-2")->count, 0);
	assert_null(plan_section(&p, "nosuch"));
	plan_free(&p);
	strbuf_free(&b);
}

static void repeated_keys_in_order(void **state)
{
	struct plan p;
	unsigned int n = 0;

	(void)state;
	assert_int_equal(parse(&p, PLAN_VERSION_LINE "\n\n[a]\nk 1\nother 2\nk 3\n"), 0);
	plan_for_each (line, plan_section(&p, "a"), "k") {
		assert_string_equal(line->value, n ? "3" : "1");
		assert_int_equal(line->number, n ? 6 : 4);
		n++;
	}
	assert_int_equal(n, 2);
	n = 0;
	plan_for_each (line, plan_section(&p, "a"), NULL)
		n++;
	assert_int_equal(n, 3);
	plan_for_each (line, NULL, "k")
		fail();
	plan_free(&p);
}

static void bad_plans(void **state)
{
	struct plan p;

	(void)state;
	refused("", "line 1: empty");
	refused("lucie-plan 2\n", "line 1: not a plan of this version ('lucie-plan 1')");
	refused("lucie-plan 1", "line 1: the end of the line is missing");
	refused("lucie-plan 1\nnode a", "line 2: the end of the line is missing");
	refused("lucie-plan 1\nNode a\n", "line 2: 'Node' cannot be a key");
	refused("lucie-plan 1\n node a\n", "line 2: '' cannot be a key");
	refused("lucie-plan 1\nnode \n", "line 2: nothing after the blank of 'node'");
	refused("lucie-plan 1\nnode a\tb\n", "line 2: a control character, or not UTF-8");
	refused("lucie-plan 1\nnode \xff\n", "line 2: a control character, or not UTF-8");
	refused("lucie-plan 1\n[a\n", "line 2: a section without its ']'");
	refused("lucie-plan 1\n[]\n", "line 2: '' cannot name a section");
	refused("lucie-plan 1\n[../x]\n", "line 2: '../x' cannot name a section");
	refused("lucie-plan 1\n[a]\n[b]\n[a]\n", "line 4: section 'a' for the second time");
	assert_int_equal(plan_parse(&p, "lucie-plan 1\n\0", 14, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "a NUL byte in the text");
	assert_int_equal(plan_parse(&p, "", PLAN_MAX + 1, why, sizeof(why)), -EFBIG);
}

static void blobs_have_urls(void **state)
{
	static const char *const texts[] = {
		"lucie-plan 1\nserver http://s:1\nserver http://t\n",
		"lucie-plan 1\nserver http://s:1\nblobs http://m/x\nblobs http://s:1/blob\n",
	};
	static const char *const expected[][2] = {
		{"http://s:1/blob/root", "http://t/blob/root"},
		{"http://m/x/root", "http://s:1/blob/root"},
	};
	char *urls[3];
	struct plan p;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(plan_parse(&p, texts[i], strlen(texts[i]), why, sizeof(why)), 0);
		assert_int_equal(plan_blob_urls(&p, "root", urls, 3), 2);
		for (size_t j = 0; j < 2; j++) {
			assert_string_equal(urls[j], expected[i][j]);
			free(urls[j]);
		}
		assert_int_equal(plan_blob_urls(&p, "root", urls, 1), 1);
		free(urls[0]);
		plan_free(&p);
	}
	assert_int_equal(plan_parse(&p, "lucie-plan 1\n", 13, why, sizeof(why)), 0);
	assert_int_equal(plan_blob_urls(&p, "root", urls, 3), 0);
	plan_free(&p);
}

static void writer_refuses_what_reader_would(void **state)
{
	static const char *const bad_values[] = {"a\nb", "a\rb", "\x1b", "\xff"};
	struct strbuf b = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
		plan_write(&b, "key", bad_values[i]);
		assert_int_equal(b.error, -EINVAL);
		strbuf_reset(&b);
	}
	plan_write(&b, "Key", "v");
	assert_int_equal(b.error, -EINVAL);
	strbuf_reset(&b);
	plan_write_section(&b, "a]");
	assert_int_equal(b.error, -EINVAL);
	strbuf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(repeated_keys_in_order),
		cmocka_unit_test(bad_plans),
		cmocka_unit_test(blobs_have_urls),
		cmocka_unit_test(writer_refuses_what_reader_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
