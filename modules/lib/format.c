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
#include "modules/lib/vfat.h"
#include "modules/lib/xfs.h"

/* Nobody else has it, and how large it is. */
static int device_size(const char *path, uint64_t *bytes)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_EXCL | O_CLOEXEC);

	return fd < 0 || ioctl(fd, BLKGETSIZE64, bytes) ? -errno : 0;
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
	int ret = device_size(path, &bytes);

	if (ret)
		return log_err(ret, "cannot open '%s' for us alone", path);
	switch (part->fs) {
	case FS_EXT4:
		return ext4_make(path, bytes,
				 &(struct ext4_spec){.uuid = uuid,
						     .label = part->label,
						     .features = part->features,
						     .reserved = part->reserved});
	case FS_VFAT:
		return vfat_make(path, bytes, uuid, part->label);
	case FS_XFS:
		return xfs_make(path, uuid, part->label);
	case FS_SWAP:
		return make_swap(path, bytes, uuid, part->label);
	default:
		return log_err(-EINVAL, "cannot make %s on '%s'", layout_fs_name(part->fs), path);
	}
}
