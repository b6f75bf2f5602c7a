/* Runs one C module outside of the installer: run-module MODULE PLAN TARGET. For tests under root
 * on loop devices.
 *
 * It refuses a plan whose layout means anything but a loop device: on the machine that runs the
 * tests, disk1 is somebody's disk.
 */
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/module.h"
#include "modules/lib/layout.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define LOOP_MAJOR 7

static void show_progress(struct module_context *ctx, uint64_t done, uint64_t total,
			  const char *what)
{
	(void)ctx;
	if (getenv("PROGRESS"))
		printf("progress %llu %llu %s\n", (unsigned long long)done,
		       (unsigned long long)total, what);
}

static void show_result(struct module_context *ctx, const char *text)
{
	(void)ctx;
	printf("result %s\n", text);
}

static void show_error(struct module_check *check, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("check: ", stdout);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
	++*(int *)check->arg;
}

static bool only_loop_devices(const struct plan *plan)
{
	static struct layout l;

	if (layout_parse(&l, plan_section(plan, "layout"), NULL, NULL))
		return false;
	for (size_t i = 0; i < l.disk_count; i++) {
		struct stat st;

		if (l.disks[i].selector != SELECT_PATH || stat(l.disks[i].pattern, &st) ||
		    !S_ISBLK(st.st_mode) || major(st.st_rdev) != LOOP_MAJOR)
			return false;
	}
	return l.disk_count > 0;
}

static const struct module *find(const char *name)
{
	for_each_module(m) if (!strcmp(m->name, name)) return m;
	return NULL;
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *text = NULL;
	const struct module *m = argc == 4 ? find(argv[1]) : NULL;
	struct plan plan;
	size_t len;
	char why[160] = "";
	int errors = 0, ret;

	if (!m || file_read(argv[2], PLAN_MAX, &text, &len) ||
	    plan_parse(&plan, text, len, why, sizeof(why))) {
		fprintf(stderr, "usage: run-module MODULE PLAN TARGET %s\n", why);
		return 2;
	}
	if (!only_loop_devices(&plan)) {
		fprintf(stderr,
			"run-module: the layout means more than loop devices: not touched\n");
		return 2;
	}
	struct module_check check = {.plan = &plan,
				     .section = plan_section(&plan, m->name),
				     .error = show_error,
				     .arg = &errors};
	struct module_context ctx = {.plan = &plan,
				     .section = check.section,
				     .target = argv[3],
				     .report = show_progress,
				     .result = show_result};

	if (m->check)
		m->check(&check);
	if (m->stands && m->stands(&ctx))
		ret = puts("stands") < 0;
	else
		ret = m->run(&ctx);
	if (ret)
		fprintf(stderr, "reason: %s\n", log_last_error());
	plan_free(&plan);
	return ret || errors ? 1 : 0;
}
