/* What a machine says of itself, as it is kept: known keys, clean text, bounded. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "host-tools/lib/inventory.h"

static void is(const char *body, const char *wanted)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;

	assert_int_equal(inventory_clean(&out, body, strlen(body)), 0);
	assert_string_equal(out.buf, wanted);
}

static void known_keys_are_kept(void **arg)
{
	(void)arg;
	is("{\"inventory\": {}}", "{\"disks\":[],\"nics\":[]}");
	is("{\"mac\": 1, \"inventory\": {\"ram\": 5, \"cpus\": 2, \"cpu\": \" Some \", \"colour\": "
	   "\"red\", \"disks\": [{\"name\": \"vda\", \"bytes\": 7, \"depth\": 1}], \"nics\": "
	   "[{\"name\": \"eth0\", \"link\": true, \"speed\": 1000}]}}",
	   "{\"ram\":5,\"cpus\":2,\"cpu\":\"Some\",\"disks\":[{\"name\":\"vda\",\"bytes\":7}],"
	   "\"nics\":[{\"name\":\"eth0\",\"speed\":1000,\"link\":true}]}");
}

static void wrong_types_are_left_out(void **arg)
{
	(void)arg;
	is("{\"inventory\": {\"ram\": -1, \"cpus\": \"2\", \"cpu\": 3, \"disks\": {}, \"nics\": "
	   "[1, "
	   "{\"link\": 1}]}}",
	   "{\"disks\":[],\"nics\":[{},{}]}");
}

static void text_is_clean(void **arg)
{
	(void)arg;
	is("{\"inventory\": {\"cpu\": \"a\\u001b[2Jb\\nc\"}}",
	   "{\"cpu\":\"a?[2Jb?c\",\"disks\":[],\"nics\":[]}");
}

static void it_is_bounded(void **arg)
{
	_cleanup_strbuf_ struct strbuf body = STRBUF_INIT, out = STRBUF_INIT;

	(void)arg;
	strbuf_adds(&body, "{\"inventory\": {\"disks\": [{}");
	for (int i = 0; i < 10000; i++)
		strbuf_addf(&body, ", {\"name\": \"%0300d\"}", i);
	strbuf_adds(&body, "]}}");
	assert_int_equal(inventory_clean(&out, body.buf, body.len), 0);
	assert_true(out.len < INVENTORY_ITEMS_MAX * 100);
}

static void others_are_refused(void **arg)
{
	static const char *const bodies[] = {"", "[]", "{}", "{\"inventory\": []}"};
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;

	(void)arg;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		assert_int_equal(inventory_clean(&out, bodies[i], strlen(bodies[i])), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_keys_are_kept),	    cmocka_unit_test(text_is_clean),
		cmocka_unit_test(wrong_types_are_left_out), cmocka_unit_test(it_is_bounded),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
