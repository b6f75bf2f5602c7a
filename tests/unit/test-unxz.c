/* Whole .xz files: right, cut, altered, with something behind, larger than allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/unxz.h"

#define TEXT_LEN ((size_t)700000)

static char text[TEXT_LEN];
static uint8_t packed[TEXT_LEN];
static size_t packed_len;

static int pack(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEXT_LEN; i++)
		text[i] = (char)('a' + i * i % 23);
	return lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, (uint8_t *)text, TEXT_LEN, packed,
				       &packed_len, sizeof(packed)) != LZMA_OK;
}

static void whole(void **state)
{
	char *out = NULL;
	size_t len;

	(void)state;
	assert_int_equal(unxz(packed, packed_len, TEXT_LEN + 1, &out, &len), 0);
	assert_int_equal(len, TEXT_LEN);
	assert_memory_equal(out, text, TEXT_LEN);
	free(out);
}

static void refuses(void **state)
{
	uint8_t *copy = malloc(packed_len + 4);
	char *out = NULL;
	size_t len;

	(void)state;
	assert_non_null(copy);
	memcpy(copy, packed, packed_len);
	memcpy(copy + packed_len, "junk", 4);
	assert_int_equal(unxz(copy, packed_len - 1, TEXT_LEN + 1, &out, &len), -EBADMSG);
	assert_int_equal(unxz(copy, packed_len + 4, TEXT_LEN + 1, &out, &len), -EBADMSG);
	assert_int_equal(unxz(copy, 0, TEXT_LEN, &out, &len), -EBADMSG);
	assert_int_equal(unxz(copy, packed_len, TEXT_LEN - 1, &out, &len), -EFBIG);
	copy[packed_len / 2] ^= 1;
	assert_int_equal(unxz(copy, packed_len, TEXT_LEN + 1, &out, &len), -EBADMSG);
	assert_null(out);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, pack, NULL);
}
