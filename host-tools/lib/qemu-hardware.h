/* What `lucie try` can vary about a machine: how its disks are attached and which firmware starts
 * it. UEFI is OVMF, as the distribution packages it. */
#ifndef LUCIE_QEMU_HARDWARE_H
#define LUCIE_QEMU_HARDWARE_H

#include <limits.h>
#include <stdbool.h>

#include "host-tools/lib/qemu.h"

enum qemu_bus { BUS_VIRTIO, BUS_NVME, BUS_AHCI, BUS_IDE, BUS_SCSI, BUS_COUNT };
enum qemu_firmware { FIRMWARE_BIOS, FIRMWARE_UEFI, FIRMWARE_SECURE_BOOT };

struct qemu_hardware {
	enum qemu_bus bus;
	enum qemu_firmware firmware;
	char variables[PATH_MAX]; /* of UEFI: set by qemu_variables_make() */
};

/* "virtio", "nvme", ...; false where there is none of that name. */
bool qemu_bus_parse(enum qemu_bus *bus, const char *name);

/* Says what does not go together, and what this machine lacks. -errno. */
int qemu_hardware_check(const struct qemu_hardware *h);
/* A new file of UEFI variables at that path; with Secure Boot, the keys that machines are sold with
 * are in it. A BIOS has none. Logs; -errno. */
int qemu_variables_make(struct qemu_hardware *h, const char *path);

/* Board and firmware: before the devices. */
void qemu_machine(struct qemu *q, const struct qemu_hardware *h);
/* Raw images as the machine's disks, in this order: that of booting, too, after a network card with
 * bootindex=0. Their number is in the serial. */
void qemu_disks(struct qemu *q, const struct qemu_hardware *h, const char *const *files,
		size_t count);

#endif
