/* See format.h. */
#include "modules/lib/format.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/swap.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "modules/lib/ext4.h"
#include "modules/lib/probe.h"
#include "modules/lib/vfat.h"

/* The descriptor, opened for us alone; -errno. */
static int open_device(const char *path, uint64_t *bytes)
{
	int fd = open(path, O_WRONLY | O_EXCL | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, BLKGETSIZE64, bytes)) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

int format_wipe(const char *path)
{
	uint64_t bytes;
	_cleanup_close_ int fd = open_device(path, &bytes);
	int ret = fd < 0 ? fd : probe_zero_ends(fd, 0, bytes);

	if (!ret && fsync(fd))
		ret = -errno;
	return ret ? log_err(ret, "cannot wipe old signatures from '%s'", path) : 0;
}

static int make_swap(const char *path, uint64_t bytes, const char *uuid, const char *label)
{
	int ret = swap_make(path, bytes, uuid, label);

	if (!ret && swapon(path, 0))
		return log_err(-errno, "cannot switch on the swap of '%s'", path);
	return ret;
}

int format_make(const char *path, const struct layout_part *part, const char *uuid)
{
	uint64_t bytes;
	int fd = open_device(path, &bytes);

	if (fd < 0)
		return log_err(fd, "cannot open '%s' for us alone", path);
	close(fd);
	switch (part->fs) {
	case FS_EXT4:
		return ext4_make(path, bytes, uuid, part->label);
	case FS_VFAT:
		return vfat_make(path, bytes, uuid, part->label);
	case FS_SWAP:
		return make_swap(path, bytes, uuid, part->label);
	default:
		return log_err(-EINVAL, "cannot make %s on '%s'", layout_fs_name(part->fs), path);
	}
}
