/* init/lib/str.c: bounded buffer, values, text that is safe to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "init/lib/str.h"

static void buffer_grows_and_is_bounded(void **state)
{
	struct strbuf b = {.max = 10};

	(void)state;
	assert_int_equal(strbuf_adds(&b, "hello"), 0);
	assert_int_equal(strbuf_addf(&b, "%d", 12345), 0);
	assert_string_equal(b.buf, "hello12345");
	assert_int_equal(strbuf_adds(&b, "x"), -EFBIG);
	assert_int_equal(strbuf_adds(&b, ""), -EFBIG);
	assert_string_equal(b.buf, "hello12345");
	strbuf_reset(&b);
	assert_int_equal(strbuf_adds(&b, "x"), 0);
	strbuf_free(&b);
	assert_null(b.buf);
	assert_int_equal(b.max, 10);
}

static void words_and_trimming(void **state)
{
	char text[] = "  one\ttwo   three \n", *rest = text, blank[] = " \t\n ", line[] = "  a b  ";

	(void)state;
	assert_string_equal(str_word(&rest), "one");
	assert_string_equal(str_word(&rest), "two");
	assert_string_equal(str_word(&rest), "three");
	assert_null(str_word(&rest));
	assert_null(str_word(&rest));
	assert_string_equal(str_trim(blank), "");
	assert_string_equal(str_trim(line), "a b");
}

static void numbers(void **state)
{
	uint64_t v = 7;

	(void)state;
	assert_int_equal(str_to_u64("18446744073709551615", &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(str_to_u64("18446744073709551616", &v), -ERANGE);
	assert_int_equal(str_to_u64("", &v), -EINVAL);
	assert_int_equal(str_to_u64("-1", &v), -EINVAL);
	assert_int_equal(str_to_u64(" 1", &v), -EINVAL);
	assert_int_equal(str_to_u64("1x", &v), -EINVAL);
	assert_int_equal(str_to_size("8G", &v), 0);
	assert_true(v == (uint64_t)8 << 30);
	assert_int_equal(str_to_size("512", &v), 0);
	assert_true(v == 512);
	assert_int_equal(str_to_size("1Q", &v), -EINVAL);
	assert_int_equal(str_to_size("1GB", &v), -EINVAL);
	assert_int_equal(str_to_size("16777216T", &v), -ERANGE);
}

static void sizes_for_people(void **state)
{
	char buf[16];

	(void)state;
	assert_string_equal(str_from_size(0, buf, sizeof(buf)), "0 B");
	assert_string_equal(str_from_size(1023, buf, sizeof(buf)), "1023 B");
	assert_string_equal(str_from_size(12345678, buf, sizeof(buf)), "11.8 MiB");
	assert_string_equal(str_from_size(UINT64_MAX, buf, sizeof(buf)), "16384.0 PiB");
}

static void hex(void **state)
{
	uint8_t bytes[3];
	char text[7];

	(void)state;
	assert_int_equal(str_from_hex("00fFa5", bytes, 3), 0);
	str_to_hex(bytes, 3, text);
	assert_string_equal(text, "00ffa5");
	assert_int_equal(str_from_hex("00ffa", bytes, 3), -EINVAL);
	assert_int_equal(str_from_hex("00ffa55", bytes, 3), -EINVAL);
	assert_int_equal(str_from_hex("00fga5", bytes, 3), -EINVAL);
	assert_int_equal(str_from_hex("", bytes, 3), -EINVAL);
}

static void names(void **state)
{
	char longest[65] = "";

	(void)state;
	assert_true(str_is_name("cnode00.example-1_x"));
	assert_false(str_is_name(""));
	assert_false(str_is_name(".hidden"));
	assert_false(str_is_name("-option"));
	assert_false(str_is_name("a/b"));
	assert_false(str_is_name("a b"));
	memset(longest, 'a', 63);
	assert_true(str_is_name(longest));
	longest[63] = 'a';
	assert_false(str_is_name(longest));
}

static void addresses(void **state)
{
	char mac[MAC_TEXT];

	(void)state;
	assert_int_equal(str_to_mac("AA-bb:0C-dd-ee-ff", mac), 0);
	assert_string_equal(mac, "aa:bb:0c:dd:ee:ff");
	assert_int_equal(str_to_mac("aa:bb:cc:dd:ee:f", mac), -EINVAL);
	assert_int_equal(str_to_mac("aa:bb:cc:dd:ee:fg", mac), -EINVAL);
	assert_int_equal(str_to_mac("aabbccddeeff00000", mac), -EINVAL);
	/* out may be the text itself */
	strcpy(mac, "AA:BB:CC:DD:EE:FF");
	assert_int_equal(str_to_mac(mac, mac), 0);
	assert_string_equal(mac, "aa:bb:cc:dd:ee:ff");
}

static bool is_text(const char *s)
{
	return str_is_text(s, strlen(s));
}

static void text_is_utf8_without_controls(void **state)
{
	(void)state;
	assert_true(is_text(""));
	assert_true(is_text("plain ~"));
	assert_true(is_text("\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80"));
	assert_false(is_text("a\tb"));
	assert_false(is_text("a\nb"));
	assert_false(is_text("\x1b[2J"));
	assert_false(is_text("\x7f"));
	assert_false(is_text("\xc2\x9b"));	   /* C1: a control sequence for some terminals */
	assert_false(is_text("\xc0\xaf"));	   /* overlong */
	assert_false(is_text("\xe0\x80\xaf"));	   /* overlong */
	assert_false(is_text("\xed\xa0\x80"));	   /* surrogate */
	assert_false(is_text("\xf4\x90\x80\x80")); /* beyond Unicode */
	assert_false(is_text("\xff"));
	assert_false(is_text("a\xe2\x82")); /* cut */
	assert_false(str_is_text("a\0b", 3));
}

static void making_text(void **state)
{
	char bad[] = "a\x1b[2J\xff\xc3\xbc", cut[] = "abc\xe2\x82", good[] = "\xe2\x82\xac";

	(void)state;
	str_make_text(bad);
	assert_string_equal(bad, "a?[2J?\xc3\xbc");
	str_make_text(cut);
	assert_string_equal(cut, "abc");
	str_make_text(good);
	assert_string_equal(good, "\xe2\x82\xac");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffer_grows_and_is_bounded),
		cmocka_unit_test(words_and_trimming),
		cmocka_unit_test(numbers),
		cmocka_unit_test(sizes_for_people),
		cmocka_unit_test(hex),
		cmocka_unit_test(names),
		cmocka_unit_test(addresses),
		cmocka_unit_test(text_is_utf8_without_controls),
		cmocka_unit_test(making_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
