/* The device of a logical volume: dm doubles a '-' of either name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "modules/lib/lvm.h"

static void assert_path(const char *vg, const char *lv, const char *wanted)
{
	char path[DISK_PATH_MAX];

	lvm_path(vg, lv, path);
	assert_string_equal(path, wanted);
}

static void test_path(void **state)
{
	(void)state;
	assert_path("vg", "root", "/dev/mapper/vg-root");
	assert_path("vg-0", "a--b", "/dev/mapper/vg--0-a----b");
}

/* Names of 31 bytes of '-' do not fit, and are cut rather than written past the end. */
static void test_bounds(void **state)
{
	char path[DISK_PATH_MAX], name[64];

	(void)state;
	memset(name, '-', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	lvm_path(name, name, path);
	assert_in_range(strlen(path), DISK_PATH_MAX - 4, DISK_PATH_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_path),
					   cmocka_unit_test(test_bounds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
