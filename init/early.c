/* Pseudo file systems, kernel settings and the kernel's log; see early.h. */
#include "init/early.h"
#include "init/console.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/loop.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>

#define KLOG_SET_CONSOLE_LEVEL 8 /* syslog(2) */
#define CONSOLE_LEVEL	       4 /* the kernel prints its errors itself, we the rest */
#define KMSG_ERROR	       3

static const struct {
	const char *what, *where, *type, *options;
	unsigned long flags;
	mode_t mode;
} mounts[] = {
	{"proc", "/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555},
	{"sysfs", "/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555},
	{"devtmpfs", "/dev", "devtmpfs", "mode=0755", MS_NOSUID, 0755},
	{"devpts", "/dev/pts", "devpts", "mode=0620,ptmxmode=0666", MS_NOSUID | MS_NOEXEC, 0755},
	{"tmpfs", "/run", "tmpfs", "mode=0755,size=32m", MS_NOSUID | MS_NODEV, 0755},
	{"tmpfs", "/tmp", "tmpfs", "mode=1777,size=32m", MS_NOSUID | MS_NODEV, 01777},
};

static bool is_mount_point(const char *path)
{
	struct stat here, above;
	char parent[64];

	snprintf(parent, sizeof(parent), "%s/..", path);
	return !stat(path, &here) && !stat(parent, &above) && here.st_dev != above.st_dev;
}

void early_mount(void)
{
	umask(022);
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].where, mounts[i].mode);
		if (!is_mount_point(mounts[i].where))
			mount(mounts[i].what, mounts[i].where, mounts[i].type, mounts[i].flags,
			      mounts[i].options);
	}
	mkdir("/run/lucie", 0755);
	mkdir("/target", 0755);
}

void early_settings(void)
{
	static const char modprobe[] = "/sbin/modprobe";

	klogctl(KLOG_SET_CONSOLE_LEVEL, NULL, CONSOLE_LEVEL);
	reboot(RB_DISABLE_CAD); /* ctrl-alt-del becomes a SIGINT to PID 1 */
	/* What the kernel itself asks for (a file system, a cipher) it asks /sbin/modprobe, which
	 * is this program. */
	symlink("/init", modprobe);
	file_write("/proc/sys/kernel/modprobe", modprobe, strlen(modprobe), 0644);
}

void early_cmdline(struct cmdline *c)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int ret = file_read("/proc/cmdline", CMDLINE_MAX * 4, &text, &len);

	if (ret)
		log_err(ret, "cannot read the kernel command line");
	cmdline_parse(c, text ? text : "", len);
	if (*c->wrong)
		log_warn("kernel command line: %s", c->wrong);
}

/* "6,339,5140900,-;text": priority, number, microseconds, flags. Each read() is one message. */
static void on_kernel_message(int fd, void *arg)
{
	void (**error)(const char *text) = arg;
	char buf[8192], *text;
	unsigned int level;
	ssize_t n;

	for (int i = 0; i < 64; i++) {
		n = read(fd, buf, sizeof(buf) - 1);
		if (n < 0 && errno == EPIPE)
			continue; /* some were overwritten before they were read */
		if (n <= 0)
			return;
		buf[n] = '\0';
		level = (unsigned int)atoi(buf) & 7;
		text = strchr(buf, ';');
		if (!text)
			continue;
		text[strcspn(text, "\n")] = '\0';
		str_make_text(++text);
		journal_line("kernel", level <= KMSG_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO,
			     text);
		if (level <= KMSG_ERROR)
			(*error)(text);
	}
}

void early_kernel_log(void (*error)(const char *text))
{
	static void (*on_error)(const char *text);
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	on_error = error;
	if (fd >= 0)
		loop_watch(fd, on_kernel_message, &on_error);
}
