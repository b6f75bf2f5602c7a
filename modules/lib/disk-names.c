/* The names that udev would give to a disk, which an administrator knows from the running system:
 * there is no udev in the installer, so they are made from what sysfs shows. Not all of udev's
 * rules: what disks of nodes have. */
#include "modules/lib/disk.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/str.h"

#define BY_ID	       "/dev/disk/by-id/"
#define BY_PATH	       "/dev/disk/by-path/"
#define NAME_MAX_BYTES 320

const char *disk_transport(const struct disk *d)
{
	static const struct {
		const char *part, *transport; /* of the place in sysfs */
	} kinds[] = {{"/nvme", "nvme"},	    {"/usb", "usb"},	     {"/virtio", "virtio"},
		     {"/mmc_host/", "mmc"}, {"/end_device-", "sas"}, {"/ata", "sata"},
		     {"/target", "scsi"}};

	/* A disk behind virtio-scsi is a SCSI disk. */
	if (strstr(d->place, "/virtio") && strstr(d->place, "/target"))
		return "scsi";
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strstr(d->place, kinds[i].part))
			return kinds[i].transport;
	return "";
}

/* udev: blanks become underscores, what is neither plain nor blank vanishes. */
static void add_encoded(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		bool plain = isalnum((unsigned char)*text) || strchr("#+-.:=@_", *text);

		if (plain || *text == ' ')
			strbuf_add(out, plain ? text : "_", 1);
	}
}

/* "nvme-MODEL_SERIAL", "virtio-SERIAL"; nothing where the hardware has no serial number. */
static void add_by_id(struct strbuf *out, const struct disk *d)
{
	const char *transport = disk_transport(d);

	if (!d->serial[0])
		return;
	strbuf_addf(out, BY_ID "%s-", !strcmp(transport, "sata") ? "ata" : transport);
	if (d->model[0] && strcmp(transport, "virtio") != 0) {
		add_encoded(out, d->model);
		strbuf_adds(out, "_");
	}
	add_encoded(out, d->serial);
}

/* The last PCI address of the place: "0000:00:1f.2". */
static const char *pci_address(const char *place, char address[16])
{
	unsigned int domain, bus, slot, function;
	int length;

	address[0] = '\0';
	for (const char *p = place; (p = strchr(p, '/')); p++)
		if (sscanf(p, "/%4x:%2x:%2x.%1u%n", &domain, &bus, &slot, &function, &length) ==
			    4 &&
		    (p[length] == '/' || !p[length]))
			snprintf(address, 16, "%04x:%02x:%02x.%u", domain & 0xffff, bus & 0xff,
				 slot & 0xff, function & 7);
	return address;
}

/* "pci-0000:00:1f.2-ata-1", "pci-0000:01:00.0-nvme-1", "pci-0000:00:04.0" */
static void add_by_path(struct strbuf *out, const struct disk *d)
{
	const char *transport = disk_transport(d), *at;
	unsigned int a, b, c, e;
	char address[16];

	if (!*pci_address(d->place, address))
		return;
	strbuf_addf(out, BY_PATH "pci-%s", address);
	if (!strcmp(transport, "nvme") && sscanf(d->name, "nvme%un%u", &a, &b) == 2)
		strbuf_addf(out, "-nvme-%u", b);
	else if (!strcmp(transport, "sata") && (at = strstr(d->place, "/ata")) &&
		 sscanf(at, "/ata%u/", &a) == 1)
		strbuf_addf(out, "-ata-%u", d->port ? d->port : a);
	else if ((at = strstr(d->place, "/target")) && (at = strchr(at + 1, '/')) &&
		 sscanf(at, "/%u:%u:%u:%u/", &a, &b, &c, &e) == 4)
		strbuf_addf(out, "-scsi-%u:%u:%u:%u", 0U, b, c, e);
}

bool disk_has_link(const struct disk *d, const char *pattern)
{
	_cleanup_strbuf_ struct strbuf name = {.max = NAME_MAX_BYTES};

	if (str_starts(pattern, BY_ID))
		add_by_id(&name, d);
	else
		add_by_path(&name, d);
	if (!name.error && name.len && !fnmatch(pattern, name.buf, 0))
		return true;
	strbuf_reset(&name);
	if (str_starts(pattern, BY_ID) && d->wwid[0]) {
		/* "naa.5000..." and "eui.0025..." are wwn-0x5000... and nvme-eui.0025... there */
		if (str_starts(d->wwid, "naa."))
			strbuf_addf(&name, BY_ID "wwn-0x%s", d->wwid + 4);
		else
			strbuf_addf(&name, BY_ID "nvme-%s", d->wwid);
	}
	return !name.error && name.len && !fnmatch(pattern, name.buf, 0);
}
