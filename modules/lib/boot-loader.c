/* Which boot loader a machine's disk gets; see boot-loader.h. */
#include "modules/lib/boot-loader.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "init/lib/str.h"

#define EFI_DIR "/sys/firmware/efi" /* there if the kernel was started by UEFI */

bool boot_firmware_is_uefi(void)
{
	return !access(EFI_DIR, F_OK);
}

/* "DISK.NUMBER", as stamps name a member. */
static bool find_place(const struct volumes *v, const char *member, struct boot_place *out)
{
	const char *dot = strrchr(member, '.');
	uint64_t number;

	if (!dot || str_to_u64(dot + 1, &number))
		return false;
	for (size_t i = 0; i < v->disk_count; i++)
		if (strlen(v->stamps[i].disk) == (size_t)(dot - member) &&
		    str_starts(member, v->stamps[i].disk)) {
			*out = (struct boot_place){.disk = i, .number = (unsigned int)number};
			return true;
		}
	return false;
}

size_t boot_places(const struct volumes *v, const struct volume *on,
		   struct boot_place out[LAYOUT_DISKS_MAX])
{
	char members[STAMP_MEMBERS_MAX], *rest = members, *word;
	size_t n = 0;

	if (on->part.kind == PART_DISK) {
		out[0] = (struct boot_place){.disk = on->disk, .number = on->part.number};
		return 1;
	}
	snprintf(members, sizeof(members), "%s", on->part.members);
	while (n < LAYOUT_DISKS_MAX && (word = str_word(&rest)))
		n += find_place(v, word, &out[n]);
	return n;
}

const char *boot_loader_objection(const struct layout *l, bool uefi)
{
	if (!uefi)
		return NULL;
	for (size_t i = 0; i < l->part_count; i++)
		if (layout_is_esp(l->parts[i].fs, l->parts[i].mount))
			return NULL;
	return "this machine boots by UEFI, and the layout has no system partition (partition "
	       "/boot/efi 512M vfat)";
}

int boot_loader_install(struct boot_loader *b)
{
	int ret = boot_config_write(b);

	if (ret)
		return ret;
	return boot_firmware_is_uefi() ? boot_uefi_install(b) : boot_bios_install(b);
}

int boot_loader_verify(const struct boot_loader *b)
{
	return boot_firmware_is_uefi() ? boot_uefi_verify(b) : boot_bios_verify(b);
}

void boot_loader_register(const struct boot_loader *b)
{
	if (boot_firmware_is_uefi())
		boot_uefi_register(b);
}
