/* Records of the kernel's log: which ones say that a disk failed, and what is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "init/lib/kmsg.h"

static void takes_device_sector_and_operation(void **state)
{
	char text[128];

	(void)state;
	assert_true(kmsg_parse_disk_error(
		"3,520,12345678,-;I/O error, dev vda, sector 2048 op 0x1:(WRITE) flags 0x800 "
		"phys_seg 1 prio class 2\n SUBSYSTEM=block\n",
		text, sizeof(text)));
	assert_string_equal(text, "I/O error, dev vda, sector 2048 op 0x1:(WRITE)");
	assert_true(kmsg_parse_disk_error("3,1,1,-;critical medium error, dev sda, sector 7\n D=x",
					  text, sizeof(text)));
	assert_string_equal(text, "critical medium error, dev sda, sector 7");
	assert_true(kmsg_parse_disk_error("3,1,1,-;I/O error, dev vda, sector 1 flags", text, 10));
	assert_string_equal(text, "I/O error");
}

static void leaves_everything_else(void **state)
{
	static const char *const others[] = {
		"",
		";",
		"6,1,1,-;virtio_blk virtio1: [vda] 2048 512-byte logical blocks\n",
		"3,1,1,-;Buffer I/O error on dev vda1, logical block 0, lost async page write\n",
		"I/O error, dev vda, sector 2048",
	};
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(kmsg_parse_disk_error(others[i], text, sizeof(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_device_sector_and_operation),
		cmocka_unit_test(leaves_everything_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
