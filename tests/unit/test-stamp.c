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

/* What lies on partitions, and what was there before. */
static void devices_come_back(void **state)
{
	static const struct stamp_part parts[] = {
		{.mount = "-",
		 .fs = FS_MEMBER,
		 .start = 1 << 20,
		 .bytes = 1 << 30,
		 .number = 1,
		 .keep = KEEP_NOTHING},
		{.mount = "/home",
		 .fs = FS_XFS,
		 .start = 2L << 30,
		 .bytes = 1 << 30,
		 .number = 128,
		 .keep = KEEP_CONTENT,
		 .uuid = "1234"},
		{.mount = "-",
		 .kind = PART_RAID,
		 .fs = FS_MEMBER,
		 .name = "r",
		 .device = "00000000-0000-0000-0000-000000000001",
		 .how = "1",
		 .members = "sys.1 b.1"},
		{.mount = "swap",
		 .kind = PART_LUKS,
		 .fs = FS_SWAP,
		 .uuid = "abcd",
		 .name = "k",
		 .how = "random",
		 .members = "r"},
		{.mount = "-", .kind = PART_VG, .fs = FS_MEMBER, .name = "v", .members = "k"},
		{.mount = "/",
		 .kind = PART_LV,
		 .fs = FS_EXT4,
		 .uuid = "ef",
		 .options = "noatime",
		 .name = "v/root",
		 .members = "v"},
	};

	(void)state;
	make(0);
	made.part_count = sizeof(parts) / sizeof(parts[0]);
	memcpy(made.parts, parts, sizeof(parts));
	assert_int_equal(stamp_encode(&made, bytes, sizeof(bytes)), 0);
	assert_int_equal(stamp_decode(&got, bytes, sizeof(bytes)), 0);
	assert_memory_equal(&made, &got, sizeof(made));
	made.parts[2].members[0] = '\0'; /* on nothing */
	assert_int_equal(stamp_encode(&made, bytes, sizeof(bytes)), 0);
	assert_int_equal(stamp_decode(&got, bytes, sizeof(bytes)), -EBADMSG);
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
		cmocka_unit_test(devices_come_back),
		cmocka_unit_test(notices_every_damage),
		cmocka_unit_test(torn_write_leaves_the_old_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
