/* Running a module in its process; see module-process.h. A C module runs in the forked image of PID
 * 1, a shell module replaces it. Both speak to PID 1 through descriptor 3: "progress DONE TOTAL
 * WHAT", "log LEVEL TEXT", "result TEXT". */
#include "init/module-process.h"
#include "init/lib/io.h"
#include "init/shell-module.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PROGRESS_PAUSE_MS 250

struct progress_context {
	struct module_context ctx; /* first, so that report() finds the rest */
	int64_t last;
	uint64_t last_done;
	char what[64];
};

/* Modules call it for every block: a line goes out a few times a second, for a new text, and at the
 * end. */
static void write_progress(struct module_context *ctx, uint64_t done, uint64_t total,
			   const char *what)
{
	struct progress_context *p = (struct progress_context *)ctx;
	int64_t now = now_ms();
	char line[256];
	int n;

	if (now - p->last < PROGRESS_PAUSE_MS && !strncmp(p->what, what, sizeof(p->what) - 1) &&
	    (done != total || done == p->last_done))
		return;
	p->last = now;
	p->last_done = done;
	snprintf(p->what, sizeof(p->what), "%s", what);
	n = snprintf(line, sizeof(line), "progress %" PRIu64 " %" PRIu64 " %.128s\n", done, total,
		     what);
	write_full(3, line, (size_t)n);
}

/* "result TEXT" */
static void write_result(struct module_context *ctx, const char *text)
{
	char line[320];
	int n = snprintf(line, sizeof(line), "result %.300s\n", text);

	(void)ctx;
	write_full(3, line, (size_t)n);
}

static int run_c(const struct task *t)
{
	struct progress_context p = {
		.ctx = {.plan = t->plan,
			.section = plan_section(t->plan, t->name),
			.target = MODULE_TARGET,
			.report = write_progress,
			.result = write_result},
	};
	int ret;

	module_catch_cancel();
	if (t->c->stands && t->c->stands(&p.ctx)) {
		log_info("done before the power cut: it stands");
		return 0;
	}
	ret = t->c->run(&p.ctx);
	if (ret < 0 && !*log_last_error())
		log_err(ret, "failed without saying why");
	return ret ? 1 : 0;
}

int task_main(void *arg)
{
	const struct task *t = arg;

	if (t->c)
		return run_c(t);
	shell_module_become(t->path, t->name, t->plan);
	return 1;
}

int task_find(struct task *t, const char *name)
{
	struct shell_header h;
	int ret;

	t->name = name;
	for_each_module(m)
	{
		if (strcmp(m->name, name) != 0)
			continue;
		t->c = m;
		t->silence = m->silence ? m->silence : SILENCE_DEFAULT;
		snprintf(t->summary, sizeof(t->summary), "%s", m->summary);
		return 0;
	}
	t->c = NULL;
	ret = shell_module_find(name, &h, t->path);
	if (ret == -ENOENT)
		return log_err(
			ret, "the plan asks for module '%s', and this image has none of this name",
			name);
	t->silence = h.silence;
	snprintf(t->summary, sizeof(t->summary), "%s", h.summary);
	return ret;
}
