/* Shells on the consoles; see rescue.h. */
#include "init/rescue.h"
#include "init/console.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/loop.h"
#include "init/reporter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#define EXIT_NOBODY 126 /* no key press, or no such terminal */

struct terminal {
	const char *path;
	const char *why, *next;
	unsigned int seconds;
	struct child child;
};

static int open_terminal(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY);

	if (fd < 0)
		return -errno;
	ioctl(fd, TIOCSCTTY, 1);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	tcflush(0, TCIFLUSH);
	return 0;
}

static int be_shell(void *arg)
{
	static char *const argv[] = {"sh", NULL};
	static char *const envp[] = {"PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/", "TERM=linux",
				     "PS1=lucie# ", NULL};
	struct terminal *t = arg;
	struct pollfd p = {.fd = 0, .events = POLLIN};

	if (open_terminal(t->path))
		return EXIT_NOBODY;
	if (t->seconds) {
		printf("\n%s: press Enter within %u s for a shell\n", t->why, t->seconds);
		fflush(stdout);
		if (poll(&p, 1, (int)t->seconds * 1000) <= 0)
			return EXIT_NOBODY;
		tcflush(0, TCIFLUSH);
	}
	printf("\n%s: a shell, which waits for a person; 'exit' %s\n", t->why, t->next);
	fflush(stdout);
	execve("/bin/sh", argv, envp);
	return EXIT_NOBODY;
}

static bool has_ended(const struct terminal *t, size_t count, bool *person)
{
	bool all = true;

	for (size_t i = 0; i < count; i++) {
		int status = t[i].child.status;

		if (child_running(&t[i].child))
			all = false;
		else if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_NOBODY)
			*person = true;
	}
	return all || *person;
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static enum rescue_end wait_on_all(const struct terminal *form, bool (*over)(void *arg), void *arg)
{
	const char *paths[CONSOLES_MAX];
	struct terminal t[CONSOLES_MAX];
	size_t count = console_terminals(paths);
	bool person = false, ended = false;

	for (size_t i = 0; i < count; i++) {
		t[i] = *form;
		t[i].path = paths[i];
		t[i].child = (struct child){
			.name = "shell", .own_terminal = true, .status = EXIT_NOBODY << 8};
		child_start(&t[i].child, be_shell, &t[i]);
	}
	while (!has_ended(t, count, &person) && !loop_signalled() && !(ended = over(arg))) {
		loop_wait(500);
		reporter_run();
	}
	for (size_t i = 0; i < count; i++)
		child_stop(&t[i].child, 0);
	return ended ? RESCUE_OVER : person ? RESCUE_PERSON : RESCUE_NOBODY;
}

bool rescue_shell(const char *why, const char *next, unsigned int seconds)
{
	struct terminal form = {.why = why, .next = next, .seconds = seconds};

	return wait_on_all(&form, never, NULL) == RESCUE_PERSON;
}

enum rescue_end rescue_wait(const char *why, const char *next, bool (*over)(void *arg), void *arg)
{
	return wait_on_all(&(struct terminal){.why = why, .next = next}, over, arg);
}
