/* Which partitions the firmware reads of a file system: its own, or the members of its array. */
#include "modules/lib/boot-loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct volumes v;
static struct boot_place places[LAYOUT_DISKS_MAX];

static void two_disks(const char *first, const char *second)
{
	memset(&v, 0, sizeof(v));
	v.disk_count = 2;
	strcpy(v.stamps[0].disk, first);
	strcpy(v.stamps[1].disk, second);
}

static void a_partition_is_its_own_place(void **state)
{
	struct volume on = {.disk = 1, .part = {.kind = PART_DISK, .number = 3}};

	(void)state;
	two_disks("a", "b");
	assert_int_equal(boot_places(&v, &on, places), 1);
	assert_int_equal(places[0].disk, 1);
	assert_int_equal(places[0].number, 3);
}

static void an_array_has_its_members(void **state)
{
	struct volume on = {.part = {.kind = PART_RAID, .members = "sys.1.2 sys.3"}};

	(void)state;
	two_disks("sys", "sys.1");
	assert_int_equal(boot_places(&v, &on, places), 2);
	assert_int_equal(places[0].disk, 1);
	assert_int_equal(places[0].number, 2);
	assert_int_equal(places[1].disk, 0);
	assert_int_equal(places[1].number, 3);
}

static void what_is_gone_is_no_place(void **state)
{
	struct volume on = {.part = {.kind = PART_RAID, .members = "a.1 c.1 b b. b.x"}};

	(void)state;
	two_disks("a", "b");
	assert_int_equal(boot_places(&v, &on, places), 1);
	assert_int_equal(places[0].disk, 0);
	on.part.members[0] = '\0';
	assert_int_equal(boot_places(&v, &on, places), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_partition_is_its_own_place),
		cmocka_unit_test(an_array_has_its_members),
		cmocka_unit_test(what_is_gone_is_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
