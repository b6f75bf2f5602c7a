/* Unmounting and the machine's end; see end.h. What touches disks is done by a child, for a dead
 * disk may never answer. */
#include "init/end.h"
#include "init/console.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "init/loop.h"
#include "init/module.h"

#include <errno.h>
#include <mntent.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/swap.h>

#define RELEASE_MS   (120 * 1000)
#define TERM_WAIT_MS 2000
#define MOUNTS_MAX   256

static bool is_under(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (path[n] == '\0' || path[n] == '/');
}

/* The last one mounted first. */
static void unmount_target(void)
{
	char *paths[MOUNTS_MAX];
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	size_t n = 0;

	while (f && n < MOUNTS_MAX && (m = getmntent(f)))
		if (is_under(m->mnt_dir, MODULE_TARGET) && (paths[n] = strdup(m->mnt_dir)))
			n++;
	if (f)
		endmntent(f);
	while (n--) {
		if (umount2(paths[n], 0) && umount2(paths[n], MNT_DETACH))
			log_warn("cannot unmount '%s': %s", paths[n], strerror(errno));
		free(paths[n]);
	}
}

static void swap_off(void)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	if (file_read("/proc/swaps", 65536, &text, NULL))
		return;
	rest = text;
	strsep(&rest, "\n"); /* the head line */
	while ((line = strsep(&rest, "\n"))) {
		char *path = str_word(&line);

		if (path && swapoff(path))
			log_warn("cannot switch swap on '%s' off: %s", path, strerror(errno));
	}
}

static int release(void *arg)
{
	(void)arg;
	sync();
	unmount_target();
	swap_off();
	sync();
	return 0;
}

void end_release_disks(void)
{
	struct child c = {.name = "unmount", .line = child_log_line};
	int64_t start = now_ms();
	bool said = false;

	if (child_start(&c, release, NULL))
		return;
	while (child_running(&c) && now_ms() - start < RELEASE_MS) {
		loop_wait(200);
		if (!said && now_ms() - start > 2000) {
			console_line(
				"waiting until everything is written to the disks (at most %d s)",
				RELEASE_MS / 1000);
			said = true;
		}
	}
	if (!child_stop(&c, CHILD_GRACE_MS))
		console_line("the disks do not answer; going on without them");
}

static void stop_everything(void)
{
	int64_t end = now_ms() + TERM_WAIT_MS;

	kill(-1, SIGTERM);
	while (!loop_childless() && now_ms() < end)
		loop_wait(50);
	kill(-1, SIGKILL);
	loop_wait(50);
}

static bool kexec_ready(void)
{
	_cleanup_free_ char *text = NULL;

	return !file_read("/sys/kernel/kexec_loaded", 16, &text, NULL) && *text == '1';
}

void end_machine(enum end how)
{
	if (how == END_KEXEC && !kexec_ready()) {
		console_line("no kernel was loaded for kexec; rebooting instead");
		how = END_REBOOT;
	}
	console_line("%s", how == END_POWEROFF ? "switching off"
			   : how == END_KEXEC  ? "starting the new kernel"
					       : "rebooting");
	stop_everything();
	end_release_disks();
	reboot(how == END_POWEROFF ? RB_POWER_OFF : how == END_KEXEC ? RB_KEXEC : RB_AUTOBOOT);
	console_line("the kernel did not end: %s", strerror(errno));
	for (;;)
		loop_wait(1000);
}
