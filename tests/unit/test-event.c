/* init/lib/event.c: every kind survives the way, and nothing but the schema is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "init/lib/event.h"

static char why[160];

static void same_after_the_way(const struct event *e)
{
	struct strbuf b = STRBUF_INIT;
	struct event got;

	assert_int_equal(event_encode(&b, e), 0);
	assert_true(b.len <= EVENT_LINE_MAX);
	assert_int_equal(b.buf[b.len - 1], '\n');
	assert_int_equal(event_decode(&got, b.buf, b.len, why, sizeof(why)), 0);
	assert_memory_equal(&got, e, sizeof(got));
	strbuf_free(&b);
}

static struct event event_of(enum event_kind kind)
{
	struct event e;

	memset(&e, 0, sizeof(e));
	e.kind = kind;
	e.seq = 1;
	e.t = 12345;
	strcpy(e.install, "i-1");
	strcpy(e.mac, "52:54:00:12:34:56");
	return e;
}

static void every_kind(void **state)
{
	struct event e;

	(void)state;
	e = event_of(EVENT_START);
	same_after_the_way(&e);
	e = event_of(EVENT_PROGRESS);
	strcpy(e.module, "extrbase");
	e.bytes = INT64_MAX;
	e.total = INT64_MAX;
	strcpy(e.message, "unpacking \"\\ \xc3\xbc");
	same_after_the_way(&e);
	e = event_of(EVENT_LOG);
	strcpy(e.level, "warn");
	same_after_the_way(&e);
	e = event_of(EVENT_END);
	e.ok = 1;
	e.millis = 99;
	same_after_the_way(&e);
	e = event_of(EVENT_REPORT);
	same_after_the_way(&e);
	e = event_of(EVENT_HOLD);
	same_after_the_way(&e);
	e = event_of(EVENT_HOST_KEY);
	same_after_the_way(&e);
}

static void longest_message_fits(void **state)
{
	struct event e = event_of(EVENT_LOG);

	(void)state;
	strcpy(e.level, "info");
	memset(e.message, '"', sizeof(e.message) - 1);
	memset(e.module, 'm', 63);
	memset(e.install, 'i', 63);
	e.seq = (uint64_t)INT64_MAX;
	e.t = INT64_MAX;
	same_after_the_way(&e);
}

static void controls_are_made_harmless(void **state)
{
	struct event e = event_of(EVENT_END), got;
	struct strbuf b = STRBUF_INIT;

	(void)state;
	strcpy(e.message, "\x1b[2J\xff\n");
	assert_int_equal(event_encode(&b, &e), 0);
	assert_int_equal(event_decode(&got, b.buf, b.len, why, sizeof(why)), 0);
	assert_string_equal(got.message, "?[2J??");
	strbuf_free(&b);
}

static void outcome_is_the_first_word(void **state)
{
	(void)state;
	assert_string_equal(event_outcome(""), "installed");
	assert_string_equal(event_outcome("mended: '/dev/vda2'"), "installed");
	assert_string_equal(event_outcome("verified: no differences"), "verified");
	assert_string_equal(event_outcome("wiped: 1 disk"), "wiped");
	assert_string_equal(event_outcome("wiped out"), "installed");
}

static void refused(const char *line, const char *reason)
{
	struct event e;

	assert_int_equal(event_decode(&e, line, strlen(line), why, sizeof(why)), -EINVAL);
	if (strncmp(why, reason, strlen(reason)))
		fail_msg("'%s' instead of '%s'", why, reason);
}

#define HEAD "{\"install\":\"a\",\"mac\":\"52:54:00:12:34:56\",\"t\":1,\"module\":\"m\","

static void nothing_but_the_schema(void **state)
{
	static char long_line[EVENT_LINE_MAX + 10];

	(void)state;
	refused("", "not a JSON object");
	refused("[]", "not a JSON object (another type)");
	refused("{", "not a JSON object");
	refused("{}", "'kind' is missing");
	refused("{\"kind\":\"other\"}", "'kind' is missing or not known");
	refused("{\"kind\":\"start\"}", "'install' is missing");
	refused(HEAD "\"seq\":0,\"kind\":\"start\"}", "'seq' starts at 1");
	refused(HEAD "\"seq\":-1,\"kind\":\"start\"}", "'seq' is negative");
	refused(HEAD "\"seq\":1.0,\"kind\":\"start\"}", "'seq' is not a whole number");
	refused(HEAD "\"seq\":\"1\",\"kind\":\"start\"}", "'seq' is not a whole number");
	refused(HEAD "\"seq\":1,\"kind\":\"start\",\"x\":1}", "a key that a 'start' does not have");
	refused(HEAD "\"seq\":1,\"kind\":\"start\",\"ok\":true}",
		"a key that a 'start' does not have");
	refused(HEAD "\"seq\":1,\"seq\":2,\"kind\":\"start\"}", "not a JSON object");
	refused(HEAD "\"seq\":1,\"kind\":\"end\",\"ok\":1,\"millis\":1,\"message\":\"\"}",
		"'ok' is neither");
	refused(HEAD "\"seq\":1,\"kind\":\"log\",\"level\":\"loud\",\"message\":\"\"}",
		"'level' is not known");
	refused(HEAD "\"seq\":1,\"kind\":\"log\",\"level\":\"information\",\"message\":\"\"}",
		"'level' is too long");
	refused(HEAD "\"seq\":1,\"kind\":\"log\",\"level\":\"info\",\"message\":\"\\u001b\"}",
		"'message' has a control");
	refused(HEAD "\"seq\":1,\"kind\":\"log\",\"level\":\"info\",\"message\":\"\\u0000\"}",
		"not a JSON object");
	refused("{\"install\":\"../"
		"a\",\"mac\":\"52:54:00:12:34:56\",\"t\":1,\"module\":\"\",\"seq\":1,\"kind\":"
		"\"start\"}",
		"'install' is not a name");
	refused("{\"install\":\"a\",\"mac\":\"52:54\",\"t\":1,\"module\":\"\",\"seq\":1,\"kind\":"
		"\"start\"}",
		"'mac' is not an address");
	refused("{\"install\":\"a\",\"mac\":\"52:54:00:12:34:56\",\"t\":1,\"module\":\"a/"
		"b\",\"seq\":1,\"kind\":\"start\"}",
		"'module' is not a name");
	memset(long_line, ' ', sizeof(long_line) - 1);
	refused(long_line, "longer than");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind),
		cmocka_unit_test(longest_message_fits),
		cmocka_unit_test(controls_are_made_harmless),
		cmocka_unit_test(outcome_is_the_first_word),
		cmocka_unit_test(nothing_but_the_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
