/* Waiting for descriptors, signals and children; see loop.h. */
#include "init/loop.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define WATCHES_MAX   64
#define KILL_GRACE_MS 15000 /* a killed process may have to finish a write to a slow disk */

struct watch {
	int fd;
	void (*ready)(int fd, void *arg);
	void *arg;
};

static struct watch watches[WATCHES_MAX];
static size_t watch_count;
static struct child *children;
static sigset_t inherited_mask;
static int asked_to_end;

int loop_watch(int fd, void (*ready)(int fd, void *arg), void *arg)
{
	if (watch_count == WATCHES_MAX)
		return -ENOSPC;
	watches[watch_count++] = (struct watch){fd, ready, arg};
	return 0;
}

void loop_forget(int fd)
{
	for (size_t i = 0; i < watch_count; i++)
		if (watches[i].fd == fd) {
			watches[i] = watches[--watch_count];
			return;
		}
}

/* --- children ------------------------------------------------------------------------ */

struct line_target {
	struct child *child;
	enum child_stream stream;
};

static void give_line(char *line, void *arg)
{
	struct line_target *t = arg;

	if (t->child->line)
		t->child->line(t->child, t->stream, line);
}

static void close_stream(struct child *c, int s)
{
	if (c->fd[s] < 0)
		return;
	lines_end(&c->lines[s], give_line, &(struct line_target){c, (enum child_stream)s});
	loop_forget(c->fd[s]);
	close(c->fd[s]);
	c->fd[s] = -1;
}

/* One read; false at the end of the stream and when nothing is there. */
static bool read_stream(struct child *c, int s)
{
	char buf[4096];
	ssize_t n = read(c->fd[s], buf, sizeof(buf));

	if (n > 0) {
		c->last_sign = now_ms();
		lines_add(&c->lines[s], buf, (size_t)n, give_line,
			  &(struct line_target){c, (enum child_stream)s});
		return true;
	}
	if (n == 0)
		close_stream(c, s);
	return false;
}

static void on_stream(int fd, void *arg)
{
	struct child *c = arg;

	for (int s = 0; s < CHILD_STREAMS; s++)
		if (c->fd[s] == fd)
			read_stream(c, s);
}

/* What it wrote before it ended is still in the pipes; a bounded part of it, for a process it left
 * behind may write on. */
static void drain(struct child *c)
{
	for (int s = 0; s < CHILD_STREAMS; s++)
		for (int i = 0; c->fd[s] >= 0 && i < 256 && read_stream(c, s); i++)
			;
}

static void forget(struct child *c)
{
	struct child **p = &children;

	while (*p && *p != c)
		p = &(*p)->next;
	if (*p)
		*p = c->next;
	for (int s = 0; s < CHILD_STREAMS; s++)
		close_stream(c, s);
	c->pid = 0;
}

static void on_exit_of(pid_t pid, int status)
{
	struct child *c = children;

	while (c && c->pid != pid)
		c = c->next;
	if (!c)
		return;
	c->status = status;
	drain(c);
	forget(c);
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		on_exit_of(pid, status);
}

/* In the child: one write is one line, for it is shorter than PIPE_BUF. */
static void child_sink(enum log_level level, const char *text, void *arg)
{
	char line[LOG_LINE_MAX + 32];
	int n = snprintf(line, sizeof(line), "log %s %s\n", log_level_name(level), text);

	(void)arg;
	write_full(3, line, (size_t)n);
}

char *child_log_text(char *line, enum log_level *level)
{
	char *name = line + strlen("log "), *text;
	int l;

	if (!str_starts(line, "log ") || !(text = strchr(name, ' ')))
		return NULL;
	*text = '\0';
	l = log_level_parse(name);
	*text = ' ';
	if (l < 0)
		return NULL;
	*level = (enum log_level)l;
	return text + 1;
}

void child_log_line(struct child *c, enum child_stream stream, char *line)
{
	enum log_level level = LOG_LEVEL_WARN;
	char *text = stream == CHILD_CONTROL ? child_log_text(line, &level) : line;

	if (!text)
		log_warn("%s: cannot understand '%.100s'", c->name, line);
	else if (level == LOG_LEVEL_ERROR)
		log_err(0, "%s", text);
	else if (level == LOG_LEVEL_WARN)
		log_warn("%s", text);
	else if (level == LOG_LEVEL_INFO)
		log_info("%s", text);
	else
		log_debug("%s", text);
}

/* In the child: a plain environment for body(). */
static void __attribute__((noreturn))
live(struct child *c, int pipes[][2], int (*body)(void *arg), void *arg)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &inherited_mask, NULL);
	if (null >= 0)
		dup2(null, 0);
	if (!c->own_terminal) {
		/* High first: 3 may be one of the pipes. */
		int control = fcntl(pipes[CHILD_CONTROL][1], F_DUPFD_CLOEXEC, 10);

		dup2(pipes[CHILD_OUT][1], 1);
		dup2(pipes[CHILD_ERR][1], 2);
		dup2(control, 3);
		log_set_sink(child_sink, NULL);
	}
	syscall(SYS_close_range, c->own_terminal ? 3 : 4, UINT_MAX, 0);
	_exit(body(arg));
}

static void close_pipes(int pipes[][2])
{
	for (int s = 0; s < CHILD_STREAMS; s++) {
		cleanup_close(&pipes[s][0]);
		cleanup_close(&pipes[s][1]);
	}
}

static int open_pipes(int pipes[][2])
{
	for (int s = 0; s < CHILD_STREAMS; s++)
		if (pipe2(pipes[s], O_CLOEXEC))
			return -errno;
	return 0;
}

int child_start(struct child *c, int (*body)(void *arg), void *arg)
{
	int pipes[CHILD_STREAMS][2] = {{-1, -1}, {-1, -1}, {-1, -1}}, ret;
	pid_t pid = -1;

	ret = c->own_terminal ? 0 : open_pipes(pipes);
	if (!ret) {
		pid = fork();
		ret = pid < 0 ? -errno : 0;
	}
	if (ret) {
		close_pipes(pipes);
		return log_err(ret, "cannot start '%s'", c->name);
	}
	if (pid == 0)
		live(c, pipes, body, arg);
	c->pid = pid;
	c->last_sign = now_ms();
	for (int s = 0; s < CHILD_STREAMS; s++) {
		c->fd[s] = pipes[s][0];
		c->lines[s] = (struct lines){.len = 0};
		pipes[s][0] = -1;
		if (c->fd[s] >= 0) {
			fcntl(c->fd[s], F_SETFL, O_NONBLOCK);
			loop_watch(c->fd[s], on_stream, c);
		}
	}
	close_pipes(pipes);
	c->next = children;
	children = c;
	return 0;
}

/* Field 6 of /proc/PID/stat; the name before it may hold anything, so fields are counted from its
 * last ')'. */
static pid_t session_of(const char *pid)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	const char *p;
	int session;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	if (file_read(path, 4096, &text, NULL))
		return -1;
	p = strrchr(text, ')');
	return p && sscanf(p + 1, " %*c %*d %*d %d", &session) == 1 ? session : -1;
}

static void session_signal(pid_t session, int sig)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		if (*d->d_name >= '1' && *d->d_name <= '9' && session_of(d->d_name) == session)
			kill(atoi(d->d_name), sig);
}

void session_kill(pid_t session)
{
	session_signal(session, SIGKILL);
}

static bool wait_child(struct child *c, int64_t ms)
{
	int64_t end = now_ms() + ms;

	while (child_running(c) && now_ms() < end)
		loop_wait((int)(end - now_ms()));
	return !child_running(c);
}

bool child_stop(struct child *c, int grace_ms)
{
	pid_t session = c->pid;

	if (!child_running(c))
		return true;
	session_signal(session, SIGTERM);
	if (wait_child(c, grace_ms)) {
		session_kill(session);
		return true;
	}
	session_kill(session);
	if (wait_child(c, KILL_GRACE_MS))
		return true;
	forget(c);
	return false;
}

bool loop_childless(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) && errno == ECHILD;
}

int child_run(struct child *c, int (*body)(void *arg), void *arg, int64_t limit_ms, char *why,
	      size_t why_len)
{
	int64_t end = limit_ms ? now_ms() + limit_ms : INT64_MAX;
	int ret = child_start(c, body, arg);

	*why = '\0';
	if (ret)
		return ret;
	while (child_running(c) && now_ms() < end && !loop_signalled())
		loop_wait(1000);
	if (child_running(c)) {
		child_stop(c, CHILD_GRACE_MS);
		if (loop_signalled()) {
			snprintf(why, why_len, "somebody asked for the end of the machine");
			return -EINTR;
		}
		snprintf(why, why_len, "it took longer than %lld s", (long long)(limit_ms / 1000));
		return -ETIMEDOUT;
	}
	if (WIFSIGNALED(c->status))
		snprintf(why, why_len, "its process crashed: %s", strsignal(WTERMSIG(c->status)));
	return c->status ? -ECANCELED : 0;
}

/* --- signals ------------------------------------------------------------------------- */

static void on_signal(int fd, void *arg)
{
	struct signalfd_siginfo info;

	(void)arg;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			asked_to_end = (int)info.ssi_signo;
	reap();
}

int loop_signalled(void)
{
	return asked_to_end;
}

int loop_init(void)
{
	/* busybox: reboot sends SIGTERM, halt SIGUSR1, poweroff SIGUSR2; ctrl-alt-del SIGINT; a UPS
	 * SIGPWR */
	static const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGPWR};
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, &inherited_mask);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return log_err(-errno, "cannot wait for signals");
	return loop_watch(fd, on_signal, NULL);
}

void loop_wait(int milliseconds)
{
	struct pollfd p[WATCHES_MAX];
	size_t n = watch_count;

	for (size_t i = 0; i < n; i++)
		p[i] = (struct pollfd){.fd = watches[i].fd, .events = POLLIN};
	if (poll(p, n, milliseconds) <= 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!p[i].revents)
			continue;
		/* One that was called before may have closed this one. */
		for (size_t j = 0; j < watch_count; j++)
			if (watches[j].fd == p[i].fd) {
				watches[j].ready(p[i].fd, watches[j].arg);
				break;
			}
	}
}
