/* The ring's frames, messages, sums, catalog and old configuration: what comes out is what went in,
 * and what is damaged or out of bounds is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/lib/cleanup.h"
#include "ring/catalog.h"
#include "ring/crc32c.h"
#include "ring/dolly-config.h"
#include "ring/proto.h"

static void test_crc32c_known(void **state)
{
	uint8_t zeros[32] = {0};

	(void)state;
	assert_int_equal(crc32c("123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(zeros, sizeof(zeros)), 0x8a9136aa); /* RFC 3720, B.4 */
	assert_int_equal(crc32c("", 0), 0);
}

static void test_crc32c_both_agree(void **state)
{
	static uint8_t data[20000];
	static const size_t lengths[] = {1, 7, 8, 9, 1023, 3071, 3072, 3073, 6144, 9999, 19990};

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 131 + i / 251);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		assert_int_equal(crc32c(data + i, lengths[i]), crc32c_table(data + i, lengths[i]));
}

static void test_frame(void **state)
{
	struct frame f = {.type = RING_DATA,
			  .session = 7,
			  .length = 100,
			  .offset = 3 * RING_FRAME,
			  .crc = 0x12345678},
		     g;
	uint8_t bytes[FRAME_HEADER];

	(void)state;
	frame_encode(&f, bytes);
	assert_int_equal(frame_decode(&g, bytes), 0);
	assert_int_equal(g.offset, f.offset);
	assert_int_equal(g.crc, f.crc);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 4;
		assert_int_equal(frame_decode(&g, bytes), -EBADMSG);
		bytes[i] ^= 4;
	}
}

static int decode(struct frame f)
{
	uint8_t bytes[FRAME_HEADER];
	struct frame out;

	frame_encode(&f, bytes);
	return frame_decode(&out, bytes);
}

static void test_frame_bounds(void **state)
{
	(void)state;
	assert_int_equal(decode((struct frame){.type = 0}), -EPROTO);
	assert_int_equal(decode((struct frame){.type = RING_TYPE_END}), -EPROTO);
	assert_int_equal(decode((struct frame){.type = RING_DATA, .length = 0}), -EPROTO);
	assert_int_equal(decode((struct frame){.type = RING_DATA, .length = 1, .offset = 5}),
			 -EPROTO);
	assert_int_equal(decode((struct frame){.type = RING_DATA, .length = RING_FRAME + 1}),
			 -EPROTO);
	assert_int_equal(decode((struct frame){.type = RING_DATA, .length = RING_FRAME}), 0);
	assert_int_equal(decode((struct frame){
				 .type = RING_DATA, .flags = FRAME_ZERO, .length = BLOB_CHUNK}),
			 0);
	assert_int_equal(decode((struct frame){.type = RING_DATA,
					       .flags = FRAME_ZERO,
					       .offset = RING_FRAME,
					       .length = BLOB_CHUNK}),
			 -EPROTO);
	assert_int_equal(decode((struct frame){.type = RING_DATA, .flags = 2, .length = 1}),
			 -EPROTO);
	assert_int_equal(decode((struct frame){.type = RING_BEAT, .length = RING_CONTROL_MAX + 1}),
			 -EPROTO);
	assert_int_equal(decode((struct frame){.type = RING_BEAT, .flags = FRAME_ZERO}), -EPROTO);
}

static void test_messages(void **state)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct ring_join join = {.old_id = 3, .data.port = 9, .name = "node01"}, j;
	struct ring_welcome w = {.id = 1,
				 .detect_ms = 2000,
				 .beat_ms = 100,
				 .length = 5,
				 .mode = 0644,
				 .name = "file"},
			    x;
	struct ring_notice n = {.id = 4, .text = "a\nb"}, m;

	(void)state;
	message_encode_join(&b, &join);
	assert_int_equal(message_decode_join(&j, b.buf, b.len), 0);
	assert_string_equal(j.name, "node01");
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(message_decode_join(&j, b.buf, len), -EBADMSG);
	strbuf_reset(&b);
	message_encode_welcome(&b, &w);
	assert_int_equal(message_decode_welcome(&x, b.buf, b.len), 0);
	assert_int_equal(x.mode, 0644);
	strbuf_add(&b, "", 1);
	assert_int_equal(message_decode_welcome(&x, b.buf, b.len), -EBADMSG);
	strbuf_reset(&b);
	message_encode_notice(&b, &n);
	assert_int_equal(message_decode_notice(&m, b.buf, b.len), 0);
	assert_string_equal(m.text, "a?b");
}

static int try_welcome(struct ring_welcome w)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct ring_welcome x;

	message_encode_welcome(&b, &w);
	return message_decode_welcome(&x, b.buf, b.len);
}

static void test_welcome_is_checked(void **state)
{
	struct ring_welcome good = {.id = 1, .detect_ms = 2000, .beat_ms = 100, .name = "f"}, w;

	(void)state;
	assert_int_equal(try_welcome(good), 0);
	w = good, strcpy(w.name, "../f");
	assert_int_equal(try_welcome(w), -EBADMSG);
	w = good, strcpy(w.name, "..");
	assert_int_equal(try_welcome(w), -EBADMSG);
	w = good, w.id = 0;
	assert_int_equal(try_welcome(w), -EBADMSG);
	w = good, w.length = UINT64_MAX;
	assert_int_equal(try_welcome(w), -EBADMSG);
	w = good, w.beat_ms = 0;
	assert_int_equal(try_welcome(w), -EBADMSG);
}

static int parse(struct catalog *c, const char *lines)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	char why[160];

	catalog_write_start(&b);
	strbuf_adds(&b, lines);
	return catalog_parse(c, b.buf, b.len, why, sizeof(why));
}

static void test_catalog(void **state)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct catalog_entry entries[] = {
		{.type = CATALOG_DIR, .mode = 0755, .mtime = -5, .path = (char *)"a"},
		{.type = CATALOG_FILE, .mode = 04755, .size = 10, .path = (char *)"a/x y\n"},
		{.type = CATALOG_FILE, .mode = 0644, .size = 0, .path = (char *)"a/z"},
		{.type = CATALOG_FILE, .mode = 0644, .size = 5, .path = (char *)"a/z2"},
		{.type = CATALOG_LINK, .path = (char *)"b", .target = (char *)"../\\ c"},
	};
	struct catalog c;
	char why[160];

	(void)state;
	catalog_write_start(&b);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		catalog_write(&b, &entries[i]);
	assert_int_equal(catalog_parse(&c, b.buf, b.len, why, sizeof(why)), 0);
	assert_int_equal(c.count, ARRAY_SIZE(entries));
	assert_string_equal(c.entries[1].path, "a/x y\n");
	assert_string_equal(c.entries[4].target, "../\\ c");
	assert_int_equal(c.entries[0].mtime, -5);
	assert_int_equal(c.end, b.len + 15);
	assert_null(catalog_find(&c, b.len - 1));
	assert_ptr_equal(catalog_find(&c, b.len), &c.entries[1]);
	assert_ptr_equal(catalog_find(&c, b.len + 9), &c.entries[1]);
	assert_ptr_equal(catalog_find(&c, b.len + 10), &c.entries[3]);
	assert_null(catalog_find(&c, c.end));
	catalog_free(&c);
}

static void test_catalog_refuses(void **state)
{
	static const char *const bad[] = {
		"f 644 0 1 ../x\n",
		"f 644 0 1 /x\n",
		"f 644 0 1 a/b\n",
		"d 755 0 a\nf 644 0 1 a/../x\n",
		"f 644 0 1 b\nf 644 0 1 a\n",
		"f 644 0 1 a\nf 644 0 1 a\n",
		"l 0 a /etc\nf 644 0 1 a/passwd\n",
		"d 755 0 a\nd 755 0 a//b\n",
		"f 644 0 1 .\n",
		"f 888 0 1 a\n",
		"f 644 0 -1 a\n",
		"f 644 0 99999999999999999999 a\n",
		"f 644 0 1 a",
		"p 644 0 a\n",
		"f 644 0 1 a b\n",
		"f 644 0 1 \\057x\n",
		"f 644 0 1 \\000\n",
		"l 0 a\n",
	};
	struct catalog c;

	(void)state;
	assert_int_equal(parse(&c, ""), 0);
	catalog_free(&c);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse(&c, bad[i]), -EINVAL);
}

static void test_old_config(void **state)
{
	static const char good[] =
		"infile /dev/sda1\noutfile /dev/sdb1\nserver doll0\nhyphennormal\n"
		"firstclient doll1\nlastclient doll-2\nclients 2\ndoll1\ndoll-2\nendconfig\n";
	static const char *const bad[] = {
		"",
		"infile a\noutfile b\nclients 1\nx\n",
		"infile a\noutfile b\nclients 2\nx\nendconfig\n",
		"infile a\ninfile b\nendconfig\n",
		"compressed\nendconfig\n",
		"clients 0\nendconfig\n",
		"infile\noutfile b\nclients 1\nx\nendconfig\n",
	};
	struct dolly_config c;
	char why[160];

	(void)state;
	assert_int_equal(dolly_config_parse(&c, good, strlen(good), why, sizeof(why)), 0);
	assert_string_equal(c.infile, "/dev/sda1");
	assert_string_equal(c.server, "doll0");
	assert_int_equal(c.count, 2);
	assert_string_equal(c.clients[1], "doll-2");
	dolly_config_free(&c);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(dolly_config_parse(&c, bad[i], strlen(bad[i]), why, sizeof(why)),
				 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc32c_known), cmocka_unit_test(test_crc32c_both_agree),
		cmocka_unit_test(test_frame),	     cmocka_unit_test(test_frame_bounds),
		cmocka_unit_test(test_messages),     cmocka_unit_test(test_welcome_is_checked),
		cmocka_unit_test(test_catalog),	     cmocka_unit_test(test_catalog_refuses),
		cmocka_unit_test(test_old_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
