/* init: the environment in which the other modules run. PID 1 has brought up console, devices,
 * network and plan before; what is left is what only the plan knows: kernel modules that no device
 * asks for, and what the log should say of this machine. */
#include "init/module.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/kmod.h"
#include "init/lib/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static void log_machine(void)
{
	struct sysinfo info;
	struct utsname u;
	char ram[16];

	if (uname(&u) || sysinfo(&info))
		return;
	log_info("linux %s on %s, %d processors, %s of memory", u.release, u.machine, get_nprocs(),
		 str_from_size((uint64_t)info.totalram * info.mem_unit, ram, sizeof(ram)));
}

static int load_modules(const struct plan_section *section)
{
	struct kmod *k = NULL;
	int ret = kmod_open(&k, NULL);

	if (ret)
		return log_err(ret, "cannot read the list of kernel modules");
	plan_for_each (line, section, "kernel_module")
		if (!ret) {
			ret = kmod_load(k, line->value);
			if (ret)
				log_err(ret, "cannot load kernel module '%s'", line->value);
		}
	kmod_close(k);
	return ret;
}

static int init_run(struct module_context *ctx)
{
	int ret;

	log_machine();
	ret = plan_get(ctx->section, "kernel_module") ? load_modules(ctx->section) : 0;
	if (!ret)
		ret = mkdir_path(ctx->target, 0755);
	return ret;
}

static void init_check(struct module_check *check)
{
	plan_for_each (line, check->section, NULL)
		if (strcmp(line->key, "kernel_module") != 0)
			check->error(check, "'%s' is no key of init; expected 'kernel_module'",
				     line->key);
		else if (!str_is_name(line->value))
			check->error(check, "'%s' cannot name a kernel module", line->value);
}

MODULE(init, .summary = "prepare the installer's environment", .run = init_run,
       .check = init_check);
