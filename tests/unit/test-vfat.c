/* FAT32 on image files, judged by fsck.fat and libblkid: either side of every limit, and on what an
 * earlier owner left. */
#include "modules/lib/vfat.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/proc.h"
#include "init/lib/str.h"
#include "modules/lib/probe.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static char path[] = "/tmp/lucie-vfat-XXXXXX";
static int fd = -1;

static int new_image(void **state)
{
	(void)state;
	strcpy(path, "/tmp/lucie-vfat-XXXXXX");
	fd = mkstemp(path);
	return fd < 0;
}

static int drop_image(void **state)
{
	(void)state;
	close(fd);
	return unlink(path);
}

static void make_and_check(uint64_t bytes, const char *label, const char *shown)
{
	char *const argv[] = {"/sbin/fsck.fat", "-n", path, NULL};
	char uuid[VFAT_UUID_TEXT], found[64];
	struct strbuf what = STRBUF_INIT;
	unsigned int contents;

	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	vfat_new_uuid(uuid);
	assert_int_equal(vfat_make(path, bytes, uuid, label), 0);
	assert_int_equal(proc_run(argv, &(struct proc_options){.total_seconds = 120}), 0);
	assert_int_equal(probe_uuid(path, found, sizeof(found)), 0);
	assert_string_equal(found, uuid);
	assert_int_equal(probe_describe(fd, 0, 0, &what, &contents), 0);
	assert_non_null(strstr(what.buf, shown));
	strbuf_free(&what);
}

static void on_all_sizes(void **state)
{
	static const uint64_t sizes[] = {VFAT_BYTES_MIN, 260 * MIB, 261 * MIB, 8 * GIB,
					 16 * GIB,	 17 * GIB,  33 * GIB,  1024 * GIB};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		make_and_check(sizes[i], "esp", "vfat labelled 'ESP'");
	}
}

static void on_a_used_disk(void **state)
{
	char junk[4096];

	(void)state;
	memset(junk, 0xa5, sizeof(junk));
	for (uint64_t at = 0; at < 100 * MIB; at += sizeof(junk))
		assert_int_equal(pwrite_full(fd, junk, sizeof(junk), at), 0);
	make_and_check(100 * MIB, "", "vfat");
	make_and_check(100 * MIB, "eleven-lett", "vfat labelled 'ELEVEN-LETT'");
}

static void too_small(void **state)
{
	(void)state;
	assert_int_equal(ftruncate(fd, 32 * (off_t)MIB), 0);
	assert_int_equal(vfat_make(path, 32 * MIB, "0000-0001", ""), -EINVAL);
	assert_int_equal(vfat_make(path, 100 * MIB, "no id", ""), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(on_all_sizes, new_image, drop_image),
		cmocka_unit_test_setup_teardown(on_a_used_disk, new_image, drop_image),
		cmocka_unit_test_setup_teardown(too_small, new_image, drop_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
