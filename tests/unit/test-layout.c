/* disk_layout lines: what parses, what is refused and with which words, and where partitions come
 * to lie. */
#include "modules/lib/boot-loader.h"
#include "modules/lib/layout.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define GIB ((uint64_t)1 << 30)
#define MIB ((uint64_t)1 << 20)

static struct layout layout;
static char errors[4096];

static void note(unsigned int line, const char *message, void *arg)
{
	size_t n = strlen(errors);

	(void)arg;
	snprintf(errors + n, sizeof(errors) - n, "%u: %s\n", line, message);
}

static int parse(const char *lines)
{
	char text[4096], why[160];
	struct plan plan;
	int ret;

	snprintf(text, sizeof(text), PLAN_VERSION_LINE "\n[layout]\n%s\n", lines);
	assert_int_equal(plan_parse(&plan, text, strlen(text), why, sizeof(why)), 0);
	errors[0] = '\0';
	ret = layout_parse(&layout, plan_section(&plan, "layout"), note, NULL);
	plan_free(&plan);
	return ret;
}

static void parses_all_forms(void **state)
{
	(void)state;
	assert_int_equal(parse("disk sys disk1\npartition swap RAM*2 swap\npartition / 2G-8G ext4 "
			       "label=root mount=noatime,ro\n"
			       "partition /srv/data 8G- ext4\npartition - 20% raw\n"
			       "disk a /dev/sda table=msdos\npartition /a 1T ext4\n"
			       "disk b serial=QM0001\npartition /b 512M ext4\n"
			       "disk c model=Samsung*\npartition /c 512M ext4\n"
			       "disk d size>100G table=gpt\npartition /d 20971520 ext4"),
			 0);
	assert_string_equal(errors, "");
	assert_int_equal(layout.disk_count, 5);
	assert_int_equal(layout.part_count, 8);
	assert_int_equal(layout.disks[0].selector, SELECT_NTH);
	assert_int_equal(layout.disks[0].table, TABLE_GPT);
	assert_string_equal(layout.disks[1].pattern, "/dev/sda");
	assert_int_equal(layout.disks[1].table, TABLE_MSDOS);
	assert_int_equal(layout.disks[4].number, 100 * GIB);
	assert_int_equal(layout.parts[0].size.ram_multiple, 2);
	assert_int_equal(layout.parts[1].size.min, 2 * GIB);
	assert_int_equal(layout.parts[1].size.max, 8 * GIB);
	assert_string_equal(layout.parts[1].options, "noatime,ro");
	assert_int_equal(layout.parts[2].size.max, 0);
	assert_int_equal(layout.parts[3].size.percent, 20);
	assert_int_equal(layout.parts[7].disk, 4);
}

static void refuses(void **state)
{
	static const struct {
		const char *lines, *error;
	} cases[] = {
		{"disk sys", "3: expected 'disk NAME SELECTOR [table=gpt|msdos]'"},
		{"disk sys disk0", "unknown disk 'disk0'"},
		{"disk sys disk", "unknown disk 'disk'"},
		{"disk sys /dev/../etc/passwd", "is not a device's path"},
		{"disk sys serial=", "the serial number is empty"},
		{"disk a/b disk1", "is not a name"},
		{"disk sys disk1 table=bsd", "unknown option 'table=bsd'"},
		{"disk sys disk1\ndisk sys disk2", "4: disk 'sys' is already defined in line 3"},
		{"partition / 1G ext4", "comes after the 'disk' line"},
		{"disk s disk1\npartition / 1G", "expected 'partition MOUNT SIZE FS"},
		{"disk s disk1\npartition / 1G btrfs", "unknown file system 'btrfs'"},
		{"disk s disk1\npartition / 0 ext4", "'0' is not a size"},
		{"disk s disk1\npartition / 8G-2G ext4", "is not a size"},
		{"disk s disk1\npartition / 101% ext4", "is not a size"},
		{"disk s disk1\npartition / RAM*99 ext4", "is not a size"},
		{"disk s disk1\npartition / 99999999999999999999G ext4", "is not a size"},
		{"disk s disk1\npartition / 8M ext4", "ext4 needs at least 16M"},
		{"disk s disk1\npartition swap 1G ext4", "goes with 'swap'"},
		{"disk s disk1\npartition / 1G swap", "goes with 'swap'"},
		{"disk s disk1\npartition / 1G raw", "a raw partition cannot be mounted"},
		{"disk s disk1\npartition srv 1G ext4", "is not a place to mount"},
		{"disk s disk1\npartition /a/../b 1G ext4", "is not a place to mount"},
		{"disk s disk1\npartition /a/ 1G ext4", "is not a place to mount"},
		{"disk s disk1\npartition //a 1G ext4", "is not a place to mount"},
		{"disk s disk1\npartition / 1G ext4\npartition / 1G ext4",
		 "is already mounted by line 4"},
		{"disk s disk1\npartition / 1G ext4 label=aaaaaaaaaaaaaaaaa",
		 "longer than 16 bytes"},
		{"disk s disk1\npartition / 1G ext4 preserve", "unknown option 'preserve'"},
		{"disk s disk1 table=msdos\npartition /a 1G ext4\npartition /b 1G ext4\npartition "
		 "/c 1G ext4\n"
		 "partition /d 1G ext4\npartition /e 1G ext4",
		 "room for 4 partitions"},
		{"raid r 1 a b", "unknown key 'raid'"},
		{"disk s disk1", "the layout has no partition"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].lines), -EINVAL);
		if (!strstr(errors, cases[i].error))
			fail_msg("'%s' gave '%s'", cases[i].lines, errors);
	}
}

static void reports_every_error(void **state)
{
	(void)state;
	parse("disk s disk1\npartition / 0 ext4\npartition x 1G ext5\nfoo bar");
	assert_non_null(strstr(errors, "4: "));
	assert_non_null(strstr(errors, "5: "));
	assert_non_null(strstr(errors, "6: "));
}

static void check_placed(uint64_t disk_bytes)
{
	uint64_t at = MIB;

	for (size_t i = 0; i < layout.part_count; i++) {
		assert_int_equal(layout.parts[i].number, i + 1);
		assert_int_equal(layout.parts[i].start, at);
		assert_int_equal(layout.parts[i].bytes % MIB, 0);
		assert_true(layout.parts[i].bytes > 0);
		at += layout.parts[i].bytes;
	}
	assert_true(at <= disk_bytes - MIB);
}

static void places_and_shares(void **state)
{
	char why[160];

	(void)state;
	parse("disk s disk1\npartition swap RAM swap\npartition / 2G-4G ext4\npartition /a 1G- "
	      "ext4\npartition /b 10% ext4");
	assert_int_equal(layout_place(&layout, 0, 20 * GIB + 12345, GIB - 1, why, sizeof(why)), 0);
	check_placed(20 * GIB + 12345);
	assert_int_equal(layout.parts[0].bytes, GIB);
	assert_int_equal(layout.parts[1].bytes, 4 * GIB);
	/* Everything that is left, to the last whole MiB. */
	assert_true(layout.parts[2].bytes > 12 * GIB);
	assert_int_equal(layout.parts[3].start + layout.parts[3].bytes, 20 * GIB - MIB);
}

static void places_many_growing(void **state)
{
	char why[160];

	(void)state;
	parse("disk s disk1\npartition /a 16M- ext4\npartition /b 16M- ext4\npartition /c 16M-20M "
	      "ext4");
	for (uint64_t bytes = 50 * MIB; bytes < 200 * MIB; bytes += 777777) {
		assert_int_equal(layout_place(&layout, 0, bytes, 0, why, sizeof(why)), 0);
		check_placed(bytes);
		assert_true(layout.parts[2].bytes <= 20 * MIB);
		assert_int_equal(layout.parts[2].start + layout.parts[2].bytes,
				 bytes / MIB * MIB - MIB);
	}
}

static void says_what_is_missing(void **state)
{
	char why[160];

	(void)state;
	parse("disk sys disk1\npartition / 2G ext4\npartition swap RAM*16 swap");
	assert_int_equal(layout_place(&layout, 0, GIB, UINT64_MAX, why, sizeof(why)), -ENOSPC);
	assert_int_equal(layout_place(&layout, 0, 0, MIB, why, sizeof(why)), -ENOSPC);
	assert_int_equal(layout_place(&layout, 0, GIB, 0, why, sizeof(why)), -ENOSPC);
	assert_string_equal(
		why, "the partitions of disk 'sys' need 2.0 GiB, there is room for 1022.0 MiB");
}

static void msdos_ends_at_2_tib(void **state)
{
	char why[160];

	(void)state;
	parse("disk sys disk1 table=msdos\npartition / 1G- ext4");
	assert_int_equal(layout_place(&layout, 0, 8192 * GIB, GIB, why, sizeof(why)), 0);
	assert_true(layout.parts[0].start + layout.parts[0].bytes <= 2048 * GIB);
	assert_true(layout.parts[0].bytes > 2047 * GIB);
}

static void finds_raw_by_label(void **state)
{
	(void)state;
	assert_int_equal(parse("disk a disk1\npartition / 1G ext4 label=root\n"
			       "disk b disk2\npartition /b 1G ext4 label=x\n"
			       "partition - 1G raw label=x\npartition - 1G raw label=y\n"
			       "partition - 1G raw label=y"),
			 0);
	assert_int_equal(layout_find_raw(&layout, "x"), 2);
	assert_int_equal(layout_find_raw(&layout, "y"), -1); /* which one? */
	assert_int_equal(layout_find_raw(&layout, "root"), -1);
}

static void uefi_needs_its_partition(void **state)
{
	(void)state;
	assert_int_equal(parse("disk a disk1\npartition / 1G ext4\npartition /data 1G vfat"), 0);
	assert_null(boot_loader_objection(&layout, false));
	assert_non_null(
		strstr(boot_loader_objection(&layout, true), "partition /boot/efi 512M vfat"));
	assert_int_equal(parse("disk a disk1\npartition /boot/efi 64M vfat\npartition / 1G ext4"),
			 0);
	assert_null(boot_loader_objection(&layout, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_all_forms),	    cmocka_unit_test(refuses),
		cmocka_unit_test(reports_every_error),	    cmocka_unit_test(places_and_shares),
		cmocka_unit_test(places_many_growing),	    cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(msdos_ends_at_2_tib),	    cmocka_unit_test(finds_raw_by_label),
		cmocka_unit_test(uefi_needs_its_partition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
