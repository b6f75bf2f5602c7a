/* init/lib/lines.c: lines out of any bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "init/lib/lines.h"
#include "init/lib/str.h"

static struct strbuf got;

static void keep(char *line, void *arg)
{
	(void)arg;
	strbuf_addf(&got, "%s|", line);
}

static void add(struct lines *l, const char *data)
{
	lines_add(l, data, strlen(data), keep, NULL);
}

static void pieces_and_ends(void **state)
{
	struct lines l = {.len = 0};

	(void)state;
	add(&l, "on");
	add(&l, "e\ntwo\n\n\r\nthr");
	add(&l, "ee\r10%\r20%");
	lines_end(&l, keep, NULL);
	lines_end(&l, keep, NULL);
	assert_string_equal(got.buf, "one|two|three|10%|20%|");
	strbuf_reset(&got);
	lines_add(&l, "a\0b\n", 4, keep, NULL);
	assert_string_equal(got.buf, "a?b|");
	strbuf_reset(&got);
}

static void long_lines_are_cut(void **state)
{
	static char data[3 * LINES_MAX];
	struct lines l = {.len = 0};

	(void)state;
	memset(data, 'x', sizeof(data));
	lines_add(&l, data, sizeof(data), keep, NULL);
	lines_add(&l, data, sizeof(data), keep, NULL);
	add(&l, "\nnext\n");
	assert_int_equal(got.len, LINES_MAX - 1 + 1 + strlen("next|"));
	assert_string_equal(got.buf + got.len - 7, "x|next|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_and_ends),
		cmocka_unit_test(long_lines_are_cut),
	};
	int ret = cmocka_run_group_tests(tests, NULL, NULL);

	strbuf_free(&got);
	return ret;
}
