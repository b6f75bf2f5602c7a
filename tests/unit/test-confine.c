/* What the web process cannot do any more after confine(), tried in a child: read the key,
 * write elsewhere, run a program. And what it still can: read elsewhere, write its state. The master
 * of a ring writes nothing, and reads its source. */
#include "host-tools/lib/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/lib/io.h"
#include "tests/unit/temp-folder.h"

static const char *in(const char *path)
{
	static char buf[2][256];
	static unsigned int n;

	n = !n;
	return temp_path(buf[n], sizeof(buf[n]), path);
}

static bool key_is_hidden(void)
{
	return open(in("state/key/site.key"), O_RDONLY) < 0 && errno == ENOENT;
}

static bool state_is_written(void)
{
	return !file_replace(in("state/installs/plan"), "x", 1, 0600);
}

/* The generation in force is not the web process's. */
static bool the_rest_is_read_only(void)
{
	return file_replace(in("state/linked"), "x", 1, 0600) == -EACCES &&
	       file_replace(in("state/tftp/boot"), "x", 1, 0600) == -EACCES &&
	       unlink(in("state/linked")) && errno == EACCES;
}

static bool elsewhere_is_read_only(void)
{
	char *text;

	if (file_read(in("outside/file"), 16, &text, NULL))
		return false;
	free(text);
	return open(in("outside/file"), O_WRONLY) < 0 && errno == EACCES &&
	       open(in("outside/new"), O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES &&
	       unlink(in("outside/file")) && errno == EACCES &&
	       rename(in("state/installs/plan"), in("outside/plan"));
}

static bool programs_do_not_run(void)
{
	char *argv[] = {(char *)"true", NULL};

	execv("/bin/true", argv);
	return errno == EACCES;
}

static bool state_is_read_only(void)
{
	return open(in("state/new"), O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES;
}

static bool can_read(const char *path)
{
	int fd = open(in(path), O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool source_alone_is_read(void)
{
	return can_read("outside/file") && can_read("state/datasets/set.blob") &&
	       !can_read("state/linked") && errno == EACCES && !can_read("elsewhere") &&
	       errno == EACCES && !can_read(".") && errno == EACCES;
}

static int run(bool (*test)(void), const char *source)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		confine("the test", in("state"), &(struct server_user){0}, source);
		_exit(test() ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_confine(void **state)
{
	(void)state;
	assert_int_equal(run(key_is_hidden, NULL), 0);
	assert_int_equal(run(state_is_written, NULL), 0);
	assert_int_equal(run(the_rest_is_read_only, NULL), 0);
	assert_int_equal(run(elsewhere_is_read_only, NULL), 0);
	assert_int_equal(run(programs_do_not_run, NULL), 0);
	assert_int_equal(run(key_is_hidden, in("outside")), 0);
	assert_int_equal(run(state_is_read_only, in("outside")), 0);
	assert_int_equal(run(source_alone_is_read, in("outside")), 0);
	assert_int_equal(access(in("state/key/site.key"), R_OK), 0);
}

static int make_folders(void **state)
{
	return temp_folder_make(state) || mkdir(in("state"), 0755) ||
	       mkdir(in("state/installs"), 0700) || mkdir(in("state/key"), 0700) ||
	       file_write(in("state/key/site.key"), "secret", 6, 0600) ||
	       file_write(in("state/linked"), "old", 3, 0644) || mkdir(in("outside"), 0755) ||
	       file_write(in("outside/file"), "text", 4, 0644) ||
	       file_write(in("elsewhere"), "text", 4, 0644) || mkdir(in("state/datasets"), 0755) ||
	       file_write(in("state/datasets/set.blob"), "text", 4, 0644) ||
	       mkdir(in("tftp"), 0755) || symlink(in("tftp"), in("state/tftp"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confine),
	};

	return cmocka_run_group_tests(tests, make_folders, temp_folder_remove);
}
