/* The stamp: what is written is what is read, every damage is noticed, and a torn write leaves the
 * old one. */
#include "modules/lib/stamp.h"

#include "init/lib/io.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct stamp made, got;
static unsigned char bytes[STAMP_SIZE];

static void make(size_t parts)
{
	made = (struct stamp){.site = "0123456789abcdef",
			      .node = "cnode00",
			      .install = "cnode00-7",
			      .disk = "sys",
			      .table = TABLE_MSDOS,
			      .table_id = "0x12345678",
			      .part_count = parts};
	for (size_t i = 0; i < parts; i++) {
		struct stamp_part *p = &made.parts[i];

		*p = (struct stamp_part){.fs = (enum layout_fs)(i % 3),
					 .number = (unsigned int)i + 1,
					 .start = (i + 1) << 30,
					 .bytes = 1 << 30};
		snprintf(p->mount, sizeof(p->mount), "/%0*zu", i % 2 ? 254 : 3, i);
		if (i % 3 != 2)
			snprintf(p->uuid, sizeof(p->uuid), "00000000-0000-0000-0000-%012u",
				 (unsigned int)i & 0xffff);
		if (i % 4 == 0)
			strcpy(p->options, "noatime,nodev");
	}
}

static void comes_back(void **state)
{
	(void)state;
	for (size_t parts = 0; parts <= LAYOUT_PARTS_MAX; parts += 8) {
		make(parts);
		made.finished = parts & 8;
		if (!made.finished) {
			memset(made.work, 'a', sizeof(made.work) - 1);
			strcpy(made.done, "extrbase,install");
			strcpy(made.open, parts & 16 ? "finalize" : "");
		}
		assert_int_equal(stamp_encode(&made, bytes, sizeof(bytes)), 0);
		assert_int_equal(stamp_decode(&got, bytes, sizeof(bytes)), 0);
		assert_memory_equal(&made, &got, sizeof(made));
	}
}

static void notices_every_damage(void **state)
{
	(void)state;
	make(3);
	assert_int_equal(stamp_encode(&made, bytes, sizeof(bytes)), 0);
	for (size_t i = 0; i < sizeof(bytes); i += i < 600 || i > sizeof(bytes) - 40 ? 1 : 97) {
		bytes[i] ^= 0x40;
		assert_int_not_equal(stamp_decode(&got, bytes, sizeof(bytes)), 0);
		bytes[i] ^= 0x40;
	}
	assert_int_equal(stamp_decode(&got, bytes, sizeof(bytes)), 0);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(stamp_decode(&got, bytes, sizeof(bytes)), -ENODATA);
	assert_int_equal(stamp_decode(&got, bytes, sizeof(bytes) - 1), -EINVAL);
}

static void torn_write_leaves_the_old_one(void **state)
{
	char path[] = "/tmp/lucie-stamp-XXXXXX";
	int fd = mkstemp(path);
	unsigned char junk[STAMP_SIZE] = {1, 2, 3};

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, 4 << 20), 0);
	assert_int_equal(stamp_read(fd, &got), -ENODATA);
	make(2);
	assert_int_equal(stamp_write(fd, &made), 0);
	assert_int_equal(stamp_read(fd, &got), 0);

	/* the first copy torn */
	assert_int_equal(pwrite_full(fd, junk, 4096, STAMP_OFFSET), 0);
	assert_int_equal(stamp_read(fd, &got), 0);
	assert_string_equal(got.install, "cnode00-7");
	/* both */
	assert_int_equal(pwrite_full(fd, junk, 4096, STAMP_OFFSET + STAMP_SIZE + 100), 0);
	assert_int_equal(stamp_read(fd, &got), -EBADMSG);
	/* a disk that ends before */
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(stamp_read(fd, &got), -ENODATA);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(notices_every_damage),
		cmocka_unit_test(torn_write_leaves_the_old_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
