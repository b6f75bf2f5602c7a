/* The supervisor of modules; see run.h. */
#include "init/run.h"
#include "init/console.h"
#include "init/disk-watch.h"
#include "init/end.h"
#include "init/hold.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/kmsg.h"
#include "init/lib/log.h"
#include "init/loop.h"
#include "init/module-process.h"
#include "init/reporter.h"
#include "init/rescue.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define TASKS_MAX	  64
#define ATTEMPTS_MAX	  3 /* of on_failure retry */
#define RETRY_PAUSE_MS	  10000
#define ACK_SECONDS	  120
#define OFFER_SECONDS	  300 /* for a shell, when the machine reboots otherwise */
#define CONSOLE_PAUSE_MS  1000
#define PROGRESS_PAUSE_MS 2000
#define REASON_MAX	  EVENT_MESSAGE_MAX

struct run {
	const struct plan *plan;
	const struct cmdline *cmdline;
	const char *node, *install;
	struct task tasks[TASKS_MAX];
	size_t count;
	char names[1024];	       /* the task's names lie in here */
	char module[EVENT_MODULE_MAX]; /* that failed; "" : none */
	char reason[REASON_MAX];
};

/* What came out, in a module's words: it goes into a good report. */
static char result[LOG_LINE_MAX];

/* The module that runs. */
struct running {
	const struct task *task;
	struct child child;
	int64_t started, console_time, progress_time;
	char last_error[LOG_LINE_MAX]; /* "log error" */
	char last_stderr[LOG_LINE_MAX];
	char what[80];	   /* of its progress */
	bool progress_due; /* the newest progress was not reported */
	bool console_due;  /* nor shown on the console */
	uint64_t done, total;
};

/* --- what a module says -------------------------------------------------------------- */

static void report_progress(struct running *m)
{
	struct event e = {.kind = EVENT_PROGRESS, .bytes = m->done, .total = m->total};

	snprintf(e.module, sizeof(e.module), "%s", m->task->name);
	snprintf(e.message, sizeof(e.message), "%s", m->what);
	report(&e);
	m->progress_due = false;
	m->progress_time = now_ms();
}

static void show_progress(struct running *m)
{
	char done[24], total[24];

	m->console_time = now_ms();
	m->console_due = false;
	if (m->total)
		console_progress("%s: %s of %s (%d %%) %s", m->task->name,
				 event_amount(m->done, m->total, done, sizeof(done)),
				 event_amount(m->total, m->total, total, sizeof(total)),
				 (int)((double)m->done * 100 / (double)m->total), m->what);
	else
		console_progress("%s: %s%s%s", m->task->name,
				 m->done ? str_from_size(m->done, done, sizeof(done)) : "",
				 m->done ? " " : "", m->what);
}

/* "progress DONE TOTAL WHAT" */
static void on_progress(struct running *m, char *line)
{
	char *rest = line + strlen("progress "), *done = str_word(&rest),
	     *total = done ? str_word(&rest) : NULL;
	uint64_t d, t;

	if (!total || str_to_u64(done, &d) || str_to_u64(total, &t) || d > INT64_MAX ||
	    t > INT64_MAX)
		return;
	m->done = d;
	m->total = t;
	snprintf(m->what, sizeof(m->what), "%s", str_trim(rest));
	m->progress_due = m->console_due = true;
	if (now_ms() - m->console_time >= CONSOLE_PAUSE_MS)
		show_progress(m);
	if (now_ms() - m->progress_time >= PROGRESS_PAUSE_MS)
		report_progress(m);
}

/* "host_key TYPE BASE64": of an ssh server that the module has started. */
static void on_host_key(const struct running *m, const char *key)
{
	struct event e = {.kind = EVENT_HOST_KEY};

	snprintf(e.module, sizeof(e.module), "%s", m->task->name);
	snprintf(e.message, sizeof(e.message), "%s", key);
	report(&e);
}

static void on_log(struct running *m, enum log_level level, const char *text)
{
	journal_line(m->task->name, level, text);
	if (level == LOG_LEVEL_ERROR)
		snprintf(m->last_error, sizeof(m->last_error), "%s", text);
	if (level >= LOG_LEVEL_INFO)
		report_log(m->task->name, log_level_name(level), text);
	if (level == LOG_LEVEL_WARN)
		console_line("%s: %s", m->task->name, text);
}

static void on_line(struct child *c, enum child_stream stream, char *line)
{
	struct running *m = c->arg;
	enum log_level level;
	char *text;

	str_make_text(line);
	if (stream == CHILD_CONTROL && str_starts(line, "progress "))
		on_progress(m, line);
	else if (stream == CHILD_CONTROL && str_starts(line, "host_key "))
		on_host_key(m, str_trim(line + strlen("host_key ")));
	else if (stream == CHILD_CONTROL && str_starts(line, "result "))
		snprintf(result, sizeof(result), "%s", str_trim(line + strlen("result ")));
	else if (stream == CHILD_CONTROL && (text = child_log_text(line, &level)))
		on_log(m, level, text);
	else if (stream == CHILD_CONTROL)
		on_log(m, LOG_LEVEL_WARN,
		       "a line on descriptor 3 is none of progress, log, result and host_key");
	else
		on_log(m, LOG_LEVEL_INFO, line);
	if (stream == CHILD_ERR)
		snprintf(m->last_stderr, sizeof(m->last_stderr), "%s", line);
}

/* --- one module ---------------------------------------------------------------------- */

static const char *first_of(const char *a, const char *b, const char *otherwise)
{
	return *a ? a : *b ? b : otherwise;
}

/* A shell module's last words are on stderr, a C module's in log_err(). */
static void explain_exit(const struct running *m, char *reason)
{
	int status = m->child.status;
	char code[64];

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		snprintf(reason, REASON_MAX,
			 "killed by the kernel, as a rule because memory ran out");
		return;
	}
	if (WIFSIGNALED(status)) {
		snprintf(reason, REASON_MAX, "crashed: signal %d (%s)%s%.900s", WTERMSIG(status),
			 strsignal(WTERMSIG(status)), *m->last_error ? " after: " : "",
			 m->last_error);
		return;
	}
	snprintf(code, sizeof(code), "exit code %d without a word", WEXITSTATUS(status));
	if (m->task->c)
		snprintf(reason, REASON_MAX, "%s", first_of(m->last_error, m->last_stderr, code));
	else
		snprintf(reason, REASON_MAX, "%s", first_of(m->last_stderr, m->last_error, code));
}

/* What the machine is to do: otherwise, unless somebody asked PID 1 for something else. */
static enum end wanted_end(enum end otherwise)
{
	switch (loop_signalled()) {
	case 0:
		return otherwise;
	case SIGUSR1:
	case SIGUSR2:
	case SIGPWR:
		return END_POWEROFF;
	default:
		return END_REBOOT;
	}
}

/* Waits for the module's end. 0, or -errno with the reason why it was stopped. */
static int watch(struct running *m, char *reason)
{
	int64_t silence = (int64_t)m->task->silence * 1000;

	while (child_running(&m->child)) {
		loop_wait(250);
		reporter_run();
		if (m->progress_due && now_ms() - m->progress_time >= PROGRESS_PAUSE_MS)
			report_progress(m);
		if (m->console_due && now_ms() - m->console_time >= CONSOLE_PAUSE_MS)
			show_progress(m);
		*reason = '\0';
		if (!child_running(&m->child))
			break;
		if (loop_signalled())
			snprintf(reason, REASON_MAX, "stopped: the machine is being %s",
				 wanted_end(END_REBOOT) == END_REBOOT ? "rebooted"
								      : "switched off");
		else if (disk_watch_gone())
			snprintf(reason, REASON_MAX, "the disk of '%s' has vanished",
				 disk_watch_gone());
		else if (now_ms() - m->child.last_sign > silence)
			snprintf(reason, REASON_MAX, "no sign of life for %u s%s%s",
				 m->task->silence, *m->what ? ", last: " : "", m->what);
		if (!*reason)
			continue;
		console_line("%s: %s; ending it", m->task->name, reason);
		if (!child_stop(&m->child, CHILD_GRACE_MS))
			strncat(reason, "; it hangs in the kernel and cannot be killed",
				REASON_MAX - strlen(reason) - 1);
		return -ETIMEDOUT;
	}
	return 0;
}

static void report_module(const char *name, enum event_kind kind, bool ok, int64_t millis,
			  const char *message)
{
	struct event e = {.kind = kind, .ok = ok, .millis = millis};

	snprintf(e.module, sizeof(e.module), "%s", name);
	snprintf(e.message, sizeof(e.message), "%s", message);
	report(&e);
	reporter_run();
}

/* The device and the sector behind an "Input/output error". */
static void add_disk_error(int kmsg, char *reason)
{
	char said[128];
	size_t len = strlen(reason);

	if (kmsg >= 0 && kmsg_disk_error(kmsg, said, sizeof(said)))
		snprintf(reason + len, REASON_MAX - len, " (kernel: %s)", said);
}

static int run_task(const struct task *t, char *reason)
{
	struct running m = {.task = t};
	_cleanup_close_ int kmsg = kmsg_open();
	int64_t millis;
	int ret;

	m.child = (struct child){.name = t->name, .line = on_line, .arg = &m};
	m.started = now_ms();
	console_line("%s: %s", t->name, t->summary);
	report_module(t->name, EVENT_START, true, 0, "");
	ret = child_start(&m.child, task_main, (void *)t);
	if (ret) {
		snprintf(reason, REASON_MAX, "%s", log_last_error());
	} else {
		pid_t session = m.child.pid;

		ret = watch(&m, reason);
		session_kill(session);
		if (!ret && m.child.status) {
			explain_exit(&m, reason);
			ret = -ECHILD;
		}
	}
	if (ret)
		add_disk_error(kmsg, reason);
	millis = now_ms() - m.started;
	if (m.progress_due)
		report_progress(&m);
	report_module(t->name, EVENT_END, ret == 0, millis, ret ? reason : "");
	if (!ret)
		console_line("%s: done (%" PRId64 ".%" PRId64 " s)", t->name, millis / 1000,
			     millis % 1000 / 100);
	return ret;
}

static int run_tasks(struct run *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct task *t = &r->tasks[i];
		int ret;

		if (hold_wanted(r->plan, r->cmdline, t->name))
			hold_before(r->plan, t->name);
		ret = run_task(t, r->reason);
		if (ret) {
			snprintf(r->module, sizeof(r->module), "%s", t->name);
			return ret;
		}
	}
	return 0;
}

/* --- the whole ----------------------------------------------------------------------- */

/* All modules are looked for before the first one runs. */
static int find_tasks(struct run *r)
{
	const char *names = plan_head(r->plan, "modules");
	char *rest = r->names, *name;
	int ret;

	if (!names || strlen(names) >= sizeof(r->names))
		return log_err(0, "the plan's list of modules is missing or too long");
	snprintf(r->names, sizeof(r->names), "%s", names);
	while ((name = str_word(&rest))) {
		if (r->count == TASKS_MAX)
			return log_err(0, "the plan has more than %d modules", TASKS_MAX);
		ret = task_find(&r->tasks[r->count], name);
		if (ret)
			return ret;
		r->tasks[r->count++].plan = r->plan;
	}
	return r->count ? 0 : log_err(0, "the plan has no modules");
}

static void check_breaks(const struct run *r)
{
	for (size_t i = 0; i < r->cmdline->break_count; i++) {
		size_t t = 0;

		while (t < r->count && strcmp(r->tasks[t].name, r->cmdline->breaks[i]) != 0)
			t++;
		if (t == r->count)
			log_warn("lucie.break=%s: the plan has no such module",
				 r->cmdline->breaks[i]);
	}
}

static void show_failure(const struct run *r, const char *next)
{
	console_line("----------------------------------------------------------------------");
	console_line("FAILED: %s%s%s", *r->module ? "module '" : "the plan", r->module,
		     *r->module ? "'" : "");
	console_line("  node    %s, installation %s", r->node, r->install);
	console_line("  reason  %s", r->reason);
	console_line("  next    %s", next);
	console_line("----------------------------------------------------------------------");
}

static void report_result(const struct run *r, bool ok)
{
	struct event e = {.kind = EVENT_REPORT, .ok = ok};

	snprintf(e.module, sizeof(e.module), "%s", ok ? "" : r->module);
	snprintf(e.message, sizeof(e.message), "%s", ok ? result : r->reason);
	report(&e);
	reporter_run();
}

static void wait_until(int64_t end)
{
	while (now_ms() < end && !loop_signalled()) {
		loop_wait(200);
		reporter_run();
	}
}

/* A shell comes at once, and the report goes out meanwhile; nothing else happens before the server
 * has it. */
static void __attribute__((noreturn)) end_by_name(const char *how)
{
	enum end end = !strcmp(how, "poweroff") ? END_POWEROFF
		       : !strcmp(how, "kexec")	? END_KEXEC
						: END_REBOOT;

	if (!strcmp(how, "shell") && !loop_signalled() &&
	    !rescue_shell("the installation is over", "reboots", 0) && !loop_signalled()) {
		console_line("there is no console to open a shell on; rebooting in %d s",
			     OFFER_SECONDS);
		wait_until(now_ms() + OFFER_SECONDS * 1000);
	}
	reporter_flush(ACK_SECONDS);
	end_machine(wanted_end(end));
}

static const char *describe_next(const char *policy)
{
	if (!strcmp(policy, "reboot"))
		return "reboots (on_failure reboot)";
	if (!strcmp(policy, "poweroff"))
		return "switches off (on_failure poweroff)";
	return "a shell on the console waits for a person";
}

static void __attribute__((noreturn)) fail(struct run *r, const char *policy)
{
	show_failure(r, loop_signalled() ? "ends, as somebody asked for" : describe_next(policy));
	report_result(r, false);
	end_by_name(!strcmp(policy, "retry") ? "shell" : policy);
}

static void pause_before_retry(const struct run *r, unsigned int attempt)
{
	char text[96];

	snprintf(text, sizeof(text), "starts again in %d s, attempt %u of %d (on_failure retry)",
		 RETRY_PAUSE_MS / 1000, attempt + 1, ATTEMPTS_MAX);
	show_failure(r, text);
	report_log(r->module, "warn", text);
	end_release_disks();
	wait_until(now_ms() + RETRY_PAUSE_MS);
}

void run_plan(const struct plan *plan, const struct cmdline *c)
{
	static struct run r;
	const char *policy = plan_head(plan, "on_failure"), *at_end = plan_head(plan, "at_end");

	r = (struct run){.plan = plan, .cmdline = c};
	r.node = plan_head(plan, "node") ? plan_head(plan, "node") : "?";
	r.install = plan_head(plan, "install") ? plan_head(plan, "install") : "?";
	policy = policy ? policy : "shell";
	reporter_start(plan);
	disk_watch_start();
	report_module("", EVENT_START, true, 0, "");
	if (find_tasks(&r)) {
		snprintf(r.reason, sizeof(r.reason), "%s", log_last_error());
		fail(&r, policy);
	}
	check_breaks(&r);
	console_line("%s: installation %s: %s", r.node, r.install, plan_head(plan, "modules"));
	for (unsigned int attempt = 1; run_tasks(&r); attempt++) {
		if (strcmp(policy, "retry") != 0 || attempt == ATTEMPTS_MAX || loop_signalled())
			fail(&r, policy);
		pause_before_retry(&r, attempt);
	}
	console_line("%s: %s", r.node, *result ? result : "installed");
	report_result(&r, true);
	end_by_name(at_end ? at_end : "reboot");
}

void run_without_plan(const char *reason)
{
	int64_t end = now_ms() + OFFER_SECONDS * 1000;

	console_line("----------------------------------------------------------------------");
	console_line("FAILED: there is no plan for this machine, so nothing was done");
	console_line("  reason  %s", reason);
	console_line("  next    reboots in %d s, unless somebody asks for a shell", OFFER_SECONDS);
	console_line("----------------------------------------------------------------------");
	if (!rescue_shell("no plan", "reboots", OFFER_SECONDS))
		wait_until(end);
	end_machine(wanted_end(END_REBOOT));
}
