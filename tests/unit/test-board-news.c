/* What of the board is new since a version: whoever applies it to what he has, has what there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-tools/lib/board-news.h"

#define NODES 6

static struct board board;
static struct board_news news;

static void group(const char *node, char *buf, size_t len, void *arg)
{
	(void)arg;
	snprintf(buf, len, "%s", strcmp(node, "n0") ? "rack" : "");
}

static int set_up(void **arg)
{
	char *names[NODES] = {"n0", "n1", "n2", "n3", "n4", "n5"};

	(void)arg;
	board_init(&board, names, NODES);
	news = (struct board_news){.site = "51"};
	news_begin(&news, &board, group, NULL);
	return 0;
}

static int tear_down(void **arg)
{
	(void)arg;
	news_free(&news);
	board_free(&board);
	return 0;
}

static struct state_node running(int number, uint64_t bytes, int64_t seen)
{
	struct state_node n = {.bytes = bytes, .total = 9000, .last_seen = seen};

	snprintf(n.name, sizeof(n.name), "n%d", number);
	snprintf(n.install, sizeof(n.install), "i%d", number);
	snprintf(n.status, sizeof(n.status), "running");
	snprintf(n.module, sizeof(n.module), "extrbase");
	return n;
}

static void take(struct state_node n)
{
	board_take(&board, &n);
}

static void read_at(int64_t now)
{
	board_begin(&board, now, now * 1000);
	board_arrange(&board);
	news_take(&news, &board, news.waiting);
}

static json_t *since(uint64_t from, bool *whole)
{
	struct strbuf text = STRBUF_INIT;
	json_t *doc;

	news_write(&news, &board, from, &text, whole);
	assert_int_equal(text.error, 0);
	doc = json_loads(text.buf, 0, NULL);
	assert_non_null(doc);
	strbuf_free(&text);
	return doc;
}

static int64_t number(const json_t *doc, const char *list, size_t i)
{
	return json_integer_value(json_array_get(json_object_get(doc, list), i));
}

static size_t length(const json_t *doc, const char *list)
{
	return json_array_size(json_object_get(doc, list));
}

static void the_whole_of_it(void **arg)
{
	const json_t *node;
	bool whole;
	json_t *doc;

	(void)arg;
	take(running(1, 100, 1000));
	read_at(1001);
	doc = since(0, &whole);
	assert_true(whole);
	assert_int_equal(length(doc, "nodes"), NODES);
	assert_null(json_object_get(doc, "progress"));
	node = json_array_get(json_object_get(doc, "nodes"), 0);
	assert_null(json_object_get(node, "group"));
	assert_string_equal(json_string_value(json_object_get(node, "state")), "new");
	node = json_array_get(json_object_get(doc, "nodes"), 1);
	assert_string_equal(json_string_value(json_object_get(node, "group")), "rack");
	assert_string_equal(json_string_value(json_object_get(node, "state")), "installing");
	assert_int_equal(json_integer_value(json_object_get(node, "done")), 100);
	assert_int_equal(json_integer_value(json_object_get(node, "seen")), 1000);
	json_decref(doc);
}

static void progress_alone_is_numbers(void **arg)
{
	uint64_t from;
	bool whole;
	json_t *doc;

	(void)arg;
	take(running(1, 100, 1000));
	take(running(2, 100, 1000));
	read_at(1001);
	from = news.version;
	take(running(2, 300, 1002));
	read_at(1003);
	assert_int_equal(news.version, from + 1);
	doc = since(from, &whole);
	assert_false(whole);
	assert_int_equal(length(doc, "nodes"), 0);
	assert_int_equal(length(doc, "progress"), 5);
	assert_int_equal(number(doc, "progress", 0), 2);
	assert_int_equal(number(doc, "progress", 1), 300);
	assert_int_equal(number(doc, "progress", 4), 1002);
	json_decref(doc);
}

static void nothing_new_is_no_version(void **arg)
{
	uint64_t from;
	bool whole;
	json_t *doc;

	(void)arg;
	take(running(1, 100, 1000));
	read_at(1001);
	from = news.version;
	take(running(1, 100, 1000));
	read_at(1002);
	assert_int_equal(news.version, from);
	doc = since(from, &whole);
	assert_false(whole);
	assert_int_equal(length(doc, "nodes") + length(doc, "progress"), 0);
	json_decref(doc);
}

/* A node whose texts became other ones before its numbers did is told once, as it is now. */
static void many_versions_at_once(void **arg)
{
	struct state_node failed = running(3, 500, 1004);
	const json_t *node;
	uint64_t from;
	bool whole;
	json_t *doc;

	(void)arg;
	for (int i = 0; i < 4; i++)
		take(running(i, 100, 1000));
	read_at(1001);
	from = news.version;
	take(running(1, 200, 1002));
	read_at(1002);
	snprintf(failed.status, sizeof(failed.status), "failed");
	snprintf(failed.message, sizeof(failed.message), "\"<b>\\");
	take(failed);
	read_at(1004);
	take(running(1, 300, 1005));
	failed.last_seen = 1006;
	take(failed);
	read_at(1006);
	doc = since(from, &whole);
	assert_false(whole);
	assert_int_equal(length(doc, "progress"), 5);
	assert_int_equal(number(doc, "progress", 0), 1);
	assert_int_equal(number(doc, "progress", 1), 300);
	assert_int_equal(length(doc, "nodes"), 1);
	node = json_array_get(json_object_get(doc, "nodes"), 0);
	assert_string_equal(json_string_value(json_object_get(node, "name")), "n3");
	assert_string_equal(json_string_value(json_object_get(node, "state")), "failed");
	assert_string_equal(json_string_value(json_object_get(node, "message")), "\"<b>\\");
	assert_int_equal(json_integer_value(json_object_get(node, "seen")), 1006);
	json_decref(doc);
}

static void another_list_is_the_whole(void **arg)
{
	uint64_t from;
	bool whole;

	(void)arg;
	read_at(1001);
	from = news.version;
	news_begin(&news, &board, group, NULL);
	read_at(1002);
	json_decref(since(from, &whole));
	assert_true(whole);
	json_decref(since(news.version, &whole));
	assert_false(whole);
}

static void machines_that_wait_are_new_too(void **arg)
{
	uint64_t from;
	bool whole;
	json_t *doc;

	(void)arg;
	read_at(1001);
	from = news.version;
	news_take(&news, &board, 3);
	assert_int_equal(news.version, from + 1);
	doc = since(from, &whole);
	assert_int_equal(json_integer_value(json_object_get(doc, "waiting")), 3);
	json_decref(doc);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_whole_of_it),		 TEST(progress_alone_is_numbers),
		TEST(nothing_new_is_no_version), TEST(many_versions_at_once),
		TEST(another_list_is_the_whole), TEST(machines_that_wait_are_new_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
