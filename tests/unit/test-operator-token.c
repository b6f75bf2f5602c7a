/* The operator's token: made once, renewed, and how often an address may be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "host-tools/lib/operator-token.h"
#include "init/lib/seal.h"
#include "tests/unit/temp-folder.h"

#define MINUTE 60000

static void is_made_once(void **arg)
{
	char a[OPERATOR_TOKEN_TEXT], b[OPERATOR_TOKEN_TEXT], path[256];
	struct stat st;

	(void)arg;
	assert_int_equal(operator_token(temp_folder, a), 0);
	assert_int_equal(strlen(a), OPERATOR_TOKEN_TEXT - 1);
	assert_int_equal(operator_token(temp_folder, b), 0);
	assert_string_equal(a, b);
	assert_int_equal(stat(temp_path(path, sizeof(path), "operator-token"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_new_one_holds_at_once(void **arg)
{
	char a[OPERATOR_TOKEN_TEXT], b[OPERATOR_TOKEN_TEXT];

	(void)arg;
	assert_int_equal(operator_token(temp_folder, a), 0);
	assert_int_equal(operator_check(temp_folder, a, "192.0.2.1", MINUTE), OPERATOR_YES);
	assert_int_equal(operator_token_renew(temp_folder, b), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(operator_check(temp_folder, a, "192.0.2.1", MINUTE), OPERATOR_NO);
	assert_int_equal(operator_check(temp_folder, b, "192.0.2.1", MINUTE), OPERATOR_YES);
	assert_int_equal(operator_check(temp_folder, NULL, "192.0.2.1", MINUTE), OPERATOR_NO);
	b[OPERATOR_TOKEN_TEXT - 2] = '\0';
	assert_int_equal(operator_check(temp_folder, b, "192.0.2.1", MINUTE), OPERATOR_NO);
	assert_int_equal(operator_check(temp_folder, "", "192.0.2.1", MINUTE), OPERATOR_NO);
}

static void who_is_wrong_too_often_waits(void **arg)
{
	char token[OPERATOR_TOKEN_TEXT];
	int wrong = 0;

	(void)arg;
	assert_int_equal(operator_token(temp_folder, token), 0);
	while (operator_check(temp_folder, "wrong", "192.0.2.2", MINUTE) == OPERATOR_NO)
		assert_true(++wrong < 100);
	assert_int_equal(operator_check(temp_folder, "wrong", "192.0.2.2", 2 * MINUTE - 1),
			 OPERATOR_TOO_MANY);
	assert_int_equal(operator_check(temp_folder, token, "192.0.2.2", MINUTE), OPERATOR_YES);
	assert_int_equal(operator_check(temp_folder, "wrong", "192.0.2.3", MINUTE), OPERATOR_NO);
	assert_int_equal(operator_check(temp_folder, "wrong", "192.0.2.2", 2 * MINUTE),
			 OPERATOR_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_made_once, temp_folder_make, temp_folder_remove),
		cmocka_unit_test_setup_teardown(a_new_one_holds_at_once, temp_folder_make,
						temp_folder_remove),
		cmocka_unit_test_setup_teardown(who_is_wrong_too_often_waits, temp_folder_make,
						temp_folder_remove),
	};

	return seal_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
