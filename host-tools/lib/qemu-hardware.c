/* Disks and firmware of a machine; see qemu-hardware.h. */
#include "host-tools/lib/qemu-hardware.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define OVMF	      "/usr/share/OVMF/"
#define VARIABLES_MAX ((size_t)1 << 20)

/* Secure Boot keeps its variables where only the firmware's SMM code can write: q35 has that. AHCI
 * is what q35 attaches a plain disk to, the other board has IDE. */
static const struct {
	const char *name, *board, *controller, *device;
} buses[BUS_COUNT] = {
	[BUS_VIRTIO] = {"virtio", "pc", NULL, "virtio-blk-pci"},
	[BUS_NVME] = {"nvme", "q35", NULL, "nvme"},
	[BUS_AHCI] = {"ahci", "q35", NULL, "ide-hd"},
	[BUS_IDE] = {"ide", "pc", NULL, "ide-hd"},
	[BUS_SCSI] = {"scsi", "pc", "virtio-scsi-pci", "scsi-hd"},
};

static const struct {
	const char *code, *variables;
} firmwares[] = {
	[FIRMWARE_BIOS] = {NULL, NULL}, /* QEMU's own */
	[FIRMWARE_UEFI] = {OVMF "OVMF_CODE_4M.fd", OVMF "OVMF_VARS_4M.fd"},
	[FIRMWARE_SECURE_BOOT] = {OVMF "OVMF_CODE_4M.secboot.fd", OVMF "OVMF_VARS_4M.ms.fd"},
};

bool qemu_bus_parse(enum qemu_bus *bus, const char *name)
{
	for (unsigned int i = 0; i < BUS_COUNT; i++)
		if (!strcmp(buses[i].name, name)) {
			*bus = (enum qemu_bus)i;
			return true;
		}
	return false;
}

int qemu_hardware_check(const struct qemu_hardware *h)
{
	const char *code = firmwares[h->firmware].code;

	/* It leaves the controller's ports disabled (its registers IDETIM), and Linux ignores such. */
	if (code && h->bus == BUS_IDE)
		return log_err(0, "the UEFI firmware leaves the board's IDE ports switched off, "
				  "expected --bus ahci");
	return !code || !access(code, R_OK)
		       ? 0
		       : log_err(-errno, "cannot read the UEFI firmware '%s' (package ovmf)", code);
}

int qemu_variables_make(struct qemu_hardware *h, const char *path)
{
	const char *from = firmwares[h->firmware].variables;
	_cleanup_free_ char *data = NULL;
	size_t len;
	int ret;

	if (!from)
		return 0;
	ret = file_read(from, VARIABLES_MAX, &data, &len);
	if (ret)
		return log_err(ret, "cannot read '%s'", from);
	snprintf(h->variables, sizeof(h->variables), "%s", path);
	ret = file_write(path, data, len, 0600);
	return ret ? log_err(ret, "cannot make '%s'", path) : 0;
}

void qemu_machine(struct qemu *q, const struct qemu_hardware *h)
{
	bool secure = h->firmware == FIRMWARE_SECURE_BOOT;

	qemu_arg(q, "-machine");
	qemu_arg(q, "%s", secure ? "q35,smm=on" : buses[h->bus].board);
	if (h->firmware == FIRMWARE_BIOS)
		return;
	if (secure) {
		qemu_arg(q, "-global");
		qemu_arg(q, "driver=cfi.pflash01,property=secure,value=on");
	}
	qemu_arg(q, "-drive");
	qemu_arg(q, "if=pflash,unit=0,format=raw,readonly=on,file=%s", firmwares[h->firmware].code);
	qemu_file_arg(q, "-drive", "if=pflash,unit=1,format=raw,file=", h->variables);
}

void qemu_disks(struct qemu *q, const struct qemu_hardware *h, const char *const *files,
		size_t count)
{
	if (buses[h->bus].controller) {
		qemu_arg(q, "-device");
		qemu_arg(q, "%s", buses[h->bus].controller);
	}
	for (size_t i = 0; i < count; i++) {
		char drive[80];

		snprintf(drive, sizeof(drive),
			 "if=none,id=d%zu,format=raw,cache=unsafe,discard=unmap,file=", i);
		qemu_file_arg(q, "-drive", drive, files[i]);
		qemu_arg(q, "-device");
		qemu_arg(q, "%s,drive=d%zu,serial=disk%zu,bootindex=%zu", buses[h->bus].device, i,
			 i + 1, i + 1);
	}
}
