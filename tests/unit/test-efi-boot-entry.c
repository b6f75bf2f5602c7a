/* Boot entries of UEFI: bytes as the specification has them, what OVMF writes, and the order that
 * keeps the network first. */
#include "modules/lib/efi-boot-entry.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "init/lib/cleanup.h"
#include "init/lib/str.h"

#define FILE_PATH "\\EFI\\BOOT\\BOOTX64.EFI"

static struct efi_option disk_option(void)
{
	struct efi_option o = {
		.description = "Lucie",
		.file = FILE_PATH,
		.partition = {.gpt = true, .number = 1, .start = 2048, .blocks = 131072},
	};

	assert_false(efi_partition_id(&o.partition, "01020304-0506-0708-090A-0B0C0D0E0F10"));
	return o;
}

/* Written by hand from UEFI 3.1.3, 10.3.5.1 and 10.3.5.4. */
static void bytes_are_the_specifications(void **state)
{
	static const char want[] = "01000000"		      /* active */
				   "5e00"		      /* paths: 94 */
				   "4c0075006300690065000000" /* Lucie */
				   "04012a00"
				   "01000000"
				   "0008000000000000" /* partition 1 */
				   "0000020000000000" /* blocks */
				   "0403020106050807090a0b0c0d0e0f10"
				   "0202" /* GUID, GPT */
				   "04043000"
				   "5c004500460049005c0042004f004f0054005c00"
				   "42004f004f0054005800360034002e004500460049000000"
				   "7fff0400";
	struct efi_option o = disk_option();
	uint8_t bytes[EFI_OPTION_MAX];
	char hex[2 * EFI_OPTION_MAX + 1];
	size_t len = efi_option_encode(&o, bytes, sizeof(bytes));

	(void)state;
	str_to_hex(bytes, len, hex);
	assert_string_equal(hex, want);
	assert_int_equal(efi_option_encode(&o, bytes, len - 1), 0);
	assert_int_equal(efi_option_encode(&o, bytes, len), len);
}

static void what_is_written_reads_back(void **state)
{
	struct efi_option o = disk_option(), back;
	uint8_t bytes[EFI_OPTION_MAX];
	size_t len;

	(void)state;
	o.partition.gpt = false;
	assert_false(efi_partition_id(&o.partition, "0xdeadbeef"));
	assert_memory_equal(o.partition.id, "\xef\xbe\xad\xde\0\0\0\0", 8);
	len = efi_option_encode(&o, bytes, sizeof(bytes));
	assert_false(efi_option_decode(&back, bytes, len));
	assert_true(back.active && back.on_partition && !back.network);
	assert_string_equal(back.description, o.description);
	assert_string_equal(back.file, o.file);
	assert_memory_equal(&back.partition, &o.partition, sizeof(o.partition));
	assert_int_equal(efi_option_decode(&back, bytes, len - 1), -EBADMSG);
}

/* PciRoot(0x0)/Pci(0x3,0x0)/MAC(525400000201,0x1)/IPv4(...), with data of its own behind. */
static void network_is_told_by_the_card(void **state)
{
	static const char pxe[] = "01000000"
				  "5c00"
				  "55004500460049000000"
				  "02010c00d041030a00000000"
				  "0101060000 03"
				  "030b2500"
				  "525400000201"
				  "0000000000000000000000000000000000000000000000000000"
				  "01"
				  "030c1b00"
				  "0000000000000000000000000000000000000000000000"
				  "7fff0400"
				  "4eac0881119f594d850ee21a522c59b2";
	char hex[sizeof(pxe)];
	uint8_t bytes[sizeof(pxe) / 2];
	struct efi_option o;
	size_t n = 0;

	(void)state;
	for (const char *p = pxe; *p; p++)
		if (*p != ' ')
			hex[n++] = *p;
	hex[n] = '\0';
	assert_false(str_from_hex(hex, bytes, n / 2));
	assert_false(efi_option_decode(&o, bytes, n / 2));
	assert_true(o.network && !o.on_partition && o.active);
	assert_string_equal(o.description, "UEFI");
}

static void nonsense_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"0100000000",
		"010000000000",	    /* no description */
		"0100000000004c00", /* without an end */
		"010000000a0041000000"
		"7fff0400", /* more paths than there are */
		"01000000040041000000"
		"04010300", /* a node shorter than its header */
		"01000000040041000000"
		"04012a00", /* one that is longer than the rest */
		"01000000030041000000"
		"7fff04",
	};
	uint8_t bytes[64];
	struct efi_option o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(str_from_hex(bad[i], bytes, strlen(bad[i]) / 2));
		assert_int_equal(efi_option_decode(&o, bytes, strlen(bad[i]) / 2), -EBADMSG);
	}
}

static void ids_are_checked(void **state)
{
	struct efi_partition p = {.gpt = true};

	(void)state;
	assert_int_equal(efi_partition_id(&p, "0x12345678"), -EINVAL);
	assert_int_equal(efi_partition_id(&p, ""), -EINVAL);
	p.gpt = false;
	assert_int_equal(efi_partition_id(&p, ""), -EINVAL);
	assert_int_equal(efi_partition_id(&p, "0x123456789"), -EINVAL);
	assert_int_equal(efi_partition_id(&p, "01020304-0506-0708-090A-0B0C0D0E0F10"), -EINVAL);
}

/* old: letters, N network, D others, L ours; each with its position as its number. ours: 100, ... */
static void check_order(const char *old, size_t ours, bool netbooted, const char *want)
{
	enum efi_kind kinds[EFI_ENTRIES_MAX];
	struct efi_order before = {.count = 0}, mine = {.count = 0}, after;
	char text[EFI_ENTRIES_MAX * 4 + 1] = "";

	for (const char *p = old; *p; p++) {
		kinds[before.count] = *p == 'N'	  ? EFI_KIND_NETWORK
				      : *p == 'L' ? EFI_KIND_OURS
						  : EFI_KIND_OTHER;
		before.list[before.count] = (uint16_t)before.count;
		before.count++;
	}
	while (mine.count < ours)
		mine.list[mine.count] = (uint16_t)(100 + mine.count), mine.count++;
	efi_order_make(&after, &before, kinds, &mine, netbooted);
	for (size_t i = 0; i < after.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i ? " " : "",
			 after.list[i]);
	assert_string_equal(text, want);
}

static void network_stays_first(void **state)
{
	(void)state;
	check_order("", 1, true, "100");
	check_order("DD", 1, false, "100 0 1");
	check_order("ND", 1, true, "0 100 1");
	check_order("DNDND", 2, true, "1 3 100 101 0 2 4");
	check_order("DNDND", 1, false, "0 1 2 3 100 4");
	/* again, with those of the time before at any place */
	check_order("NLD", 1, true, "0 100 2");
	check_order("LDN", 1, false, "1 2 100");
	check_order("LLL", 0, true, "");
}

static void a_full_order_keeps_its_front(void **state)
{
	enum efi_kind kinds[EFI_ENTRIES_MAX] = {EFI_KIND_NETWORK};
	struct efi_order old = {.count = EFI_ENTRIES_MAX}, ours = {.list = {1000}, .count = 1}, out;

	(void)state;
	for (size_t i = 0; i < EFI_ENTRIES_MAX; i++)
		old.list[i] = (uint16_t)i;
	efi_order_make(&out, &old, kinds, &ours, true);
	assert_int_equal(out.count, EFI_ENTRIES_MAX);
	assert_int_equal(out.list[0], 0);
	assert_int_equal(out.list[1], 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_the_specifications),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(network_is_told_by_the_card),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(ids_are_checked),
		cmocka_unit_test(network_stays_first),
		cmocka_unit_test(a_full_order_keeps_its_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
