/* The disk of a machine with a BIOS: extlinux on the partition of /boot, a boot sector, the boot
 * flag. Programs and code come from the archive extlinux.img; see boot-loader.h. */
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
	char *const argv[] = {EXTLINUX, "--install", device, dir, NULL};
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

static int boot_code(const struct boot_loader *b, char **code, size_t *len)
{
	const char *path = b->v->stamps[b->boot->disk].table == TABLE_GPT ? GPT_CODE : MSDOS_CODE;
	int ret = file_read(path, BOOT_CODE_MAX, code, len);

	return ret ? log_err(ret, "cannot read the boot code '%s'", path) : 0;
}

static int write_boot_code(const struct boot_loader *b)
{
	const char *path = b->v->disks[b->boot->disk].path;
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	_cleanup_free_ char *code = NULL;
	size_t len;
	int ret = boot_code(b, &code, &len);

	if (ret)
		return ret;
	ret = fd < 0 ? -errno : pwrite_full(fd, code, len, 0);
	if (!ret && fsync(fd))
		ret = -errno;
	return ret ? log_err(ret, "cannot write the boot code to '%s'", path) : 0;
}

int boot_bios_install(const struct boot_loader *b)
{
	int ret = install_extlinux(b);

	if (!ret)
		ret = table_set_boot(b->v->disks[b->boot->disk].path, b->boot->part.number);
	return ret ? ret : write_boot_code(b);
}

/* Reads from the disk itself what the firmware will read. */
int boot_bios_verify(const struct boot_loader *b)
{
	const char *path = b->v->disks[b->boot->disk].path;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *code = NULL;
	_cleanup_free_ struct table *t = malloc(sizeof(*t));
	char sector[BOOT_CODE_MAX];
	bool found = false;
	size_t len;
	int ret = boot_code(b, &code, &len);

	if (ret)
		return ret;
	if (fd < 0 || !t || fsync(fd) || ioctl(fd, BLKFLSBUF, 0))
		return log_err(fd < 0 || t ? -errno : -ENOMEM, "cannot read '%s' back", path);
	ret = pread_full(fd, sector, len, 0);
	if (ret || memcmp(sector, code, len))
		return log_err(ret ? ret : -EIO, "the boot code of '%s' does not read back", path);
	ret = table_read(path, t);
	for (size_t i = 0; !ret && i < t->count; i++) {
		bool boot = t->parts[i].number == b->boot->part.number;

		found |= boot;
		if (t->parts[i].boot != boot)
			ret = log_err(-EIO, "the boot flag of '%s' does not read back", path);
	}
	if (!ret && !found)
		ret = log_err(-EIO, "partition %u of '%s' does not read back", b->boot->part.number,
			      path);
	return ret;
}
