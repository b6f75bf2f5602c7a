/* How much memory an archive needs: real streams made with libarchive, and headers that lie. */
#include "modules/lib/window.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char buffer[1 << 16];

/* A compressed tar with one entry without content. */
static size_t make(int filter, const char *options)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	size_t used = 0;

	assert_int_equal(archive_write_add_filter(a, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_set_format_pax(a), ARCHIVE_OK);
	if (options)
		assert_int_equal(archive_write_set_options(a, options), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, buffer, sizeof(buffer), &used), ARCHIVE_OK);
	archive_entry_set_pathname(e, "./file");
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	archive_entry_free(e);
	archive_write_close(a);
	archive_write_free(a);
	return used;
}

static uint64_t size_of(const char *format, size_t len)
{
	uint64_t bytes = 0;

	assert_string_equal(window_format(buffer, len), format);
	assert_int_equal(window_size(format, buffer, len, &bytes), 0);
	return bytes;
}

static void real_streams(void **state)
{
	(void)state;
	assert_int_equal(size_of("tar.gz", make(ARCHIVE_FILTER_GZIP, NULL)), 32 << 10);
	/* xz's presets: level 6 has 8 MiB, level 9 has 64 MiB. */
	assert_int_equal(size_of("tar.xz", make(ARCHIVE_FILTER_XZ, "xz:compression-level=6")),
			 8 << 20);
	assert_int_equal(size_of("tar.xz", make(ARCHIVE_FILTER_XZ, "xz:compression-level=9")),
			 64 << 20);
	assert_true(size_of("tar.zst", make(ARCHIVE_FILTER_ZSTD, "zstd:compression-level=3")) <=
		    WINDOW_MAX);
}

static void zstd_headers(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int64_t window; /* -1: refused */
	} cases[] = {
		/* magic, descriptor, window descriptor: 2^(10 + 13) and 2^(10 + 17) * (1 + 1/8) */
		{"\x28\xb5\x2f\xfd\x04\x68", 6, 8 << 20},
		{"\x28\xb5\x2f\xfd\x04\x89", 6, 150994944},
		/* single segment with a size of four bytes: 0x20000000 */
		{"\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x20", 9, 0x20000000},
		/* single segment, size of two bytes, which counts from 256 */
		{"\x28\xb5\x2f\xfd\x60\x00\x01", 7, 512},
		/* a skippable frame of three bytes first, as parallel compressors write */
		{"\x50\x2a\x4d\x18\x03\x00\x00\x00zzz\x28\xb5\x2f\xfd\x04\x68", 17, 8 << 20},
		{"\x50\x2a\x4d\x18\xff\xff\xff\xff\x28\xb5\x2f\xfd\x04\x68", 14, -1},
		{"\x28\xb5\x2f\xfd\x04", 5, -1},
		{"\x28\xb5\x2f\xfd", 4, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t bytes;
		int ret = window_size("tar.zst", cases[i].bytes, cases[i].len, &bytes);

		assert_int_equal(ret, cases[i].window < 0 ? -EINVAL : 0);
		if (!ret)
			assert_int_equal(bytes, cases[i].window);
	}
}

static void other_formats_are_refused(void **state)
{
	size_t len = make(ARCHIVE_FILTER_XZ, NULL);
	uint64_t bytes;

	(void)state;
	assert_int_equal(window_size("tar.zst", buffer, len, &bytes), -EINVAL);
	assert_int_equal(window_size("tar.gz", buffer, len, &bytes), -EINVAL);
	assert_int_equal(window_size("tar.xz", buffer, 14, &bytes), -EINVAL);
	assert_null(window_format("hello", 5));
	assert_null(window_format("", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_streams),
		cmocka_unit_test(zstd_headers),
		cmocka_unit_test(other_formats_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
