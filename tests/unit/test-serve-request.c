/* Paths, ranges and the JSON of requests: what is served, and what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-tools/lib/serve-request.h"
#include "init/lib/cleanup.h"

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void routes(void **arg)
{
	static const struct {
		const char *path;
		enum route_kind kind;
		const char *name, *rest;
	} cases[] = {
		{"/v1/plan", ROUTE_PLAN, "", ""},
		{"/v1/events", ROUTE_EVENTS, "", ""},
		{"/v1/alarm", ROUTE_ALARM, "", ""},
		{"/v1/identity", ROUTE_IDENTITY, "", ""},
		{"/blob/" HEX64, ROUTE_BLOB, "", HEX64},
		{"/blob/" HEX64 ".blob", ROUTE_BLOB, "", HEX64 ".blob"},
		{"/boot/vmlinuz", ROUTE_BOOT, "", "vmlinuz"},
		{"/boot/pxelinux.cfg/default", ROUTE_BOOT, "", "pxelinux.cfg/default"},
		{"/packages/local/dists/x/Release", ROUTE_PACKAGES, "local", "dists/x/Release"},
		{"/packages/local/./Release", ROUTE_PACKAGES, "local", "./Release"},
		{"", ROUTE_NONE, "", ""},
		{"/", ROUTE_PAGE, "", ""},
		{"/board", ROUTE_PAGE, "", ""},
		{"/board/page.js", ROUTE_PAGE, "", "page.js"},
		{"/board/", ROUTE_NONE, "", ""},
		{"/board/../key/site.key", ROUTE_NONE, "", ""},
		{"/v1/board", ROUTE_BOARD, "", ""},
		{"/v1/board/stream", ROUTE_STREAM, "", ""},
		{"/v1/history", ROUTE_HISTORY, "", ""},
		{"/v1/machines", ROUTE_MACHINES, "", ""},
		{"/v1/operator", ROUTE_OPERATOR, "", ""},
		{"/v1/operator/arm", ROUTE_ARM, "", ""},
		{"/v1/nodes/n1", ROUTE_NODE, "n1", ""},
		{"/v1/nodes/n1/log", ROUTE_NODE_LOG, "n1", ""},
		{"/v1/nodes/", ROUTE_NONE, "", ""},
		{"/v1/nodes/n1/", ROUTE_NONE, "", ""},
		{"/v1/nodes/n1/plan", ROUTE_NONE, "", ""},
		{"/v1/nodes/../plan", ROUTE_NONE, "", ""},
		{"/v1/nodes/a b", ROUTE_NONE, "", ""},
		{"/v1/nodes/" HEX64, ROUTE_NONE, "", ""},
		{"/v1/plan/", ROUTE_NONE, "", ""},
		{"/v2/plan", ROUTE_NONE, "", ""},
		{"/blob/", ROUTE_NONE, "", ""},
		{"/blob/" HEX64 "0", ROUTE_NONE, "", ""},
		{"/blob/" HEX64 ".key", ROUTE_NONE, "", ""},
		{"/blob/0123", ROUTE_NONE, "", ""},
		{"/blob/../key/site.key", ROUTE_NONE, "", ""},
		{"/boot/", ROUTE_NONE, "", ""},
		{"/boot//etc/passwd", ROUTE_NONE, "", ""},
		{"/boot/../key/site.key", ROUTE_NONE, "", ""},
		{"/boot/a/../../key", ROUTE_NONE, "", ""},
		{"/boot/.hidden", ROUTE_NONE, "", ""},
		{"/boot/a/", ROUTE_NONE, "", ""},
		{"/boot/a\nb", ROUTE_NONE, "", ""},
		{"/packages/local", ROUTE_NONE, "", ""},
		{"/packages/local/", ROUTE_NONE, "", ""},
		{"/packages//etc/passwd", ROUTE_NONE, "", ""},
		{"/packages/../x", ROUTE_NONE, "", ""},
		{"/packages/local/./../x", ROUTE_NONE, "", ""},
		{"/packages/local/./", ROUTE_NONE, "", ""},
		{"/packages/a b/x", ROUTE_NONE, "", ""},
		{"/packages/" HEX64 "/x", ROUTE_NONE, "", ""},
	};
	struct route r;

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		route_parse(&r, cases[i].path);
		assert_int_equal(r.kind, cases[i].kind);
		assert_string_equal(r.rest, cases[i].rest);
		if (r.kind == ROUTE_PACKAGES || r.kind == ROUTE_NODE || r.kind == ROUTE_NODE_LOG)
			assert_string_equal(r.name, cases[i].name);
	}
}

static void ranges(void **arg)
{
	static const struct {
		const char *value;
		uint64_t size;
		int result;
		uint64_t from, len;
	} cases[] = {
		{NULL, 100, 0, 0, 100},
		{"bytes=0-", 100, 1, 0, 100},
		{"bytes=0-0", 100, 1, 0, 1},
		{"bytes=10-19", 100, 1, 10, 10},
		{"bytes=90-200", 100, 1, 90, 10},
		{"bytes=99-", 100, 1, 99, 1},
		{"bytes=-1", 100, 1, 99, 1},
		{"bytes=-200", 100, 1, 0, 100},
		{"bytes=0-18446744073709551615", 100, 1, 0, 100},
		{"bytes=100-", 100, -ERANGE, 0, 0},
		{"bytes=18446744073709551615-", 100, -ERANGE, 0, 0},
		{"bytes=-0", 100, -ERANGE, 0, 0},
		{"bytes=0-", 0, -ERANGE, 0, 0},
		{"bytes=-5", 0, -ERANGE, 0, 0},
		/* Forms that RFC 9110 lets a server ignore. */
		{"bytes=5-4", 100, 0, 0, 100},
		{"bytes=0-1,5-6", 100, 0, 0, 100},
		{"bytes=", 100, 0, 0, 100},
		{"bytes=-", 100, 0, 0, 100},
		{"bytes=a-b", 100, 0, 0, 100},
		{"bytes=99999999999999999999999-", 100, 0, 0, 100},
		{"items=0-1", 100, 0, 0, 100},
	};
	uint64_t from, len;

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int ret = range_parse(cases[i].value, cases[i].size, &from, &len);

		assert_int_equal(ret, cases[i].result);
		if (ret >= 0) {
			assert_int_equal(from, cases[i].from);
			assert_int_equal(len, cases[i].len);
		}
	}
}

#define REQUEST(mac, nonce, key, inventory)                                                        \
	"{\"mac\": \"" mac "\", \"nonce\": \"" nonce "\", \"key\": \"" key                         \
	"\", \"inventory\": " inventory "}"
#define MAC "52:54:00:00:00:01"

static int parse(const char *json, struct plan_request *r)
{
	char why[256] = "";
	int ret = plan_request_parse(r, json, strlen(json), why, sizeof(why));

	assert_int_equal(!ret, !why[0]);
	return ret;
}

static void a_plan_request(void **arg)
{
	struct plan_request r;

	(void)arg;
	assert_int_equal(parse(REQUEST("52-54-00-AA-00-01", HEX64, HEX64,
				       "{\"ram\": 1024, \"cpus\": 2, \"disks\": [{\"bytes\": 10}, "
				       "{\"bytes\": 5}], \"new\": 1}"),
			       &r),
			 0);
	assert_string_equal(r.mac, "52:54:00:aa:00:01");
	assert_string_equal(r.nonce, HEX64);
	assert_int_equal(r.ram, 1024);
	assert_int_equal(r.cpus, 2);
	assert_int_equal(r.disks, 2);
	assert_int_equal(r.disk_bytes, 15);
	assert_int_equal(parse(REQUEST(MAC, HEX64, HEX64, "{}"), &r), 0);
}

static void bad_plan_requests(void **arg)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{",
		"null",
		"{}",
		REQUEST("52:54", HEX64, HEX64, "{}"),
		REQUEST(MAC, "00", HEX64, "{}"),
		REQUEST(MAC, HEX64, HEX64 "00", "{}"),
		REQUEST(MAC, HEX64, "", "{}"),
		REQUEST(MAC, HEX64, HEX64, "[]"),
		REQUEST(MAC, HEX64, HEX64, "{\"disks\": 3}"),
		REQUEST(MAC, HEX64, HEX64, "{} , \"mac\": \"x\""),
		REQUEST(MAC, HEX64, HEX64, "{}") "trailing",
	};
	struct plan_request r;

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(parse(cases[i], &r), -EINVAL);
}

static void numbers_of_no_sense_are_nothing(void **arg)
{
	struct plan_request r;

	(void)arg;
	assert_int_equal(parse(REQUEST(MAC, HEX64, HEX64,
				       "{\"ram\": -5, \"cpus\": \"many\", \"disks\": [1, null, "
				       "{\"bytes\": -1}]}"),
			       &r),
			 0);
	assert_int_equal(r.ram, 0);
	assert_int_equal(r.cpus, 0);
	assert_int_equal(r.disk_bytes, 0);
}

static void sizes_are_bounded(void **arg)
{
	char *large = malloc(PLAN_REQUEST_MAX + 1), why[256];
	struct plan_request r;
	struct alarm_request a;

	(void)arg;
	memset(large, ' ', PLAN_REQUEST_MAX + 1);
	assert_int_equal(plan_request_parse(&r, large, PLAN_REQUEST_MAX + 1, why, sizeof(why)),
			 -EINVAL);
	assert_int_equal(alarm_request_parse(&a, large, ALARM_REQUEST_MAX + 1, why, sizeof(why)),
			 -EINVAL);
	/* Nesting costs stack: the JSON library has its own limit. */
	memset(large, '[', PLAN_REQUEST_MAX);
	assert_int_equal(plan_request_parse(&r, large, PLAN_REQUEST_MAX, why, sizeof(why)),
			 -EINVAL);
	free(large);
}

static void alarms(void **arg)
{
	static const char good[] = "{\"mac\": \"" MAC "\", \"message\": \"the plan is altered\"}";
	static const char bad[] = "{\"mac\": \"" MAC "\", \"message\": 5}";
	struct alarm_request a;
	char why[256];

	(void)arg;
	assert_int_equal(alarm_request_parse(&a, good, strlen(good), why, sizeof(why)), 0);
	assert_string_equal(a.message, "the plan is altered");
	assert_int_equal(alarm_request_parse(&a, bad, strlen(bad), why, sizeof(why)), -EINVAL);
}

static void orders(void **arg)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"action\": \"install\"}",
		"{\"action\": \"install\", \"nodes\": []}",
		"{\"action\": \"install\", \"nodes\": \"n1\"}",
		"{\"action\": \"install\", \"nodes\": [1]}",
		"{\"action\": \"install\", \"nodes\": [\"../n1\"]}",
		"{\"action\": \"wipe\", \"nodes\": [\"n1\"]}",
		"{\"action\": null, \"nodes\": [\"n1\"]}",
	};
	static const char good[] = "{\"action\": \"repair\", \"nodes\": [\"n1\", \"n-2.x\"]}";
	struct strbuf many = STRBUF_INIT;
	struct arm_request r;
	char why[256];

	(void)arg;
	assert_int_equal(arm_request_parse(&r, good, strlen(good), why, sizeof(why)), 0);
	assert_int_equal(r.action, ARM_REPAIR);
	assert_int_equal(r.count, 2);
	assert_string_equal(r.nodes[1], "n-2.x");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(arm_request_parse(&r, bad[i], strlen(bad[i]), why, sizeof(why)),
				 -EINVAL);
	strbuf_adds(&many, "{\"action\": \"boot\", \"nodes\": [\"n0\"");
	for (int i = 1; i <= ARM_NODES_MAX; i++)
		strbuf_addf(&many, ", \"n%d\"", i);
	strbuf_adds(&many, "]}");
	assert_int_equal(arm_request_parse(&r, many.buf, many.len, why, sizeof(why)), -EINVAL);
	strbuf_free(&many);
}

#define HOLD(install, t)                                                                           \
	"{\"install\": \"" install "\", \"module\": \"mount\", \"nonce\": \"" HEX64 "\"" t "}"
#define IDENTITY(t) "{\"install\": \"i1\", \"sealed\": \"AAAA\"" t "}"

/* What a node asks more than once says when, so that it cannot be replayed. */
static void requests_with_a_clock(void **arg)
{
	static const char *const bad[] = {"",
					  ", \"t\": -1",
					  ", \"t\": \"5\"",
					  ", \"t\": 1.5",
					  ", \"t\": null",
					  ", \"t\": 9223372036854775808"};
	static const char good[] = HOLD("i1", ", \"t\": 9223372036854775807"),
			  kept[] = IDENTITY(", \"t\": 0");
	struct strbuf text = STRBUF_INIT;
	struct identity_request identity;
	struct hold_request hold;
	char why[256];

	(void)arg;
	assert_int_equal(hold_request_parse(&hold, good, strlen(good), why, sizeof(why)), 0);
	assert_string_equal(hold.module, "mount");
	assert_true(hold.t == INT64_MAX);
	assert_int_equal(identity_request_parse(&identity, kept, strlen(kept), why, sizeof(why)),
			 0);
	assert_string_equal(identity.sealed, "AAAA");
	assert_true(identity.t == 0);
	free(identity.sealed);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		strbuf_reset(&text);
		strbuf_addf(&text, HOLD("i1", "%s"), bad[i]);
		assert_int_equal(hold_request_parse(&hold, text.buf, text.len, why, sizeof(why)),
				 -EINVAL);
		strbuf_reset(&text);
		strbuf_addf(&text, IDENTITY("%s"), bad[i]);
		assert_int_equal(
			identity_request_parse(&identity, text.buf, text.len, why, sizeof(why)),
			-EINVAL);
	}
	strbuf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes),
		cmocka_unit_test(ranges),
		cmocka_unit_test(a_plan_request),
		cmocka_unit_test(bad_plan_requests),
		cmocka_unit_test(numbers_of_no_sense_are_nothing),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(alarms),
		cmocka_unit_test(requests_with_a_clock),
		cmocka_unit_test(orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
