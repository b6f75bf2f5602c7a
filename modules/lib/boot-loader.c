/* Which boot loader a machine's disk gets; see boot-loader.h. */
#include "modules/lib/boot-loader.h"

#include <unistd.h>

#define EFI_DIR "/sys/firmware/efi" /* there if the kernel was started by UEFI */

bool boot_firmware_is_uefi(void)
{
	return !access(EFI_DIR, F_OK);
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
