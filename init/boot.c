/* PID 1: sets the machine up, gets the plan, runs it; see boot.h. Each of these is bounded, and
 * none can end PID 1: drivers, the network and the modules are other processes' work. */
#include "init/boot.h"
#include "init/console.h"
#include "init/devices.h"
#include "init/early.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/version.h"
#include "init/loop.h"
#include "init/nfsroot.h"
#include "init/plan.h"
#include "init/reporter.h"
#include "init/rescue.h"
#include "init/run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtc.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PLAN_LIMIT_MS	(20 * 60 * 1000) /* beyond every wait in plan_main() */
#define CLOCK_TOLERANCE 5

static void on_kernel_error(const char *text)
{
	report_log("", "error", text);
}

/* The plan's text was verified by the process that wrote it. */
static int load_plan(struct plan *plan)
{
	_cleanup_free_ char *text = NULL;
	char why[160];
	size_t len;
	int ret = file_read(PLAN_PATH, PLAN_MAX, &text, &len);

	if (ret)
		return log_err(ret, "cannot read '%s'", PLAN_PATH);
	ret = plan_parse(plan, text, len, why, sizeof(why));
	return ret ? log_err(0, "cannot read the plan: %s", why) : 0;
}

/* Gets the plan in a child, which may not take for ever. */
static int get_plan(struct plan *plan, struct cmdline *cmdline)
{
	struct child c = {.name = "plan", .line = child_log_line};
	char why[96];
	int64_t limit = cmdline->discover ? 0 : PLAN_LIMIT_MS;
	int ret = child_run(&c, plan_main, cmdline, limit, why, sizeof(why));

	if (ret && *why)
		return log_err(0, "no plan: %s", why);
	return ret ? ret : load_plan(plan);
}

/* It is what the installed system begins with. UTC, as Debian takes it; a machine need not have one.
 */
static void set_hardware_clock(time_t now)
{
	_cleanup_close_ int fd = open("/dev/rtc0", O_WRONLY | O_CLOEXEC);
	struct rtc_time rtc = {0};
	struct tm tm;

	if (fd < 0 || !gmtime_r(&now, &tm))
		return;
	rtc.tm_sec = tm.tm_sec;
	rtc.tm_min = tm.tm_min;
	rtc.tm_hour = tm.tm_hour;
	rtc.tm_mday = tm.tm_mday;
	rtc.tm_mon = tm.tm_mon;
	rtc.tm_year = tm.tm_year;
	if (ioctl(fd, RTC_SET_TIME, &rtc))
		log_warn("cannot set the hardware clock: %s", strerror(errno));
}

/* Certificates, time stamps and package indexes want a clock that is about right. */
static void set_clock(const struct plan *plan)
{
	const char *text = plan_head(plan, "time");
	struct timeval now;
	uint64_t t;

	if (!text || str_to_u64(text, &t) || t > INT32_MAX)
		return;
	gettimeofday(&now, NULL);
	if (now.tv_sec + CLOCK_TOLERANCE >= (time_t)t && now.tv_sec <= (time_t)t + CLOCK_TOLERANCE)
		return;
	now = (struct timeval){.tv_sec = (time_t)t};
	if (settimeofday(&now, NULL))
		log_warn("cannot set the clock");
	else
		set_hardware_clock((time_t)t);
}

static void say_alarm(const struct plan *plan)
{
	const char *alarm = plan_head(plan, "alarm");

	if (alarm)
		console_line("ALARM: %s", alarm);
}

static void set_name(const struct plan *plan)
{
	const char *node = plan_head(plan, "node");

	if (node && sethostname(node, strlen(node)))
		log_warn("cannot set the host name '%s'", node);
}

void boot(void)
{
	static struct child devices = {.name = "devices", .line = child_log_line};
	static struct cmdline cmdline;
	static struct plan plan;

	early_mount();
	console_open();
	early_settings();
	console_line("lucie " LUCIE_VERSION);
	loop_init();
	early_cmdline(&cmdline);
	child_start(&devices, devices_main, NULL);
	if (cmdline.shell && !nfsroot_is_there())
		rescue_shell("lucie.shell", "goes on", 0);
	if (*cmdline.nfsroot.server && !nfsroot_is_there()) {
		nfsroot_enter(&cmdline, &devices);
		run_without_plan(log_last_error());
	}
	if (get_plan(&plan, &cmdline))
		run_without_plan(log_last_error());
	early_kernel_log(on_kernel_error);
	set_clock(&plan);
	say_alarm(&plan);
	set_name(&plan);
	run_plan(&plan, &cmdline);
}
