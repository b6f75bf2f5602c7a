/* One module in its own process: what happens between PID 1's fork and the module's end. */
#ifndef LUCIE_MODULE_PROCESS_H
#define LUCIE_MODULE_PROCESS_H

#include <limits.h>

#include "init/module.h"

/* A module of the plan, C or shell. */
struct task {
	const char *name;
	const struct module *c; /* NULL: shell */
	char path[PATH_MAX];	/* of a shell module */
	char summary[128];
	unsigned int silence; /* seconds */
	const struct plan *plan;
};

/* Fills in everything but the plan. -ENOENT (logged) when there is no such module in this image. */
int task_find(struct task *t, const char *name);

/* Body of a child (init/loop.h); arg: struct task. */
int task_main(void *arg);

#endif
