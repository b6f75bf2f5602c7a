/* Which partitions a layout keeps: found by number, label and file system, refused where they are not
 * as the line says. */
#include "modules/lib/keep.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MIB ((uint64_t)1 << 20)

static struct layout layout;
static struct table table;
static struct stamp stamp;
static struct keep_disk found;
static char why[256];

static void parse(const char *lines)
{
	char text[1024];
	struct plan plan;

	snprintf(text, sizeof(text), PLAN_VERSION_LINE "\n[layout]\n%s\n", lines);
	assert_int_equal(plan_parse(&plan, text, strlen(text), why, sizeof(why)), 0);
	assert_int_equal(layout_parse(&layout, plan_section(&plan, "layout"), NULL, NULL), 0);
	plan_free(&plan);
}

static void add(const char *type, const char *label)
{
	struct table_part *p = &table.parts[table.count++];

	*p = (struct table_part){.number = (unsigned int)table.count,
				 .start = table.count * 100 * MIB,
				 .bytes = 50 * MIB};
	snprintf(p->content.type, sizeof(p->content.type), "%s", type);
	snprintf(p->content.label, sizeof(p->content.label), "%s", label);
}

/* A table of three, no stamp. */
static int three(void **state)
{
	(void)state;
	table = (struct table){.kind = TABLE_KIND_GPT};
	memset(&stamp, 0, sizeof(stamp));
	add("ext4", "root");
	add("xfs", "data");
	add("vfat", "EFI");
	found = (struct keep_disk){.table = &table};
	return 0;
}

static int find(const char *lines)
{
	char text[512];

	snprintf(text, sizeof(text), "disk s disk1\n%s", lines);
	parse(text);
	return keep_find(&layout, 0, &found, why, sizeof(why));
}

static void finds(void **state)
{
	(void)state;
	assert_int_equal(find("partition /a - xfs label=data preserve"), 0);
	assert_true(layout.parts[0].kept);
	assert_int_equal(layout.parts[0].number, 2);
	assert_int_equal(layout.parts[0].start, 200 * MIB);
	assert_int_equal(find("partition /x 1G ext4\npartition /a - xfs preserve"), 0);
	assert_int_equal(layout.parts[1].number, 2);
	assert_false(layout.parts[0].kept);
	assert_int_equal(find("partition /a - xfs preserve=fs"), 0);
	assert_int_equal(layout.parts[0].number, 2);
	assert_int_equal(find("partition /boot/efi - vfat label=efi preserve"), 0);
	assert_int_equal(layout.parts[0].number, 3);
	assert_int_equal(find("partition - - raw preserve=2"), 0);
	assert_int_equal(find("partition / - ext4 label=new reuse=3"), 0);
	assert_true(keep_has(&layout, 0, 3));
	assert_false(keep_has(&layout, 0, 1));
	assert_true(keep_meets(&layout, 0, 300 * MIB, 50 * MIB));
	assert_true(keep_meets(&layout, 0, 349 * MIB, UINT64_MAX));
	assert_true(keep_meets(&layout, 0, 100 * MIB, 201 * MIB));
	assert_false(keep_meets(&layout, 0, 100 * MIB, 200 * MIB));
	assert_false(keep_meets(&layout, 0, 350 * MIB, MIB));
}

static void refuses(void **state)
{
	(void)state;
	assert_int_equal(find("partition / - ext4 label=none preserve"), -ENOENT);
	assert_int_equal(find("partition / - ext4 label=data preserve"), -EUCLEAN);
	assert_non_null(strstr(why, "partition 2 holds xfs"));
	assert_int_equal(find("partition / - ext4 preserve=7"), -ENOENT);
	assert_int_equal(find("partition / - ext4 label=x preserve=1"), -EUCLEAN);
	assert_non_null(strstr(why, "has the label 'root'"));
	add("xfs", "data");
	assert_int_equal(find("partition /x - xfs label=data preserve"), -EUCLEAN);
	assert_non_null(strstr(why, "is there 2 times"));
	table.parts[1].content.several = true;
	assert_int_equal(find("partition /x - xfs preserve=2"), -EUCLEAN);
	table.parts[0].start = MIB / 2;
	assert_int_equal(find("partition / - ext4 preserve=1"), -EUCLEAN);
	assert_non_null(strstr(why, "before the first MiB"));
	table.kind = TABLE_KIND_MSDOS;
	assert_int_equal(find("partition /x - xfs preserve=4"), -EUCLEAN);
	assert_non_null(strstr(why, "no gpt table"));
}

static void nothing_is_lost_on_a_blank_disk(void **state)
{
	(void)state;
	table = (struct table){0};
	found.blank = true;
	assert_int_equal(find("partition / 1G ext4 label=x preserve"), 0);
	assert_false(layout.parts[0].kept);
	assert_int_equal(find("partition / - ext4 label=x preserve"), -ENOENT);
}

/* An installation that was cut off is known by its stamp, which says what was new. */
static void cut_off(void **state)
{
	struct stamp_part *was = &stamp.parts[stamp.part_count++];

	(void)state;
	*was = (struct stamp_part){
		.fs = FS_EXT4, .number = 1, .start = 100 * MIB, .bytes = 50 * MIB};
	strcpy(was->mount, "/data");
	found.stamp = &stamp;
	table.parts[0].content = (struct probe_content){0};
	assert_int_equal(find("partition /data 1G ext4 label=data preserve=1"), 0);
	assert_false(layout.parts[0].kept);
	was->keep = KEEP_CONTENT; /* it was there before */
	assert_int_equal(find("partition /data 1G ext4 label=data preserve=1"), -EUCLEAN);
	was->keep = KEEP_NOTHING;
	strcpy(stamp.open, "finalize"); /* somebody may have used it */
	assert_int_equal(find("partition /data 1G ext4 label=data preserve=1"), -EUCLEAN);
	stamp.open[0] = '\0';
	stamp.finished = true;
	assert_int_equal(find("partition /data 1G ext4 label=data preserve=1"), -EUCLEAN);
	/* what is reused was wiped when the power went */
	stamp.finished = false;
	was->keep = KEEP_PLACE;
	assert_int_equal(find("partition /data 1G ext4 label=home reuse"), 0);
	assert_int_equal(layout.parts[0].number, 1);
}

static void logical(void **state)
{
	(void)state;
	table.kind = TABLE_KIND_MSDOS;
	add("ext4", "five");
	add("ext4", "six");
	table.parts[2].extended = true;
	table.parts[3] = table.parts[4];
	table.count--;
	table.parts[3].number = 5;
	table.parts[3].logical = true;
	parse("disk s disk1 table=msdos\npartition / 1G ext4\npartition /x - ext4 preserve=5 "
	      "logical");
	assert_int_equal(keep_find(&layout, 0, &found, why, sizeof(why)), 0);
	assert_true(layout.disks[0].extended.kept);
	assert_int_equal(layout.disks[0].extended.number, 3);
	parse("disk s disk1 table=msdos\npartition / 1G ext4\npartition /x - ext4 preserve=5 "
	      "logical\npartition /y 1G ext4 logical");
	assert_int_equal(keep_find(&layout, 0, &found, why, sizeof(why)), -EUCLEAN);
	assert_non_null(strstr(why, "all or none"));
	parse("disk s disk1 table=msdos\npartition /x - ext4 preserve=5");
	assert_int_equal(keep_find(&layout, 0, &found, why, sizeof(why)), -EUCLEAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(finds, three),
		cmocka_unit_test_setup(refuses, three),
		cmocka_unit_test_setup(nothing_is_lost_on_a_blank_disk, three),
		cmocka_unit_test_setup(cut_off, three),
		cmocka_unit_test_setup(logical, three),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
