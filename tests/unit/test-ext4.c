/* File systems on image files, judged by e2fsck: on zeros and on what an earlier owner left. */
#include "modules/lib/ext4.h"
#include "modules/lib/probe.h"

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MIB  ((uint64_t)1 << 20)
#define UUID "5ef5b0ed-6b4a-4f5d-8b0c-000000000001"

/* With the defaults. */
static int make(const char *at, uint64_t bytes, const char *uuid, const char *label)
{
	const struct ext4_spec spec = {
		.uuid = uuid, .label = label, .features = "", .reserved = -1};

	return ext4_make(at, bytes, &spec);
}

static char path[64];

static void new_image(uint64_t bytes, int used)
{
	int fd;

	strcpy(path, "/tmp/lucie-ext4-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	if (used) {
		char junk[4096];

		memset(junk, 0xa5, sizeof(junk));
		for (uint64_t at = 0; at < bytes; at += sizeof(junk))
			assert_int_equal(pwrite_full(fd, junk, sizeof(junk), at), 0);
	}
	close(fd);
}

static void check_image(void)
{
	char *const argv[] = {"/sbin/e2fsck", "-fn", path, NULL};
	char uuid[64];

	assert_int_equal(proc_run(argv, &(struct proc_options){.total_seconds = 120}), 0);
	assert_int_equal(probe_uuid(path, uuid, sizeof(uuid)), 0);
	assert_string_equal(uuid, UUID);
	unlink(path);
}

static void on_all_sizes(void **state)
{
	/* either side of every limit of mke2fs.conf, and odd ends */
	static const uint64_t sizes[] = {16 * MIB,  17 * MIB + 4096,  511 * MIB,
					 512 * MIB, 4096 * MIB + MIB, 4 * 1024 * 1024 * MIB};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		new_image(sizes[i], 0);
		assert_int_equal(make(path, sizes[i], UUID, "root"), 0);
		check_image();
	}
}

static void on_a_used_disk(void **state)
{
	(void)state;
	new_image(64 * MIB, 1);
	assert_int_equal(make(path, 64 * MIB, UUID, ""), 0);
	check_image();
	new_image(600 * MIB, 1);
	assert_int_equal(make(path, 600 * MIB, UUID, "sixteen-bytes-xx"), 0);
	check_image();
}

static void swap_is_swap(void **state)
{
	char uuid[64];

	(void)state;
	new_image(32 * MIB, 0);
	assert_int_equal(swap_make(path, 32 * MIB, UUID, "a-label-of-sixteen"), 0);
	assert_int_equal(probe_uuid(path, uuid, sizeof(uuid)), 0);
	assert_string_equal(uuid, UUID);
	assert_int_equal(swap_make(path, 4096, UUID, ""), -EINVAL);
	assert_int_equal(swap_make(path, 32 * MIB, "no-uuid", ""), -EINVAL);
	unlink(path);
}

static void says_what_cannot_be(void **state)
{
	(void)state;
	assert_int_equal(make("/nonexistent/partition", 64 * MIB, UUID, ""), -ENOENT);
	new_image(64 * MIB, 0);
	assert_int_equal(make(path, 64 * MIB, "x", ""), -EINVAL);
	assert_true(make(path, 64 << 10, UUID, "") < 0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_all_sizes),
		cmocka_unit_test(on_a_used_disk),
		cmocka_unit_test(swap_is_swap),
		cmocka_unit_test(says_what_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
