/* The disks of a machine with a BIOS: extlinux on the partition of /boot, a boot sector, the boot
 * flag. On an array extlinux writes to all members at once, and each disk of it gets the other two.
 * Programs and code come from the archive extlinux.img; see boot-loader.h. */
#include "modules/lib/boot-loader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/proc.h"
#include "modules/lib/table.h"
#include "modules/lib/target-run.h"

#define EXTLINUX      "/sbin/extlinux"
#define GPT_CODE      "/lib/lucie/gptmbr.bin"
#define MSDOS_CODE    "/lib/lucie/mbr.bin"
#define BOOT_CODE_MAX 440 /* the MSDOS disk signature follows */
#define BOOT_DIR      "/boot/extlinux"
#define SECONDS	      120

static void log_line(const char *line, void *arg)
{
	snprintf(arg, TARGET_REASON_MAX, "%s", line);
	log_debug("%s", line);
}

/* The directory must lie on the partition that the stamp led to: extlinux writes to the device
 * below it. */
static int install_extlinux(const struct boot_loader *b)
{
	char dir[PATH_MAX], device[DISK_PATH_MAX + 16], last[TARGET_REASON_MAX] = "", how[80];
	bool array = b->boot->part.kind != PART_DISK; /* --raid: the next disk, if this one fails */
	char *const argv[] = {EXTLINUX, "--install", device, dir, array ? "--raid" : NULL, NULL};
	struct proc_options options = {.total_seconds = SECONDS, .line = log_line, .arg = last};
	struct stat place, partition;
	int ret;

	snprintf(dir, sizeof(dir), "%s%s", b->target, BOOT_DIR);
	snprintf(device, sizeof(device), "--device=%s", b->boot->path);
	if (stat(dir, &place) || stat(b->boot->path, &partition))
		return log_err(-errno, "cannot find '%s' on '%s'", dir, b->boot->path);
	if (!S_ISBLK(partition.st_mode) || place.st_dev != partition.st_rdev)
		return log_err(-EXDEV, "'%s' does not lie on '%s'", dir, b->boot->path);
	ret = proc_run(argv, &options);
	if (!ret)
		return 0;
	log_err(0, "'%s' failed on '%s' (%s): %s", EXTLINUX, b->boot->path,
		proc_result(ret, &options, how, sizeof(how)), last);
	return ret > 0 ? -EIO : ret;
}

static int boot_code(const struct boot_loader *b, size_t disk, char **code, size_t *len)
{
	const char *path = b->v->stamps[disk].table == TABLE_GPT ? GPT_CODE : MSDOS_CODE;
	int ret = file_read(path, BOOT_CODE_MAX, code, len);

	return ret ? log_err(ret, "cannot read the boot code '%s'", path) : 0;
}

static int write_boot_code(const struct boot_loader *b, size_t disk)
{
	const char *path = b->v->disks[disk].path;
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	_cleanup_free_ char *code = NULL;
	size_t len;
	int ret = boot_code(b, disk, &code, &len);

	if (ret)
		return ret;
	ret = fd < 0 ? -errno : pwrite_full(fd, code, len, 0);
	if (!ret && fsync(fd))
		ret = -errno;
	return ret ? log_err(ret, "cannot write the boot code to '%s'", path) : 0;
}

int boot_bios_install(const struct boot_loader *b)
{
	struct boot_place places[LAYOUT_DISKS_MAX];
	size_t count = boot_places(b->v, b->boot, places);
	int ret = count ? install_extlinux(b)
			: log_err(-ENXIO, "no disk for the boot code of '%s'", b->boot->path);

	for (size_t i = 0; !ret && i < count; i++) {
		ret = table_set_boot(b->v->disks[places[i].disk].path, places[i].number);
		if (!ret)
			ret = write_boot_code(b, places[i].disk);
	}
	return ret;
}

static int verify_flag(const char *path, unsigned int number)
{
	_cleanup_free_ struct table *t = malloc(sizeof(*t));
	bool found = false;
	int ret = t ? table_read(path, t) : -ENOMEM;

	for (size_t i = 0; !ret && i < t->count; i++) {
		bool boot = t->parts[i].number == number;

		found |= boot;
		if (t->parts[i].boot != boot)
			ret = log_err(-EIO, "the boot flag of '%s' does not read back", path);
	}
	if (!ret && !found)
		ret = log_err(-EIO, "partition %u of '%s' does not read back", number, path);
	return ret;
}

/* Reads from the disk itself what the firmware will read. */
static int verify_disk(const struct boot_loader *b, const struct boot_place *place)
{
	const char *path = b->v->disks[place->disk].path;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *code = NULL;
	char sector[BOOT_CODE_MAX];
	size_t len;
	int ret = boot_code(b, place->disk, &code, &len);

	if (ret)
		return ret;
	if (fd < 0 || fsync(fd) || ioctl(fd, BLKFLSBUF, 0))
		return log_err(-errno, "cannot read '%s' back", path);
	ret = pread_full(fd, sector, len, 0);
	if (ret || memcmp(sector, code, len))
		return log_err(ret ? ret : -EIO, "the boot code of '%s' does not read back", path);
	return verify_flag(path, place->number);
}

int boot_bios_verify(const struct boot_loader *b)
{
	struct boot_place places[LAYOUT_DISKS_MAX];
	size_t count = boot_places(b->v, b->boot, places);
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++)
		ret = verify_disk(b, &places[i]);
	return ret;
}
