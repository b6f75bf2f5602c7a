/* Disks and partitions as sysfs shows them; see disk.h. There is no udev in the installer, so
 * serial numbers, models and places are read where the kernel exports them: virtio (serial), NVMe
 * (device/serial) and SCSI or ATA (device/vpd_pg80). */
#include "modules/lib/disk.h"

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define SYS_BLOCK  "/sys/block"
#define SECTOR	   512 /* sysfs counts in these, whatever the disk's own sectors are */
#define LIST_MAX   256
#define VPD_HEADER 4 /* SCSI SPC: page 80h, header before the serial number */
#define POLL_MS	   20

/* Reads an attribute as text; false and "" if there is none. */
static bool attr_read(const char *dir, const char *name, size_t skip, char *out, size_t len)
{
	char path[PATH_MAX], raw[256];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	out[0] = '\0';
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, raw, sizeof(raw) - 1);
	if (n < (ssize_t)skip)
		return false;
	raw[n] = '\0';
	for (ssize_t i = (ssize_t)skip; i < n; i++)
		if (!isprint((unsigned char)raw[i]))
			raw[i] = ' ';
	snprintf(out, len, "%s", str_trim(raw + skip));
	return true;
}

static bool attr_u64(const char *dir, const char *name, uint64_t *out)
{
	char text[32];

	return attr_read(dir, name, 0, text, sizeof(text)) && !str_to_u64(text, out);
}

static bool attr_dev(const char *dir, dev_t *dev)
{
	char text[32];
	unsigned int major, minor;

	if (!attr_read(dir, "dev", 0, text, sizeof(text)) ||
	    sscanf(text, "%u:%u", &major, &minor) != 2)
		return false;
	*dev = makedev(major, minor);
	return true;
}

/* cciss!c0d0 lies in /dev/cciss/. */
static bool device_path(char path[DISK_PATH_MAX], const char *name)
{
	if (strlen(name) >= DISK_PATH_MAX - strlen("/dev/"))
		return false;
	strcpy(stpcpy(path, "/dev/"), name);
	for (char *p = path; *p; p++)
		if (*p == '!')
			*p = '/';
	return true;
}

static bool is_fixed(const char *dir, const struct disk *d)
{
	static const char *const others[] = {"mmcblk*boot*", "mmcblk*rpmb", "mtdblock*", "fd[0-9]*",
					     "sr[0-9]*"};
	char device[PATH_MAX];
	uint64_t flag;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!fnmatch(others[i], d->name, 0))
			return false;
	if (!attr_u64(dir, "removable", &flag) || flag || (attr_u64(dir, "hidden", &flag) && flag))
		return false;
	if ((size_t)snprintf(device, sizeof(device), "%s/device", dir) >= sizeof(device) ||
	    access(device, F_OK))
		return false;
	return !strstr(d->place, "/usb");
}

/* .../ata3/host2/...: the number is the machine's, that of the port lies in ata_port. */
static void fill_port(struct disk *d, const char *dir)
{
	char ports[PATH_MAX];
	const char *ata = strstr(dir, "/ata");
	unsigned int number;
	uint64_t value;

	if (ata && sscanf(ata, "/ata%u/", &number) == 1 &&
	    (size_t)snprintf(ports, sizeof(ports), "%.*s/ata%u/ata_port/ata%u", (int)(ata - dir),
			     dir, number, number) < sizeof(ports) &&
	    attr_u64(ports, "port_no", &value) && value <= 64)
		d->port = (unsigned int)value;
}

/* dir: the disk's folder in sysfs, resolved. */
static bool disk_fill(struct disk *d, const char *dir)
{
	const char *name = strrchr(dir, '/') + 1;
	uint64_t sectors;

	*d = (struct disk){0};
	if (strlen(name) >= sizeof(d->name) || !device_path(d->path, name) ||
	    !attr_dev(dir, &d->dev) || !attr_u64(dir, "size", &sectors))
		return false;
	strcpy(d->name, name);
	snprintf(d->place, sizeof(d->place), "%s", dir);
	d->bytes = sectors * SECTOR;
	if (!attr_read(dir, "device/model", 0, d->model, sizeof(d->model)))
		attr_read(dir, "device/name", 0, d->model, sizeof(d->model));
	if (!attr_read(dir, "serial", 0, d->serial, sizeof(d->serial)) &&
	    !attr_read(dir, "device/serial", 0, d->serial, sizeof(d->serial)))
		attr_read(dir, "device/vpd_pg80", VPD_HEADER, d->serial, sizeof(d->serial));
	if (!attr_read(dir, "wwid", 0, d->wwid, sizeof(d->wwid)))
		attr_read(dir, "device/wwid", 0, d->wwid, sizeof(d->wwid));
	fill_port(d, dir);
	d->fixed = is_fixed(dir, d);
	return true;
}

static int by_place(const void *a, const void *b)
{
	return strverscmp(((const struct disk *)a)->place, ((const struct disk *)b)->place);
}

int disk_list(struct disk **disks, size_t *count)
{
	_cleanup_closedir_ DIR *dir = opendir(SYS_BLOCK);
	struct disk *list = calloc(LIST_MAX, sizeof(*list));
	struct dirent *e;
	size_t n = 0;

	if (!dir || !list) {
		free(list);
		return log_err(dir ? -ENOMEM : -errno, "cannot list the disks in '%s'", SYS_BLOCK);
	}
	while (n < LIST_MAX && (e = readdir(dir))) {
		char link[PATH_MAX], place[PATH_MAX];

		if (e->d_name[0] == '.')
			continue;
		snprintf(link, sizeof(link), "%s/%s", SYS_BLOCK, e->d_name);
		if (realpath(link, place) && disk_fill(&list[n], place) && list[n].bytes)
			n++;
	}
	qsort(list, n, sizeof(*list), by_place);
	*disks = list;
	*count = n;
	return 0;
}

/* --- choosing --- */

static bool find_place(dev_t dev, char place[PATH_MAX])
{
	char link[64];

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(dev), minor(dev));
	return realpath(link, place);
}

bool disk_kernel_name(const char *path, char name[DISK_NAME_MAX])
{
	char place[PATH_MAX];
	const char *last;
	struct stat st;

	if (stat(path, &st) || !S_ISBLK(st.st_mode) || !find_place(st.st_rdev, place))
		return false;
	last = strrchr(place, '/') + 1;
	return snprintf(name, DISK_NAME_MAX, "%s", last) < DISK_NAME_MAX;
}

static int select_path(const struct layout_disk *want, struct disk *out)
{
	char place[PATH_MAX];
	struct stat st;
	uint64_t number;

	if (stat(want->pattern, &st))
		return log_err(-errno, "disk '%s': no device '%s'", want->name, want->pattern);
	if (!S_ISBLK(st.st_mode))
		return log_err(-ENOTBLK, "disk '%s': '%s'", want->name, want->pattern);
	if (!find_place(st.st_rdev, place) || !disk_fill(out, place))
		return log_err(-ENODEV, "disk '%s': '%s' is unknown to the kernel", want->name,
			       want->pattern);
	if (attr_u64(place, "partition", &number))
		return log_err(-EINVAL, "disk '%s': '%s' is a partition, not a whole disk",
			       want->name, want->pattern);
	if (!out->bytes)
		return log_err(-ENOMEDIUM, "disk '%s': '%s'", want->name, want->pattern);
	return 0;
}

static bool matches(const struct layout_disk *want, const struct disk *d, uint64_t nth)
{
	switch (want->selector) {
	case SELECT_NTH:
		return d->fixed && nth == want->number;
	case SELECT_SERIAL:
		return !strcmp(d->serial, want->pattern);
	case SELECT_MODEL:
		return d->fixed && !fnmatch(want->pattern, d->model, 0);
	case SELECT_LARGER:
		return d->fixed && d->bytes > want->number;
	case SELECT_LINK:
		return disk_has_link(d, want->pattern);
	case SELECT_TRANSPORT:
		/* Who names USB means what is removable. */
		return (d->fixed || !strcmp(want->pattern, "usb")) &&
		       !strcmp(disk_transport(d), want->pattern);
	case SELECT_PATH:
		break;
	}
	return false;
}

static bool is_taken(const struct disk *taken, size_t count, const struct disk *d)
{
	for (size_t i = 0; i < count; i++)
		if (taken[i].dev == d->dev)
			return true;
	return false;
}

/* What the administrator needs to see when nothing fits. */
static int no_disk(const struct layout_disk *want, const struct disk *list, size_t count)
{
	_cleanup_strbuf_ struct strbuf have = STRBUF_INIT;
	char size[16];

	for (size_t i = 0; i < count; i++)
		if (list[i].fixed)
			strbuf_addf(&have, "%s%s (%s, model '%s', serial '%s')",
				    have.len ? ", " : "", list[i].path,
				    str_from_size(list[i].bytes, size, sizeof(size)), list[i].model,
				    list[i].serial);
	log_err(0, "no disk fits '%s' of line %u; this machine has %s", want->name, want->line,
		have.len ? have.buf : "no fixed disk");
	return -ENODEV;
}

/* A model or a size may mean several disks: the first that no earlier line has taken. */
static int select_one(const struct layout_disk *want, const struct disk *list, size_t count,
		      const struct disk *taken, size_t taken_count, struct disk *out)
{
	bool next_one = want->selector != SELECT_NTH && want->selector != SELECT_SERIAL;
	uint64_t nth = 0;

	if (want->selector == SELECT_PATH)
		return select_path(want, out);
	for (size_t i = 0; i < count; i++) {
		nth += list[i].fixed;
		if (!matches(want, &list[i], nth) ||
		    (next_one && is_taken(taken, taken_count, &list[i])))
			continue;
		*out = list[i];
		return 0;
	}
	return no_disk(want, list, count);
}

int disk_select(const struct layout *l, struct disk out[LAYOUT_DISKS_MAX])
{
	_cleanup_free_ struct disk *list = NULL;
	size_t count;
	int ret = disk_list(&list, &count);

	for (size_t i = 0; !ret && i < l->disk_count; i++) {
		ret = select_one(&l->disks[i], list, count, out, i, &out[i]);
		if (!ret && is_taken(out, i, &out[i])) {
			log_err(0, "disk '%s' of line %u is '%s', which an earlier line means too",
				l->disks[i].name, l->disks[i].line, out[i].path);
			ret = -EEXIST;
		}
	}
	return ret;
}

/* --- partitions --- */

static bool partition_fill(struct disk_partition *p, const char *dir, const char *name)
{
	uint64_t number, start, sectors;

	if (!attr_u64(dir, "partition", &number) || !attr_u64(dir, "start", &start) ||
	    !attr_u64(dir, "size", &sectors) || !attr_dev(dir, &p->dev))
		return false;
	device_path(p->path, name);
	p->number = (unsigned int)number;
	p->start = start * SECTOR;
	p->bytes = sectors * SECTOR;
	return true;
}

int disk_each_partition(const struct disk *d, disk_partition_fn *fn, void *arg)
{
	_cleanup_closedir_ DIR *dir = opendir(d->place);
	struct disk_partition p;
	struct dirent *e;
	int ret = 0;

	if (!dir)
		return log_err(-errno, "cannot list the partitions of '%s'", d->path);
	while (!ret && (e = readdir(dir))) {
		char sub[PATH_MAX];

		if (!str_starts(e->d_name, d->name))
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", d->place, e->d_name);
		if (partition_fill(&p, sub, e->d_name))
			ret = fn(&p, arg);
	}
	return ret;
}

struct wanted {
	uint64_t start, bytes;
	char *path;
};

static int find_wanted(const struct disk_partition *p, void *arg)
{
	struct wanted *w = arg;
	struct stat st;

	if (p->start != w->start || p->bytes != w->bytes || stat(p->path, &st) ||
	    !S_ISBLK(st.st_mode) || st.st_rdev != p->dev)
		return 0;
	strcpy(w->path, p->path);
	return 1;
}

int disk_partition(const struct disk *d, uint64_t start, uint64_t bytes, char path[DISK_PATH_MAX])
{
	struct wanted w = {.start = start, .bytes = bytes, .path = path};
	int64_t end = now_ms() + DISK_WAIT_MS;

	for (;;) {
		int ret = disk_each_partition(d, find_wanted, &w);

		if (ret)
			return ret < 0 ? ret : 0;
		if (now_ms() > end)
			return log_err(
				-ENXIO, "no partition of '%s' starts at byte %llu with %llu bytes",
				d->path, (unsigned long long)start, (unsigned long long)bytes);
		sleep_ms(POLL_MS);
	}
}
