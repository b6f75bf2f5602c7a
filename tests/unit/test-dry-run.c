/* The dry run on image files: blank, foreign, too small, ours; and that it writes to none of them. */
#include "host-tools/lib/dry-run.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "modules/lib/stamp.h"
#include "modules/lib/table.h"

#define MIB   ((uint64_t)1 << 20)
#define BYTES (256 * MIB)

static char path[] = "/tmp/lucie-dry-XXXXXX";
static int fd = -1;
static struct strbuf out;

static int new_image(void **state)
{
	(void)state;
	strcpy(path, "/tmp/lucie-dry-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 || ftruncate(fd, BYTES);
}

static int drop_image(void **state)
{
	(void)state;
	strbuf_free(&out);
	close(fd);
	return unlink(path);
}

/* All bytes of the image must be as before. */
static int run(uint64_t bytes, const char *modules, const char *head)
{
	_cleanup_free_ char *before = malloc(bytes), *after = malloc(bytes);
	const char *const files[] = {path};
	char text[512], why[160];
	struct plan plan;
	int ret;

	snprintf(text, sizeof(text),
		 PLAN_VERSION_LINE "\nsite s1\nnode n1\nmodules %s\n%s[layout]\ndisk system disk1\n"
				   "partition / 64M- ext4 label=root\npartition swap 32M swap\n",
		 modules, head);
	assert_int_equal(plan_parse(&plan, text, strlen(text), why, sizeof(why)), 0);
	assert_int_equal(pread_full(fd, before, bytes, 0), 0);
	strbuf_free(&out);
	out = (struct strbuf)STRBUF_INIT;
	ret = dry_run(&out, &plan, files, 1, &(struct dry_run_options){.ram = MIB});
	assert_int_equal(pread_full(fd, after, bytes, 0), 0);
	assert_memory_equal(before, after, bytes);
	plan_free(&plan);
	return ret;
}

static void says(const char *words)
{
	if (!strstr(out.buf, words))
		fail_msg("'%s' is not in:\n%s", words, out.buf);
}

static void blank(void **state)
{
	(void)state;
	assert_int_equal(run(BYTES, "init partition mount", ""), DRY_RUN_CHANGES);
	says("may be written");
	says("ext4 / label root, new");
	says("  4  make ext4 on system.1 for /, label root");
	assert_int_equal(run(BYTES, "init mount", ""), DRY_RUN_REFUSED);
	says("does not carry the stamp of disk 'system'");
}

static void foreign(void **state)
{
	(void)state;
	assert_int_equal(pwrite_full(fd, "somebody's", 10, 700000), 0);
	assert_int_equal(run(BYTES, "init partition", ""), DRY_RUN_REFUSED);
	says("data of no known kind at byte 700000");
	assert_int_equal(run(BYTES, "init partition", "wipe yes\n"), DRY_RUN_CHANGES);
	says("it is wiped, as asked for");
}

static void too_small(void **state)
{
	(void)state;
	assert_int_equal(ftruncate(fd, 64 * (off_t)MIB), 0);
	assert_int_equal(run(64 * MIB, "init partition", ""), DRY_RUN_REFUSED);
	says("there is room for 62.0 MiB");
	assert_null(strstr(out.buf, "may be written"));
}

/* A disk as a finished installation leaves it. */
static void put_table_and_stamp(const char *site)
{
	static struct stamp s;
	static struct layout l;
	struct plan plan;
	char text[256], why[160], id[TABLE_ID_MAX];

	snprintf(text, sizeof(text),
		 PLAN_VERSION_LINE "\n[layout]\ndisk system disk1\n"
				   "partition / 64M- ext4 label=root\n"
				   "partition swap 32M swap\n");
	assert_int_equal(plan_parse(&plan, text, strlen(text), why, sizeof(why)), 0);
	assert_int_equal(layout_parse(&l, plan_section(&plan, "layout"), NULL, NULL), 0);
	assert_int_equal(layout_place(&l, 0, BYTES, MIB, why, sizeof(why)), 0);
	plan_free(&plan);
	table_new_id(TABLE_GPT, id);
	assert_int_equal(table_write(path, &l, 0, id), 0);
	memset(&s, 0, sizeof(s));
	strcpy(s.site, site);
	strcpy(s.node, "n1");
	strcpy(s.install, "1");
	strcpy(s.disk, "system");
	s.finished = true;
	snprintf(s.table_id, sizeof(s.table_id), "%.*s", UUID_TEXT - 1, id);
	for (size_t i = 0; i < l.part_count; i++) {
		s.parts[i] = (struct stamp_part){.fs = l.parts[i].fs,
						 .number = l.parts[i].number,
						 .start = l.parts[i].start,
						 .bytes = l.parts[i].bytes};
		strcpy(s.parts[i].mount, l.parts[i].mount);
	}
	s.part_count = l.part_count;
	assert_int_equal(stamp_write(fd, &s), 0);
}

static void ours(void **state)
{
	(void)state;
	put_table_and_stamp("s1");
	assert_int_equal(run(BYTES, "init mount", ""), DRY_RUN_SAME);
	says("our stamp: disk 'system' of node 'n1', site s1");
	assert_int_equal(run(BYTES, "init partition", ""), DRY_RUN_CHANGES);
	says("same place, content made anew");
}

static void another_sites(void **state)
{
	(void)state;
	put_table_and_stamp("s2");
	assert_int_equal(run(BYTES, "init partition", ""), DRY_RUN_REFUSED);
	says("the stamp of another site");
	assert_int_equal(run(BYTES, "init mount", ""), DRY_RUN_REFUSED);
}

#define ON_IMAGE(f) cmocka_unit_test_setup_teardown(f, new_image, drop_image)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_IMAGE(blank), ON_IMAGE(foreign),	  ON_IMAGE(too_small),
		ON_IMAGE(ours),	 ON_IMAGE(another_sites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
