/* Old stacks, from sysfs and with the kernel's own calls; see takedown.h. A device is taken down
 * when nothing holds it any more: its holders first, each with theirs, then the swap on it, then
 * itself. What lies on a whole disk and on its partitions is the same to this. */
#include "modules/lib/takedown.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <linux/major.h>
#include <linux/raid/md_u.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/probe.h"
#include "modules/lib/target.h"

#define SYS_CLASS    "/sys/class/block"
#define DM_CONTROL   "/dev/mapper/control"
#define DEPTH_MAX    16	 /* of a stack */
#define HOLDERS_MAX  256 /* of one device, one after the other */
#define BUSY_TRIES   20	 /* what was just unmounted is let go of a moment later */
#define BUSY_WAIT_MS 100
#define MIB	     ((uint64_t)1 << 20)

void takedown_holder(const char *name, char holder[TAKEDOWN_NAME_MAX])
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PATH_MAX];
	struct dirent *e;

	holder[0] = '\0';
	snprintf(path, sizeof(path), SYS_CLASS "/%s/holders", name);
	dir = opendir(path);
	while (dir && !holder[0] && (e = readdir(dir)))
		if (e->d_name[0] != '.' && strlen(e->d_name) < TAKEDOWN_NAME_MAX)
			strcpy(holder, e->d_name);
}

/* --- the end of one device --- */

/* The name of a mapping, from sysfs; -errno. */
static int mapping_name(const char *device, char out[DM_NAME_LEN])
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), SYS_CLASS "/%s/dm/name", device);
	ret = file_read(path, DM_NAME_LEN, &text, NULL);
	if (!ret)
		snprintf(out, DM_NAME_LEN, "%s", str_trim(text));
	return ret;
}

/* One half of dm's VG-LV, in which a '-' of the name itself is doubled; returns what follows. */
static const char *half(const char *name, char out[DM_NAME_LEN])
{
	for (; *name && (name[0] != '-' || name[1] == '-'); name++) {
		*out++ = *name;
		if (*name == '-')
			name++;
	}
	*out = '\0';
	return *name ? name + 1 : name;
}

/* lvm's links: /dev/VG that is still there keeps it from making a group of that name. */
static void remove_links(const char *name)
{
	char vg[DM_NAME_LEN], lv[DM_NAME_LEN], path[2 * DM_NAME_LEN + 8];

	half(half(name, vg), lv);
	snprintf(path, sizeof(path), "/dev/%s/%s", vg, lv);
	if (!lv[0] || unlink(path))
		return;
	snprintf(path, sizeof(path), "/dev/%s", vg);
	rmdir(path);
}

static int remove_mapping(const char *device)
{
	struct dm_ioctl io = {.version = {DM_VERSION_MAJOR, 0, 0}, .data_size = sizeof(io)};
	_cleanup_close_ int fd = open(DM_CONTROL, O_RDWR | O_CLOEXEC);
	char node[DM_NAME_LEN + 16];
	int ret = fd < 0 ? -errno : mapping_name(device, io.name);

	if (ret)
		return ret;
	if (ioctl(fd, DM_DEV_REMOVE, &io))
		return -errno;
	snprintf(node, sizeof(node), "/dev/mapper/%s", io.name);
	unlink(node); /* the tools made it, for there is no udev */
	remove_links(io.name);
	return 0;
}

static int stop_array(const char *device)
{
	char path[DISK_PATH_MAX];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "/dev/%s", device);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, STOP_ARRAY, NULL))
		return -errno;
	unlink(path); /* mdadm's, perhaps: who opens it again gets an empty array of that name */
	return 0;
}

static int remove_device(const char *name)
{
	if (str_starts(name, "dm-"))
		return remove_mapping(name);
	return str_starts(name, "md") ? stop_array(name) : -EOPNOTSUPP;
}

static int swap_off(const char *name)
{
	char path[DISK_PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "/dev/%s", name);
	return stat(path, &st) ? 0 : target_swap_off_device(path, st.st_rdev);
}

static int end_holder(const char *name, const char *below)
{
	int ret = swap_off(name);

	if (ret)
		return ret;
	ret = remove_device(name);
	for (unsigned int i = 0; ret == -EBUSY && i < BUSY_TRIES; i++) {
		sleep_ms(BUSY_WAIT_MS);
		ret = remove_device(name);
	}
	if (ret)
		return log_err(ret, "'%s', which holds '%s', cannot be taken down", name, below);
	log_info("took down '%s', which held '%s'", name, below);
	return 0;
}

/* --- from the top --- */

static int clear(const char *name, unsigned int depth);

static int clear_partitions(const char *name, unsigned int depth)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PATH_MAX];
	struct dirent *e;
	int ret = 0;

	snprintf(path, sizeof(path), SYS_CLASS "/%s", name);
	dir = opendir(path);
	while (!ret && dir && (e = readdir(dir))) {
		char number[PATH_MAX];

		snprintf(number, sizeof(number), SYS_CLASS "/%s/%s/partition", name, e->d_name);
		if (e->d_name[0] != '.' && !access(number, F_OK))
			ret = clear(e->d_name, depth + 1);
	}
	return ret;
}

/* Everything that lies on this device; it stays itself. */
static int clear(const char *name, unsigned int depth)
{
	char holder[TAKEDOWN_NAME_MAX];
	int ret = depth > DEPTH_MAX ? log_err(-ELOOP, "'%s'", name) : swap_off(name);

	if (!ret)
		ret = clear_partitions(name, depth);
	for (unsigned int i = 0; !ret && i < HOLDERS_MAX; i++) {
		takedown_holder(name, holder);
		if (!holder[0])
			return 0;
		ret = clear(holder, depth + 1);
		if (!ret)
			ret = end_holder(holder, name);
	}
	return ret;
}

int takedown_disk(const struct disk *d)
{
	return clear(d->name, 0);
}

/* --- signatures --- */

/* Where the second header of LUKS2 may lie beyond the first MiB, by the sizes that headers have. */
static const uint64_t luks_headers[] = {1 * MIB, 2 * MIB, 4 * MIB};

static int erase(int fd, uint64_t start, uint64_t bytes)
{
	int ret = probe_zero_ends(fd, start, bytes);

	for (size_t i = 0; !ret && i < ARRAY_SIZE(luks_headers); i++)
		if (bytes > luks_headers[i] + MIB)
			ret = probe_zero(fd, start + luks_headers[i], 4096);
	return !ret && fsync(fd) ? -errno : ret;
}

int takedown_erase(const char *path, uint64_t start, uint64_t bytes)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : 0;

	if (!ret && !bytes && ioctl(fd, BLKGETSIZE64, &bytes))
		ret = -errno;
	if (!ret)
		ret = erase(fd, start, bytes);
	return ret ? log_err(ret, "cannot erase the old signatures of '%s'", path) : 0;
}
