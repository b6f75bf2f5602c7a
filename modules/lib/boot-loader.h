/* Making a disk bootable, for the firmware that this machine started with: extlinux for a BIOS, the
 * distribution's signed shim and GRUB for UEFI. Both boot the newest kernel in /boot by
 * configurations that a hook in the target writes, now and after each kernel package.
 *
 * With UEFI the disk is found by the path that removable media have (UEFI specification 3.5.1.1), and
 * by a boot entry of its own where the firmware takes one; the network stays first, as the server
 * decides what a node boots.
 *
 * Where /boot lies on an array each disk of it gets boot code, and all system partitions of a layout
 * get the same files, so that the machine starts from any of its disks.
 */
#ifndef LUCIE_BOOT_LOADER_H
#define LUCIE_BOOT_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "modules/lib/layout.h"
#include "modules/lib/volume.h"

#define BOOT_CONFIG_EXTLINUX "/boot/extlinux/extlinux.conf"
#define BOOT_CONFIG_GRUB     "/boot/lucie/grub.cfg"
#define BOOT_FILE_SHIM	     "EFI/BOOT/BOOTX64.EFI" /* found without a boot entry */
#define BOOT_FILE_GRUB	     "EFI/BOOT/grubx64.efi" /* shim starts it from its own folder */
#define BOOT_OWN_SHIM	     "/usr/lib/shim/shimx64.efi.signed" /* as packages bring them */
#define BOOT_OWN_GRUB	     "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
#define BOOT_FILE_HASH	     32

struct boot_loader {
	const char *target;
	const char *kernel_args; /* may be NULL */
	const struct volumes *v;
	const struct volume *root, *boot; /* where /boot lies */
	const struct volume *esps[LAYOUT_DISKS_MAX];
	size_t esp_count; /* may be 0 with a BIOS */
	/* what was put onto each system partition, for boot_loader_verify() */
	struct boot_file {
		char path[64]; /* below the partition */
		size_t bytes;
		uint8_t hash[BOOT_FILE_HASH];
	} files[4];
	size_t file_count;
};

/* A partition that the firmware or its boot code reads: that of a file system, or, of one on an
 * array, each of the members that are there. */
struct boot_place {
	size_t disk; /* index into the disks of the volumes */
	unsigned int number;
};
size_t boot_places(const struct volumes *v, const struct volume *on,
		   struct boot_place out[LAYOUT_DISKS_MAX]);

bool boot_firmware_is_uefi(void);

/* NULL, or why a machine with this firmware cannot boot what the layout makes. Pure. */
const char *boot_loader_objection(const struct layout *l, bool uefi);

/* The mounted target gets hook, configurations and boot loader. -errno; logged. */
int boot_loader_install(struct boot_loader *b);

/* After the target is unmounted: reads from the disk what the firmware will read. -errno; logged. */
int boot_loader_verify(const struct boot_loader *b);

/* When all is proven: tells the firmware. What it does not take is logged, and no failure. */
void boot_loader_register(const struct boot_loader *b);

/* The parts. */
int boot_config_write(const struct boot_loader *b);	 /* hook, arguments, both configurations */
bool boot_is_own_partition(const struct boot_loader *b); /* /boot is a file system of its own */
int boot_bios_install(const struct boot_loader *b);
int boot_bios_verify(const struct boot_loader *b);
bool boot_uefi_owns_loaders(const struct boot_loader *b); /* the target has packages of them */
int boot_uefi_install(struct boot_loader *b);
int boot_uefi_verify(const struct boot_loader *b);
void boot_uefi_register(const struct boot_loader *b);

#endif
