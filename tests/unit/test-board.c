/* The live board without a terminal: cells that keep their width whatever is in them, groups and
 * order of nodes, rates, lines. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-tools/lib/board.h"
#include "host-tools/lib/cells.h"
#include "host-tools/lib/screen.h"

static void assert_cell(const char *text, size_t columns, const char *wanted, size_t used)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;

	assert_int_equal(cell_add(&out, text, columns), used);
	assert_string_equal(out.buf ? out.buf : "", wanted);
}

static void cells_keep_their_width(void **arg)
{
	(void)arg;
	assert_cell("mount", 5, "mount", 5);
	assert_cell("mounted", 5, "moun~", 5);
	assert_cell("mounted", 1, "~", 1);
	assert_cell("mounted", 0, "", 0);
	assert_cell("", 4, "", 0);
	assert_cell("\xe6\xbc\xa2\xe5\xad\x97", 4, "\xe6\xbc\xa2\xe5\xad\x97", 4);
	assert_cell("\xe6\xbc\xa2\xe5\xad\x97", 3, "\xe6\xbc\xa2~", 3);
	assert_cell("\xe6\xbc\xa2\xe5\xad\x97", 2, "~", 1);
}

static void nothing_obeys_a_cell(void **arg)
{
	(void)arg;
	assert_cell("a\033[2Jb\nc\td\x7f", 20, "a?[2Jb?c?d?", 11);
	assert_cell("\xc2\x9b"
		    "2J",
		    20, "?2J", 3);
	assert_cell("bad \xff\xfe utf", 20, "bad ?? utf", 10);
	assert_cell("cut \xe6\xbc", 20, "cut ??", 6);
	/* Right-to-left override, a combining accent. */
	assert_cell("\xe2\x80\xae"
		    "cba",
		    20, "?cba", 4);
	assert_cell("e\xcc\x81", 20, "e?", 2);
}

static void durations_and_sizes_are_short(void **arg)
{
	char buf[CELL_TEXT];

	(void)arg;
	assert_string_equal(cell_duration(-5, buf), "0s");
	assert_string_equal(cell_duration(59, buf), "59s");
	assert_string_equal(cell_duration(725, buf), "12m05s");
	assert_string_equal(cell_duration(86399, buf), "23h59m");
	assert_string_equal(cell_duration(86400 * 12, buf), "12d");
	assert_string_equal(cell_duration(INT64_MAX, buf), "ages");
	assert_string_equal(cell_size(0, buf), "0");
	assert_string_equal(cell_size(1023, buf), "1023");
	assert_string_equal(cell_size(1024, buf), "1.0K");
	assert_string_equal(cell_size(10 * 1024 - 1, buf), "10K");
	assert_string_equal(cell_size(1024 * 1024 - 1, buf), "1.0M");
	assert_string_equal(cell_size(UINT64_MAX, buf), "16E");
}

static char *names[] = {"n1", "n2", "n3", "n4", "n5", "n6"};

static struct state_node node(const char *name, const char *status, int64_t last_seen)
{
	struct state_node n = {.last_seen = last_seen, .attempts = 1};

	snprintf(n.name, sizeof(n.name), "%s", name);
	snprintf(n.status, sizeof(n.status), "%s", status);
	snprintf(n.install, sizeof(n.install), "i-%s", name);
	return n;
}

static void take(struct board *b, struct state_node n)
{
	board_take(b, &n);
}

static void failed_first_then_the_silent(void **arg)
{
	_cleanup_strbuf_ struct strbuf order = STRBUF_INIT;
	struct state_node armed = node("n2", "installed", 500), held = node("n1", "running", 998);
	struct board b;

	(void)arg;
	board_init(&b, names, 6);
	board_begin(&b, 1000, 0);
	snprintf(held.held, sizeof(held.held), "mount");
	take(&b, held);
	snprintf(armed.armed, sizeof(armed.armed), "full");
	armed.attempts = 0;
	take(&b, armed);
	take(&b, node("n3", "running", 999));
	take(&b, node("n4", "running", 970));
	take(&b, node("n5", "failed", 100));
	take(&b, node("stranger", "failed", 100));
	board_arrange(&b);
	for (size_t i = 0; i < b.count; i++)
		strbuf_addf(&order, "%s ", b.order[i]->node.name);
	assert_string_equal(order.buf, "n5 n1 n4 n3 n2 n6 ");
	for (int g = 0; g < BOARD_GROUPS; g++)
		assert_int_equal(b.groups[g], g == BOARD_RUNNING ? 2 : g != BOARD_INSTALLED);
	/* Among those that are heard of all the time, the order stays. */
	take(&b, node("n3", "running", 995));
	take(&b, node("n4", "running", 998));
	board_arrange(&b);
	assert_string_equal(b.order[2]->node.name, "n3");
	board_free(&b);
}

static struct state_node position(const char *module, uint64_t bytes, uint64_t total)
{
	struct state_node n = node("n1", "running", 1000);

	snprintf(n.module, sizeof(n.module), "%s", module);
	n.bytes = bytes;
	n.total = total;
	return n;
}

static void at(struct board *b, int64_t ms, struct state_node n)
{
	board_begin(b, 1000 + ms / 1000, ms);
	board_take(b, &n);
	board_arrange(b);
}

static void rates_are_of_the_last_seconds(void **arg)
{
	struct board b;

	(void)arg;
	board_init(&b, names, 1);
	at(&b, 0, position("extrbase", 0, 1000000));
	assert_int_equal(board_rate(&b, b.rows), 0);
	assert_int_equal(board_eta(&b, b.rows), -1);
	for (int64_t ms = 500; ms <= 40000; ms += 500)
		at(&b, ms, position("extrbase", (uint64_t)ms * 10, 1000000));
	assert_int_equal(board_rate(&b, b.rows), 10000);
	assert_int_equal(board_eta(&b, b.rows), 60);
	for (int64_t ms = 40500; ms <= 60000; ms += 500)
		at(&b, ms, position("extrbase", 400000, 1000000));
	assert_int_equal(board_rate(&b, b.rows), 0);
	assert_int_equal(board_eta(&b, b.rows), -1);
	at(&b, 60500, position("install", 10, 1000000));
	assert_int_equal(b.rows->sample_count, 1);
	at(&b, 61000, position("install", 3, 9));
	at(&b, 65000, position("install", 4, 9));
	assert_int_equal(board_rate(&b, b.rows), 0);
	board_free(&b);
}

static void assert_line(struct board *b, size_t columns, const char *wanted)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;

	board_line(b, b->rows, &out, columns, false);
	while (out.len && out.buf[out.len - 1] == ' ')
		out.buf[--out.len] = '\0';
	assert_string_equal(out.buf, wanted);
}

static void lines_at_80_columns(void **arg)
{
	struct state_node n = node("n1", "failed", 900);
	struct board b;

	(void)arg;
	board_init(&b, names, 1);
	at(&b, 0, position("extrbase", 0, 1ull << 30));
	at(&b, 4000, position("extrbase", 512ull << 20, 1ull << 30));
	assert_line(&b, 80, "n1   installing extrbase    4s      50%  512M/1.0G  128M/s  4s");
	snprintf(n.module, sizeof(n.module), "partition");
	snprintf(n.message, sizeof(n.message), "foreign data\n on '/dev/sda'");
	at(&b, 5000, n);
	assert_line(&b, 80, "n1   failed     partition   1m45s  foreign data? on '/dev/sda'");
	assert_line(&b, 20, "n1   failed     par~");
	board_free(&b);
}

/* Whatever a node sends and however narrow the terminal is, a line is as wide as that. */
static void lines_keep_to_their_width(void **arg)
{
	struct state_node n = position("a-module-with-a-very-long-name", UINT64_MAX, 1 << 20);
	struct board b;

	(void)arg;
	board_init(&b, names, 1);
	memset(n.message, 'x', sizeof(n.message) - 1);
	at(&b, 0, n);
	for (size_t columns = 1; columns < 300; columns++) {
		_cleanup_strbuf_ struct strbuf line = STRBUF_INIT, title = STRBUF_INIT,
					       counts = STRBUF_INIT;

		board_line(&b, b.rows, &line, columns, false);
		board_titles(&b, &title, columns);
		board_counts(&b, &counts, columns);
		assert_int_equal(line.len, columns);
		assert_int_equal(title.len, columns);
		assert_int_equal(counts.len, columns);
	}
	board_free(&b);
}

static void assert_key(const char *input, enum screen_key key, size_t used)
{
	size_t n = 99;

	assert_int_equal(screen_key_parse(input, strlen(input), &n), key);
	assert_int_equal(n, used);
}

static void keys_come_in_pieces(void **arg)
{
	(void)arg;
	assert_key("q", SCREEN_QUIT, 1);
	assert_key("\033[Aq", SCREEN_UP, 3);
	assert_key("\033OB", SCREEN_DOWN, 3);
	assert_key("\033[6~", SCREEN_PAGE_DOWN, 4);
	assert_key("\033[", SCREEN_NONE, 0);
	assert_key("\033[6", SCREEN_NONE, 0);
	assert_key("\033[6x", SCREEN_NONE, 1);
	assert_key("x", SCREEN_NONE, 1);
	assert_key("", SCREEN_NONE, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_keep_their_width),
		cmocka_unit_test(nothing_obeys_a_cell),
		cmocka_unit_test(durations_and_sizes_are_short),
		cmocka_unit_test(failed_first_then_the_silent),
		cmocka_unit_test(rates_are_of_the_last_seconds),
		cmocka_unit_test(lines_at_80_columns),
		cmocka_unit_test(lines_keep_to_their_width),
		cmocka_unit_test(keys_come_in_pieces),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
