/* init/lib/request-code.c: the codes are what the documented form gives (the vectors are those of
 * tests/request_code.py, which is a BLAKE3 of its own), and everything in a request counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/request-code.h"
#include "init/lib/str.h"

#define TOKEN "abababababababababababababababababababababababababababababababab"

static uint8_t key[REQUEST_KEY_LEN];

static int set_up(void **state)
{
	(void)state;
	return request_key(TOKEN, key);
}

static const char *hex(const uint8_t code[REQUEST_CODE_LEN])
{
	static char text[REQUEST_CODE_TEXT];

	str_to_hex(code, REQUEST_CODE_LEN, text);
	return text;
}

static void the_key_is_a_hash_of_the_token(void **state)
{
	uint8_t other[REQUEST_KEY_LEN];

	(void)state;
	assert_string_equal(hex(key),
			    "bd5efa7a5460069768c5d1698b01e735e96878507b8ea3ac4560b573e6b1283c");
	assert_int_equal(request_key(TOKEN "ab", other), -EINVAL);
	assert_int_equal(request_key("ab", other), -EINVAL);
	assert_int_equal(request_key("", other), -EINVAL);
}

static void fixed_vectors(void **state)
{
	uint8_t request[REQUEST_CODE_LEN], answer[REQUEST_CODE_LEN], body[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i % 251);
	request_code(key, "POST", "/v1/events", "hello\n", 6, request);
	answer_code(key, request, 200, "{\"ack\": 1}\n", 11, answer);
	assert_string_equal(hex(request),
			    "3a1c609153b46e7aa5eee20b56fff0d9608e8792654741c49bf9c880f51b283b");
	assert_string_equal(hex(answer),
			    "b724c2e18d0a7870bf5ef583c4ffdb960db0173097e97ca6dee40e6ad957abbe");
	request_code(key, "GET", "/v1/plan", NULL, 0, request);
	assert_string_equal(hex(request),
			    "190efc512568f4cf0cde4766517bf98c56717fa755294ce88faea1a149d2a40d");
	request_code(key, "POST", "/v1/events", body, sizeof(body), request);
	answer_code(key, request, 503, NULL, 0, answer);
	assert_string_equal(hex(request),
			    "8486fa85830ef106996eab672f3190de49eb6de21ddb3ba57f5a2396738edf1a");
	assert_string_equal(hex(answer),
			    "6e89e3d1e0a2858eb4a7e3a2cc1cfcc1bc8f37e6ab5cfeb9abe11b0223b00b0d");
}

/* Also where the parts, one behind the other, are the same. */
static void every_part_counts(void **state)
{
	static const struct {
		const char *method, *path, *body;
	} others[] = {
		{"GET", "/v1/events", "xy"},   {"POST", "/v1/hold", "xy"},
		{"POST", "/v1/events", "xz"},  {"POST", "/v1/eventsx", "y"},
		{"POST", "/v1/events", "x"},   {"POST/", "v1/events", "xy"},
		{"POST", "/v1/events", "xyx"},
	};
	uint8_t code[REQUEST_CODE_LEN], other[REQUEST_CODE_LEN], key2[REQUEST_KEY_LEN] = {0};

	(void)state;
	request_code(key, "POST", "/v1/events", "xy", 2, code);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		request_code(key, others[i].method, others[i].path, others[i].body,
			     strlen(others[i].body), other);
		assert_memory_not_equal(code, other, sizeof(code));
	}
	request_code(key2, "POST", "/v1/events", "xy", 2, other);
	assert_memory_not_equal(code, other, sizeof(code));
}

static void every_part_of_an_answer_counts(void **state)
{
	uint8_t request[REQUEST_CODE_LEN] = {1}, code[REQUEST_CODE_LEN], other[REQUEST_CODE_LEN];

	(void)state;
	answer_code(key, request, 200, "1", 1, code);
	answer_code(key, request, 201, "1", 1, other);
	assert_memory_not_equal(code, other, sizeof(code));
	answer_code(key, request, 200, "2", 1, other);
	assert_memory_not_equal(code, other, sizeof(code));
	answer_code(key, request, 2001, "", 0, other);
	assert_memory_not_equal(code, other, sizeof(code));
	request[0] = 2;
	answer_code(key, request, 200, "1", 1, other);
	assert_memory_not_equal(code, other, sizeof(code));
}

static void a_code_is_compared_whole(void **state)
{
	uint8_t code[REQUEST_CODE_LEN] = {0x12, 0x34};
	char text[REQUEST_CODE_TEXT + 2];

	(void)state;
	str_to_hex(code, sizeof(code), text);
	assert_true(code_is(code, text));
	text[63] ^= 1;
	assert_false(code_is(code, text));
	text[63] ^= 1;
	strcat(text, "00");
	assert_false(code_is(code, text));
	text[62] = '\0';
	assert_false(code_is(code, text));
	assert_false(code_is(code, ""));
	assert_false(code_is(code, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_is_a_hash_of_the_token),
		cmocka_unit_test(fixed_vectors),
		cmocka_unit_test(every_part_counts),
		cmocka_unit_test(every_part_of_an_answer_counts),
		cmocka_unit_test(a_code_is_compared_whole),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
