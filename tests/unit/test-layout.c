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
		{"disk s disk1\npartition / 8GB ext4", "'8GB' is not a size, expected '8G'"},
		{"disk s disk1\npartition / 2GiB-8gb ext4", "expected '2G-8G'"},
		{"disk s disk1\npartition / 8BG ext4", "expected 512M"},
		{"disk s disk1\npartition / GB ext4", "expected 512M"},
		{"disk s disk1\npartition / 10000000000000000000000000000000000000000000GB ext4",
		 "expected 512M"},
		{"disk s disk1\npartition / RAM*99 ext4", "is not a size"},
		{"disk s disk1\npartition / 99999999999999999999G ext4", "is not a size"},
		{"disk s disk1\npartition / 3000 ext4",
		 "'3000' has no unit, expected for example 3000M"},
		{"disk s disk1\npartition / 500-900 ext4", "'500-900' has no unit"},
		{"disk s disk1\npartition / 500- ext4", "expected for example 500M"},
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
		{"disk s disk1\npartition / 1G ext4 keep", "unknown option 'keep'"},
		{"disk s disk1\npartition / 1G ext4 logical", "table=msdos can be logical"},
		{"disk s disk1\npartition / 1G ext4 preserve=uuid", "no way to find a partition"},
		{"disk s disk1\npartition / 1G ext4 preserve=label", "needs label=TEXT"},
		{"disk s disk1\npartition / 1G ext4 preserve reuse", "said twice"},
		{"disk s disk1\npartition / - ext4", "'-' as the size goes with preserve"},
		{"disk s disk1\npartition - 1G raw preserve=fs", "no file system to be found by"},
		{"disk s disk1\npartition / 200M xfs", "xfs needs at least 300M"},
		{"disk s disk1\npartition /x 1G xfs label=0123456789abc", "12 bytes that xfs"},
		{"disk s disk1\npartition /x 1G xfs reserved=1", "only ext4 has reserved="},
		{"disk s disk1\npartition / 1G ext4 reserved=51", "not a percentage"},
		{"disk s disk1\npartition / 1G ext4 features=a;b", "not a list of features"},
		{"disk s disk1\npartition / 1G xfs", "expected an ext4 partition '/boot'"},
		{"disk s disk1\npartition - 1G member", "has 's.1' as its member"},
		{"disk s disk1 table=msdos\npartition /a 1G ext4\npartition /b 1G ext4\npartition "
		 "/c 1G ext4\npartition /d 1G ext4\npartition /e 1G ext4 logical",
		 "8: an msdos table has room for 4 partitions"},
		{"disk s disk1 table=msdos\npartition /a 1G ext4 logical\npartition /b 1G ext4\n"
		 "partition /c 1G ext4 logical",
		 "6: the logical partitions of a disk follow each other"},
		{"disk s /dev/disk/by-uuid/x", "is not known on a node"},
		{"disk s transport=scuzzy", "unknown transport 'scuzzy'"},
		{"grow /", "unknown key 'grow'"},
		{"disk s disk1", "the layout has no partition"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].lines), -EINVAL);
		if (!strstr(errors, cases[i].error))
			fail_msg("'%s' gave '%s'", cases[i].lines, errors);
	}
}

/* Six disks with a member each, and what is made of them. */
#define SIX                                                                                        \
	"disk a disk1\npartition /boot 512M ext4\npartition - 1G member\n"                         \
	"disk b disk2\npartition - 1G member\ndisk c disk3\npartition - 1G member\n"               \
	"disk d disk4\npartition - 1G member\n"

static void refuses_stacks(void **state)
{
	static const struct {
		const char *lines, *error;
	} cases[] = {
		{"raid r 1 a.2", "needs 2 members, 'r' has 1"},
		{"raid r 5 a.2 b.1", "needs 3 members"},
		{"raid r 6 a.2 b.1 c.1 spare=d.1", "needs 4 members, 'r' has 3"},
		{"raid r 4 a.2 b.1", "'4' is not a level of a raid"},
		{"raid r 1 a.1 b.1", "'a.1' holds ext4"},
		{"raid r 1 a.2 a.2", "'a.2' is already a member"},
		{"raid r 1 a.2 e.1", "there is no 'e.1' above"},
		{"raid r 1 a.2 a.0", "there is no 'a.0' above"},
		{"raid r 0 a.2 b.1 chunk=5K", "not a chunk"},
		{"raid r 1 a.2 b.1 chunk=64K", "has no chunks"},
		{"raid r.x 1 a.2 b.1", "is not a name"},
		{"raid r 1 a.2 b.1\nraid r 1 c.1 d.1", "already the name of the raid of line 12"},
		{"raid r 1 a.2 b.1", "'r' has no filesystem line"},
		{"filesystem / r ext4", "there is no raid or luks 'r'"},
		{"raid r 1 a.2 b.1\nfilesystem / r ext4\nfilesystem /x r ext4", "already holds"},
		{"raid r 1 a.2 b.1\nfilesystem / r ext4 preserve", "only partitions can be"},
		{"raid r 1 a.2 b.1\nfilesystem /boot r ext4", "already mounted by line 4"},
		{"luks k a.2\nfilesystem / k member", "'member' is for partitions"},
		{"luks k a.2 key=random\nfilesystem / k ext4", "lost at the next boot"},
		{"luks k a.2 key=tpm2\nfilesystem /usr k ext4", "the initramfs cannot ask a TPM"},
		{"luks k a.2 key=tpm2\nvg v k\nlv v r / 1G ext4", "the initramfs cannot ask a TPM"},
		{"luks k a.2 key=tpm", "unknown option 'key=tpm' of a luks"},
		{"vg v", "expected 'vg NAME MEMBER...'"},
		{"vg v a.2", "vg 'v' has no lv"},
		{"lv v root / 1G ext4", "there is no vg 'v' above"},
		{"vg v a.2\nlv v r / 1G ext4\nlv v r /x 1G ext4", "already the name of the lv"},
		{"vg v a.2\nlv v r / 2G ext4", "need 2.0 GiB and some MiB, its members have 1.0"},
		{"vg v a.2\nlv v r / 60% ext4\nlv v s /s 50% ext4", "take 110% of it"},
		{"raid r 1 a.2 b.1\nvg v r\nlv v r / 1500M ext4", "its members have 1.0 GiB"},
	};
	char lines[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(lines, sizeof(lines), SIX "%s", cases[i].lines);
		assert_int_equal(parse(lines), -EINVAL);
		if (!strstr(errors, cases[i].error))
			fail_msg("'%s' gave '%s'", cases[i].lines, errors);
	}
}

static void boot_lies_where_a_loader_reads_it(void **state)
{
	(void)state;
	parse("disk a disk1\npartition - 9G member\nvg v a.1\nlv v root / 5G ext4");
	assert_non_null(strstr(errors, "6: the boot loader cannot read / here"));
	parse("disk a disk1\npartition - 9G member\nluks k a.1\nfilesystem / k ext4");
	assert_non_null(strstr(errors, "the boot loader cannot read / here"));
	parse("disk a disk1\npartition - 9G member\npartition - 9G member\nraid r 0 a.1 a.2\n"
	      "filesystem / r ext4");
	assert_non_null(strstr(errors, "the boot loader cannot read / here"));
	assert_int_equal(parse("disk a disk1\npartition - 9G member\npartition - 9G member\n"
			       "raid r 1 a.1 a.2\nfilesystem / r ext4"),
			 0);
	assert_true(layout_raid_boots(&layout, 2));
}

static void stacks(void **state)
{
	char why[160], title[LAYOUT_TITLE_MAX];

	(void)state;
	assert_int_equal(parse(SIX "raid r 5 a.2 b.1 c.1 spare=d.1 chunk=64K\nluks k r\n"
				   "vg v k\nlv v swap swap 256M swap\nlv v root / 512M- xfs "
				   "label=root\nlv v data /data 10% ext4 reserved=0"),
			 0);
	assert_string_equal(errors, "");
	assert_int_equal(layout.part_count, 11);
	assert_int_equal(layout.parts[5].member_count, 4);
	assert_int_equal(layout.parts[5].spares, 1);
	assert_int_equal(layout.parts[6].members[0], 5);
	assert_false(layout_raid_boots(&layout, 5));
	assert_string_equal(layout_title(&layout, 9, title), "v/root");
	assert_string_equal(layout_title(&layout, 1, title), "a.2");
	for (size_t disk = 0; disk < 4; disk++) {
		assert_true(layout_is_on(&layout, 9, disk));
		assert_int_equal(layout_is_on(&layout, 0, disk), disk == 0);
	}
	assert_int_equal(layout_place_vg(&layout, 7, 2 * GIB - 1, 0, why, sizeof(why)), 0);
	assert_int_equal(layout.parts[8].bytes, 256 * MIB);
	assert_int_equal(layout.parts[10].bytes, 204 * MIB / 4 * 4);
	assert_int_equal(layout.parts[9].bytes, 2 * GIB - 4 * MIB - 460 * MIB);
	assert_int_equal(layout_place_vg(&layout, 7, 600 * MIB, 0, why, sizeof(why)), -ENOSPC);
	assert_non_null(strstr(why, "the volumes of vg 'v' need"));
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

/* Each logical partition has a MiB before it, and the extended one is around them. */
static void places_logical(void **state)
{
	const struct layout_extended *e = &layout.disks[0].extended;
	char why[160];

	(void)state;
	assert_int_equal(parse("disk s disk1 table=msdos\npartition /boot 64M ext4\npartition swap "
			       "64M swap\npartition / 256M- ext4\npartition /a 64M ext4\n"
			       "partition /b 64M ext4\npartition /c 10% ext4"),
			 0);
	assert_int_equal(layout_place(&layout, 0, GIB, 0, why, sizeof(why)), 0);
	assert_int_equal(layout.parts[2].number, 3);
	assert_int_equal(layout.parts[3].number, 5);
	assert_int_equal(layout.parts[5].number, 7);
	assert_int_equal(e->number, 4);
	assert_int_equal(e->start, layout.parts[2].start + layout.parts[2].bytes);
	assert_int_equal(layout.parts[3].start, e->start + MIB);
	assert_int_equal(layout.parts[4].start,
			 layout.parts[3].start + layout.parts[3].bytes + MIB);
	assert_int_equal(e->start + e->bytes, GIB - MIB);
	assert_int_equal(layout.parts[5].start + layout.parts[5].bytes, GIB - MIB);
	assert_int_equal(parse("disk s disk1 table=msdos\npartition /a 64M ext4 logical\n"
			       "partition / 256M- ext4"),
			 0);
	assert_int_equal(layout_place(&layout, 0, GIB, 0, why, sizeof(why)), 0);
	assert_int_equal(e->number, 1);
	assert_int_equal(layout.parts[1].number, 2);
}

/* What stays is an island; the lines before and after it share the water. */
static void places_around_what_is_kept(void **state)
{
	struct layout_part *kept = &layout.parts[1];
	char why[160];

	(void)state;
	assert_int_equal(parse("disk s disk1\npartition / 256M- ext4\npartition /home 1G ext4 "
			       "preserve=3\npartition swap 64M swap\npartition /x 16M- ext4"),
			 0);
	assert_int_equal(layout.parts[1].find_number, 3);
	kept->kept = true;
	kept->number = 3;
	kept->start = GIB + 512;
	kept->bytes = GIB + 512;
	assert_int_equal(layout_place(&layout, 0, 4 * GIB, 0, why, sizeof(why)), 0);
	assert_int_equal(layout.parts[0].start, MIB);
	assert_int_equal(layout.parts[0].bytes, GIB - MIB);
	assert_int_equal(layout.parts[0].number, 1);
	assert_int_equal(layout.parts[2].start, 2 * GIB + MIB);
	assert_int_equal(layout.parts[2].number, 2);
	assert_int_equal(layout.parts[3].number, 4);
	assert_int_equal(layout.parts[3].start + layout.parts[3].bytes, 4 * GIB - MIB);
	kept->start = 200 * MIB;
	assert_int_equal(layout_place(&layout, 0, 4 * GIB, 0, why, sizeof(why)), -ENOSPC);
	assert_non_null(strstr(why, "before the kept one of /home need 256.0 MiB"));
	kept->start = 0;
	assert_int_equal(layout_place(&layout, 0, 4 * GIB, 0, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "in the order of the disk"));
}

static void aligns_to_the_disk(void **state)
{
	char why[160];

	(void)state;
	parse("disk s disk1\npartition /a 100M ext4\npartition /b 16M- ext4");
	layout_geometry(&layout, 0, 4096, 1536 << 10);
	assert_int_equal(layout_place(&layout, 0, GIB, 0, why, sizeof(why)), 0);
	assert_int_equal(layout.parts[0].start, 3 * MIB);
	assert_int_equal(layout.parts[0].bytes, 102 * MIB);
	assert_int_equal(layout.parts[1].start % (3 * MIB), 0);
	layout_geometry(&layout, 0, 512, 33553920); /* what some disks say for "unlimited" */
	assert_int_equal(layout.disks[0].align, MIB);
	layout_geometry(&layout, 0, 512, 64 << 10);
	assert_int_equal(layout.disks[0].align, MIB);
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
	assert_true(layout_is_esp(FS_VFAT, "/efi"));
	assert_true(layout_is_esp(FS_VFAT, "/boot/efi2"));
	assert_false(layout_is_esp(FS_EXT4, "/boot/efi"));
	assert_false(layout_is_esp(FS_VFAT, "/boot/efi1"));
	assert_false(layout_is_esp(FS_VFAT, "/boot/efi22"));
	assert_false(layout_is_esp(FS_VFAT, "/boot/efi/x"));
	assert_false(layout_is_esp(FS_VFAT, "/boot"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_all_forms),
		cmocka_unit_test(refuses),
		cmocka_unit_test(reports_every_error),
		cmocka_unit_test(places_and_shares),
		cmocka_unit_test(places_many_growing),
		cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(msdos_ends_at_2_tib),
		cmocka_unit_test(finds_raw_by_label),
		cmocka_unit_test(uefi_needs_its_partition),
		cmocka_unit_test(refuses_stacks),
		cmocka_unit_test(stacks),
		cmocka_unit_test(places_logical),
		cmocka_unit_test(places_around_what_is_kept),
		cmocka_unit_test(aligns_to_the_disk),
		cmocka_unit_test(boot_lies_where_a_loader_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
