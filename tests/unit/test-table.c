/* Tables and probing on image files: what table_write() makes, libfdisk and libblkid see again. */
#include "modules/lib/probe.h"
#include "modules/lib/table.h"

#include "init/lib/cleanup.h"
#include "init/lib/io.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MIB   ((uint64_t)1 << 20)
#define BYTES (256 * MIB)

static char path[] = "/tmp/lucie-table-XXXXXX";
static int fd = -1;
static struct layout layout;
static struct table table;

static int new_image(void **state)
{
	(void)state;
	strcpy(path, "/tmp/lucie-table-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 || ftruncate(fd, BYTES);
}

static int drop_image(void **state)
{
	(void)state;
	close(fd);
	return unlink(path);
}

static void place(const char *kind)
{
	char text[512], why[160];
	struct plan plan;

	snprintf(text, sizeof(text),
		 PLAN_VERSION_LINE
		 "\n[layout]\ndisk s disk1 table=%s\npartition swap 32M swap label=sw\n"
		 "partition / 64M- ext4 label=root\npartition - 10%% raw\n",
		 kind);
	assert_int_equal(plan_parse(&plan, text, strlen(text), why, sizeof(why)), 0);
	assert_int_equal(layout_parse(&layout, plan_section(&plan, "layout"), NULL, NULL), 0);
	assert_int_equal(layout_place(&layout, 0, BYTES, MIB, why, sizeof(why)), 0);
	plan_free(&plan);
}

static void write_and_read(const char *kind, enum table_kind expected)
{
	char id[TABLE_ID_MAX];

	place(kind);
	table_new_id(layout.disks[0].table, id);
	assert_int_equal(table_write(path, &layout, 0, id), 0);
	assert_int_equal(table_read(path, &table), 0);
	assert_int_equal(table.kind, expected);
	assert_string_equal(table.id, id);
	assert_int_equal(table.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(table.parts[i].number, i + 1);
		assert_int_equal(table.parts[i].start, layout.parts[i].start);
		assert_int_equal(table.parts[i].bytes, layout.parts[i].bytes);
		assert_false(table.parts[i].boot);
	}
}

static void boots_only(unsigned int number)
{
	assert_int_equal(table_set_boot(path, number), 0);
	assert_int_equal(table_read(path, &table), 0);
	for (size_t i = 0; i < table.count; i++)
		assert_int_equal(table.parts[i].boot, table.parts[i].number == number);
}

static void gpt(void **state)
{
	(void)state;
	write_and_read("gpt", TABLE_KIND_GPT);
	boots_only(2);
	boots_only(2);
	boots_only(1);
}

static void msdos(void **state)
{
	(void)state;
	write_and_read("msdos", TABLE_KIND_MSDOS);
	boots_only(2);
	boots_only(3);
}

static void one_over_the_other(void **state)
{
	(void)state;
	write_and_read("gpt", TABLE_KIND_GPT);
	write_and_read("msdos", TABLE_KIND_MSDOS);
	write_and_read("gpt", TABLE_KIND_GPT);
}

static void describes_what_is_there(void **state)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	unsigned int contents;

	(void)state;
	assert_int_equal(probe_describe(fd, 0, 0, &text, &contents), 0);
	assert_int_equal(text.len, 0);
	write_and_read("gpt", TABLE_KIND_GPT);
	assert_int_equal(probe_describe(fd, 0, 0, &text, &contents), 0);
	assert_non_null(strstr(text.buf, "gpt partition table"));
	assert_int_equal(contents, 0);
	strbuf_reset(&text);
	assert_int_equal(probe_zero_ends(fd, 0, BYTES), 0);
	assert_int_equal(probe_describe(fd, 0, 0, &text, &contents), 0);
	assert_int_equal(text.len, 0);
}

static void finds_bytes_without_a_name(void **state)
{
	static const uint64_t places[] = {0,
					  1,
					  511 << 10,
					  MIB - 1,
					  BYTES - MIB,
					  BYTES - 1,
					  3 * MIB + 100,
					  64 * MIB + 65600,
					  BYTES / MIB * 100 / 129 * MIB + 5};
	uint64_t where;

	(void)state;
	assert_int_equal(probe_is_zero(fd, BYTES, 512 << 10, 64 << 10, &where), 1);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		assert_int_equal(pwrite_full(fd, "x", 1, places[i]), 0);
		assert_int_equal(probe_is_zero(fd, BYTES, 512 << 10, 64 << 10, &where), 0);
		assert_int_equal(where, places[i]);
		assert_int_equal(pwrite_full(fd, "", 1, places[i]), 0);
	}
	/* the range that is left out */
	assert_int_equal(pwrite_full(fd, "x", 1, 512 << 10), 0);
	assert_int_equal(pwrite_full(fd, "x", 1, (576 << 10) - 1), 0);
	assert_int_equal(probe_is_zero(fd, BYTES, 512 << 10, 64 << 10, &where), 1);
	/* tiny disks */
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(probe_is_zero(fd, 4096, 512 << 10, 64 << 10, &where), 1);
}

static void foreign_files_are_no_table(void **state)
{
	(void)state;
	assert_int_equal(table_read(path, &table), 0);
	assert_int_equal(table.kind, TABLE_KIND_NONE);
	assert_int_not_equal(table_read("/nonexistent/disk", &table), 0);
}

#define image_test(f) cmocka_unit_test_setup_teardown(f, new_image, drop_image)

int main(void)
{
	const struct CMUnitTest tests[] = {
		image_test(gpt),
		image_test(msdos),
		image_test(one_over_the_other),
		image_test(describes_what_is_there),
		image_test(finds_bytes_without_a_name),
		image_test(foreign_files_are_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
