/* The identity of a node: written and read back, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "init/lib/cleanup.h"
#include "init/lib/identity.h"

#define START "lucie-identity 1\nnode n1\n"

static void it_comes_back(void **arg)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	struct identity id = {.node = "n1", .machine_id = "00112233445566778899aabbccddeeff"};

	(void)arg;
	assert_int_equal(identity_add(&id, "ssh_host_rsa_key", "a\0b\n", 4), 0);
	assert_int_equal(identity_add(&id, "ssh_host_rsa_key.pub", "", 0), 0);
	assert_int_equal(identity_write(&text, &id), 0);
	identity_free(&id);
	assert_int_equal(identity_parse(&id, text.buf, text.len), 0);
	assert_string_equal(id.node, "n1");
	assert_string_equal(id.machine_id, "00112233445566778899aabbccddeeff");
	assert_int_equal(id.count, 2);
	assert_string_equal(id.files[0].name, "ssh_host_rsa_key");
	assert_int_equal(id.files[0].len, 4);
	assert_memory_equal(id.files[0].data, "a\0b\n", 4);
	identity_free(&id);
}

/* A name decides where the node writes. */
static void names_lead_nowhere_else(void **arg)
{
	static const char *const names[] = {"",
					    "../ssh_host_rsa_key",
					    "ssh_host_/../x",
					    "sshd_config",
					    "ssh_host_RSA",
					    "ssh_host_a b"};
	struct identity id = {0};

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(identity_add(&id, names[i], "x", 1), -EINVAL);
	for (int i = 0; i < IDENTITY_FILES_MAX; i++)
		assert_int_equal(identity_add(&id, "ssh_host_rsa_key", "x", 1), 0);
	assert_int_equal(identity_add(&id, "ssh_host_rsa_key", "x", 1), -EFBIG);
	identity_free(&id);
}

static void others_are_refused(void **arg)
{
	static const char *const texts[] = {
		"",
		"lucie-identity 1\n",
		"lucie-identity 2\nnode n1\n",
		"lucie-plan 1\nnode n1\n",
		START "colour red\n",
		START "node ../n1\n",
		START "machine_id 0011\n",
		START "file ssh_host_rsa_key !!!!\n",
		START "file ../../etc/shadow AAAA\n",
	};
	struct identity id;

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_not_equal(identity_parse(&id, texts[i], strlen(texts[i])), 0);
		identity_free(&id);
	}
	assert_int_equal(identity_parse(&id, START "\0", strlen(START) + 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_back),
		cmocka_unit_test(names_lead_nowhere_else),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
