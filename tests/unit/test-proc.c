/* init/lib/proc.c: exit codes, output, input, and that no child outlives its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/lib/cancel.h"
#include "init/lib/io.h"
#include "init/lib/proc.h"
#include "init/lib/str.h"

static struct strbuf lines;

static void keep_line(const char *line, void *arg)
{
	(void)arg;
	strbuf_addf(&lines, "%s|", line);
}

static int shell(const char *script, struct proc_options o)
{
	char *const argv[] = {"sh", "-c", (char *)script, NULL};

	strbuf_reset(&lines);
	strbuf_adds(&lines, "");
	o.line = keep_line;
	if (!o.total_seconds && !o.silence_seconds)
		o.total_seconds = 20;
	return proc_run(argv, &o);
}

static void exit_codes(void **state)
{
	(void)state;
	assert_int_equal(shell("exit 0", (struct proc_options){0}), 0);
	assert_int_equal(shell("exit 7", (struct proc_options){0}), 7);
	assert_int_equal(shell("kill -SEGV $$", (struct proc_options){0}), -EINTR);
}

static void not_executable(void **state)
{
	char *const argv[] = {"/nonexistent/program", NULL};

	(void)state;
	assert_int_equal(proc_run(argv, &(struct proc_options){.total_seconds = 5}), -ENOENT);
	assert_int_equal(proc_run(argv, &(struct proc_options){.total_seconds = 5,
							       .chroot = "/nonexistent"}),
			 -ENOENT);
	/* nothing was left behind */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void output_in_order(void **state)
{
	(void)state;
	assert_int_equal(shell("echo one; echo two >&2; printf three", (struct proc_options){0}),
			 0);
	assert_string_equal(lines.buf, "one|two|three|");
}

static void output_to_a_file(void **state)
{
	char path[] = "/tmp/lucie-test-XXXXXX", *text;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(
		shell("echo out; echo err >&2", (struct proc_options){.output_path = path}), 0);
	assert_string_equal(lines.buf, "err|");
	assert_int_equal(file_read(path, 100, &text, NULL), 0);
	assert_string_equal(text, "out\n");
	free(text);
	close(fd);
	unlink(path);
}

static void input(void **state)
{
	char *const envp[] = {"A=b", "PATH=/bin:/usr/bin", NULL};

	(void)state;
	assert_int_equal(
		shell("cat; echo $A", (struct proc_options){.input = "hello\n", .envp = envp}), 0);
	assert_string_equal(lines.buf, "hello|b|");
	assert_int_equal(shell("cat", (struct proc_options){0}), 0);
	assert_string_equal(lines.buf, "");
	/* a child that does not read it harms nobody */
	assert_int_equal(shell("exit 3", (struct proc_options){.input = "hello\n"}), 3);
}

static void limits(void **state)
{
	int64_t start = now_ms();
	char text[80];

	(void)state;
	assert_int_equal(shell("sleep 100", (struct proc_options){.total_seconds = 1}), -ETIMEDOUT);
	assert_int_equal(shell("echo a; sleep 100", (struct proc_options){.silence_seconds = 1}),
			 -ETIMEDOUT);
	assert_string_equal(lines.buf, "a|");
	/* neither a child that refuses to end nor its children */
	assert_int_equal(shell("trap '' TERM; sleep 100 & sleep 100",
			       (struct proc_options){.total_seconds = 1}),
			 -ETIMEDOUT);
	assert_true(now_ms() - start < 60000);
	assert_string_equal(proc_result(-ETIMEDOUT, &(struct proc_options){.silence_seconds = 60},
					text, sizeof(text)),
			    "no output for 60 s");
	assert_string_equal(proc_result(3, &(struct proc_options){0}, text, sizeof(text)),
			    "exit code 3");
}

/* A daemon that keeps the output open is not waited for. */
static void daemon_left_behind(void **state)
{
	int64_t start = now_ms();

	(void)state;
	assert_int_equal(shell("sleep 30 & echo $!", (struct proc_options){0}), 0);
	assert_true(now_ms() - start < 25000);
	lines.buf[strlen(lines.buf) - 1] = '\0';
	kill(atoi(lines.buf), SIGKILL);
}

/* Nor one that never stops to write: SIGPIPE ends it. */
static void daemon_that_writes(void **state)
{
	(void)state;
	assert_int_equal(shell("while :; do echo y; done & exit 5", (struct proc_options){0}), 5);
}

static void cancelled(void **state)
{
	(void)state;
	module_catch_cancel();
	raise(SIGTERM);
	assert_true(module_cancelled());
	assert_int_equal(shell("sleep 100", (struct proc_options){0}), -ECANCELED);
	module_catch_cancel();
	assert_int_equal(shell("exit 0", (struct proc_options){0}), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_codes),
		cmocka_unit_test(not_executable),
		cmocka_unit_test(output_in_order),
		cmocka_unit_test(output_to_a_file),
		cmocka_unit_test(input),
		cmocka_unit_test(limits),
		cmocka_unit_test(daemon_left_behind),
		cmocka_unit_test(daemon_that_writes),
		cmocka_unit_test(cancelled),
	};
	int ret = cmocka_run_group_tests(tests, NULL, NULL);

	strbuf_free(&lines);
	return ret;
}
