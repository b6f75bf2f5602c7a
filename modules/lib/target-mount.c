/* Mounts of the target: what programs in it need while they run, and the end of them all; see
 * target.h. */
#include "modules/lib/target.h"

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>

#define MOUNTINFO    "/proc/self/mountinfo"
#define SWAPS	     "/proc/swaps"
#define TABLE_MAX    ((size_t)4 << 20)
#define BUSY_TRIES   50 /* for the mounts of processes that are just ending */
#define BUSY_WAIT_MS 100

/* "\040" is a blank: proc(5), octal escapes in mountinfo. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; to++) {
		unsigned int code;

		if (*s == '\\' && sscanf(s, "\\%3o", &code) == 1 && strnlen(s, 4) == 4) {
			*to = (char)code;
			s += 4;
		} else {
			*to = *s++;
		}
	}
	*to = '\0';
}

/* Splits one line of mountinfo: "36 35 98:0 /root /place options ...". */
static bool mount_line(char *line, char **place, dev_t *dev)
{
	unsigned int major, minor;
	char *number;

	str_word(&line);
	str_word(&line);
	number = str_word(&line);
	str_word(&line);
	*place = str_word(&line);
	if (!*place || sscanf(number, "%u:%u", &major, &minor) != 2)
		return false;
	*dev = makedev(major, minor);
	unescape(*place);
	return true;
}

static bool is_below(const char *place, const char *path)
{
	size_t n = strlen(path);

	return !strncmp(place, path, n) && (!place[n] || place[n] == '/' || !strcmp(path, "/"));
}

/* Calls fn for each mount in the order of the kernel's table, in which a mount comes after those
 * that it lies on. */
static int each_mount(void (*fn)(const char *place, dev_t dev, void *arg), void *arg)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL, *place;
	dev_t dev;
	int ret = file_read(MOUNTINFO, TABLE_MAX, &text, NULL);

	if (ret)
		return log_err(ret, "cannot read '%s'", MOUNTINFO);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (mount_line(line, &place, &dev))
			fn(place, dev, arg);
	return 0;
}

struct query {
	const char *path;
	bool found;
	dev_t dev;
	char last[PATH_MAX]; /* the last mount at or below path */
};

static void match(const char *place, dev_t dev, void *arg)
{
	struct query *q = arg;

	if (is_below(place, q->path))
		snprintf(q->last, sizeof(q->last), "%s", place);
	if (strcmp(place, q->path))
		return;
	q->found = true;
	q->dev = dev;
}

bool target_is_mounted(const char *path, dev_t *dev)
{
	struct query q = {.path = path};

	if (each_mount(match, &q) || !q.found)
		return false;
	*dev = q.dev;
	return true;
}

int target_unmount(const char *path)
{
	for (unsigned int tries = 0;;) {
		struct query q = {.path = path};
		int ret = each_mount(match, &q);

		if (ret || !q.last[0])
			return ret;
		if (!umount2(q.last, UMOUNT_NOFOLLOW)) {
			tries = 0;
			continue;
		}
		if (errno != EBUSY || ++tries == BUSY_TRIES)
			return log_err(-errno, "cannot unmount '%s'", q.last);
		sleep_ms(BUSY_WAIT_MS);
	}
}

/* --- programs in the target --- */

static const struct {
	const char *place, *type, *source, *options;
	unsigned long flags;
} needed[] = {
	{"/proc", "proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
	{"/sys", "sysfs", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY},
	{"/dev", NULL, "/dev", NULL, MS_BIND | MS_REC},
	{"/run", "tmpfs", "tmpfs", "mode=0755,size=16m", MS_NOSUID | MS_NODEV},
};

int target_enter(const char *target)
{
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		char place[PATH_MAX], real[PATH_MAX];
		dev_t dev;
		int ret;

		snprintf(place, sizeof(place), "%s%s", target, needed[i].place);
		if (target_is_mounted(place, &dev))
			continue;
		ret = target_mkdir(target, needed[i].place, 0755);
		if (ret)
			return ret;
		ret = target_place(target, needed[i].place, real);
		if (ret || strcmp(real, place))
			return log_err(ret ? ret : -ELOOP, "'%s' of the target is no directory",
				       needed[i].place);
		if (mount(needed[i].source, place, needed[i].type, needed[i].flags,
			  needed[i].options) ||
		    mount(NULL, place, NULL, MS_PRIVATE | MS_REC, NULL))
			return log_err(-errno, "cannot mount %s for programs in the target",
				       needed[i].place);
	}
	return 0;
}

/* A daemon that a package started in spite of policy-rc.d would keep the target busy. */
static void end_processes(const char *target)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	struct dirent *e;

	while (proc && (e = readdir(proc))) {
		char link[64], root[PATH_MAX];
		uint64_t pid;
		ssize_t n;

		if (str_to_u64(e->d_name, &pid) || pid <= 1 || pid == (uint64_t)getpid() ||
		    pid > INT_MAX)
			continue;
		snprintf(link, sizeof(link), "/proc/%u/root", (unsigned int)pid);
		n = readlink(link, root, sizeof(root) - 1);
		if (n < 0)
			continue;
		root[n] = '\0';
		if (strcmp(target, "/") && is_below(root, target)) {
			log_info("ending process %u, which still runs in the target",
				 (unsigned int)pid);
			kill((pid_t)pid, SIGKILL);
		}
	}
}

int target_leave(const char *target)
{
	int first = 0;

	end_processes(target);
	for (size_t i = ARRAY_SIZE(needed); i-- > 0;) {
		char place[PATH_MAX];
		int ret;

		snprintf(place, sizeof(place), "%s%s", target, needed[i].place);
		ret = target_unmount(place);
		if (!first)
			first = ret;
	}
	return first;
}

/* --- swap --- */

int target_swap_off_device(const char *device, dev_t dev)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	int ret = file_read(SWAPS, TABLE_MAX, &text, NULL);

	if (ret)
		return ret == -ENOENT ? 0 : log_err(ret, "cannot read '%s'", SWAPS);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *path = str_word(&line);
		struct stat st;

		if (!path || stat(path, &st) || !S_ISBLK(st.st_mode) || st.st_rdev != dev)
			continue;
		if (swapoff(path))
			return log_err(-errno, "cannot switch off the swap on '%s'", device);
	}
	return 0;
}

static int swap_off(const struct disk_partition *p, void *arg)
{
	(void)arg;
	return target_swap_off_device(p->path, p->dev);
}

int target_swap_off(const struct disk *d)
{
	return disk_each_partition(d, swap_off, NULL);
}
