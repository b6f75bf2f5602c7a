/* Child processes with bounded waits; see proc.h.
 *
 * A pipe that closes at exec tells a failure to execute from a program's own exit code. stdout and
 * stderr are one pipe, so that their lines keep their order; it may outlive the child in a daemon's
 * hands, so the end is the child's, seen through its pidfd.
 */
#include "init/lib/proc.h"
#include "init/lib/cancel.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/lines.h"
#include "init/lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define TERM_GRACE_MS 3000
#define DRAIN_MAX     256 /* reads after the end: what it left behind may write for ever */

struct running {
	const struct proc_options *o;
	pid_t pid;
	int pidfd, output; /* -1: closed */
	int64_t started, last_output;
	struct lines lines;
};

static void give_line(char *line, void *arg)
{
	const struct proc_options *o = arg;

	if (o->line)
		o->line(line, o->arg);
}

/* In the child: never returns. Only async-signal-safe calls up to exec. */
static void __attribute__((noreturn))
become(char *const argv[], const struct proc_options *o, int in, int out, int status)
{
	static const int reset[] = {SIGTERM, SIGINT, SIGPIPE, SIGCHLD, SIGHUP};
	int file = -1, err;
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(reset); i++)
		signal(reset[i], SIG_DFL);
	if (o->output_path) {
		file = open(o->output_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (file < 0)
			goto fail;
	}
	if (dup2(in, 0) < 0 || dup2(file >= 0 ? file : out, 1) < 0 || dup2(out, 2) < 0)
		goto fail;
	syscall(SYS_close_range, 3, UINT_MAX, 4 /* CLOSE_RANGE_CLOEXEC */);
	if (o->chroot && (chroot(o->chroot) || chdir("/")))
		goto fail;
	if (o->envp)
		environ = (char **)o->envp;
	execvp(argv[0], argv);
fail:
	err = errno;
	(void)!write(status, &err, sizeof(err));
	_exit(127);
}

/* What the child reads: a file in memory, so that nobody has to feed it. */
static int open_input(const char *input, size_t len)
{
	int fd = input ? memfd_create("input", MFD_CLOEXEC)
		       : open("/dev/null", O_RDONLY | O_CLOEXEC),
	    ret;

	if (fd < 0 || !input)
		return fd < 0 ? -errno : fd;
	ret = write_full(fd, input, len ? len : strlen(input));
	if (!ret && lseek(fd, 0, SEEK_SET) < 0)
		ret = -errno;
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

static void close_fd(int *fd)
{
	cleanup_close(fd);
	*fd = -1;
}

/* Waits for exec: 0, or the -errno of what kept the child from it (it is reaped then). */
static int wait_exec(struct running *r, int status)
{
	int err = 0;

	if (read_full(status, &err, sizeof(err)))
		return 0;
	waitpid(r->pid, NULL, 0);
	return -err;
}

static int start(struct running *r, char *const argv[])
{
	_cleanup_close_ int in = open_input(r->o->input, r->o->input_len);
	int out[2] = {-1, -1}, status[2] = {-1, -1}, ret = in < 0 ? in : 0;

	if (!ret && (pipe2(out, O_CLOEXEC) || pipe2(status, O_CLOEXEC)))
		ret = -errno;
	if (ret)
		goto done;
	r->pid = fork();
	if (r->pid == 0)
		become(argv, r->o, in, out[1], status[1]);
	if (r->pid < 0) {
		ret = -errno;
		goto done;
	}
	setpgid(r->pid, r->pid);
	close_fd(&status[1]);
	ret = wait_exec(r, status[0]);
	if (ret)
		goto done;
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	r->output = out[0];
	out[0] = -1;
done:
	for (int i = 0; i < 2; i++) {
		cleanup_close(&out[i]);
		cleanup_close(&status[i]);
	}
	return ret;
}

static void read_output(struct running *r)
{
	char buf[8192];
	ssize_t n = read(r->output, buf, sizeof(buf));

	if (n > 0) {
		r->last_output = now_ms();
		lines_add(&r->lines, buf, (size_t)n, give_line, (void *)r->o);
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		close_fd(&r->output);
	}
}

/* Milliseconds until a limit is reached; INT64_MAX without one. */
static int64_t time_left(const struct running *r)
{
	int64_t now = now_ms(), left = INT64_MAX, l;

	if (r->o->total_seconds) {
		l = r->started + (int64_t)r->o->total_seconds * 1000 - now;
		left = l < left ? l : left;
	}
	if (r->o->silence_seconds) {
		l = r->last_output + (int64_t)r->o->silence_seconds * 1000 - now;
		left = l < left ? l : left;
	}
	return left;
}

/* Moves bytes until the child has ended (0) or has to be ended (-ETIMEDOUT, -ECANCELED). */
static int pump(struct running *r)
{
	for (unsigned int drained = 0;;) {
		struct pollfd p[] = {
			{.fd = r->pidfd, .events = POLLIN},
			{.fd = r->output, .events = POLLIN},
		};
		int64_t left = time_left(r);

		if (module_cancelled())
			return -ECANCELED;
		if (left <= 0)
			return -ETIMEDOUT;
		/* At most half a second: a cancellation comes as a signal, perhaps to another
		 * thread. */
		if (poll(p, ARRAY_SIZE(p), left < 500 ? (int)left : 500) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			read_output(r);
		if (p[0].revents && (!(p[1].revents & POLLIN) || ++drained == DRAIN_MAX))
			return 0;
	}
}

/* Ends the whole group: SIGTERM, a short time, SIGKILL. */
static void stop(struct running *r)
{
	struct pollfd p = {.fd = r->pidfd, .events = POLLIN};

	kill(-r->pid, SIGTERM);
	poll(&p, 1, TERM_GRACE_MS);
	kill(-r->pid, SIGKILL);
}

int proc_run(char *const argv[], const struct proc_options *options)
{
	struct running r = {.o = options, .pidfd = -1, .output = -1};
	int status = 0, ret;

	ret = start(&r, argv);
	if (ret)
		return ret;
	fcntl(r.output, F_SETFL, O_NONBLOCK);
	r.started = r.last_output = now_ms();
	ret = r.pidfd < 0 ? -ENOSYS : pump(&r);
	if (ret)
		stop(&r);
	while (waitpid(r.pid, &status, 0) < 0 && errno == EINTR)
		;
	lines_end(&r.lines, give_line, (void *)options);
	cleanup_close(&r.pidfd);
	cleanup_close(&r.output);
	if (ret)
		return ret;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

const char *proc_result(int result, const struct proc_options *options, char *buf, size_t len)
{
	unsigned int silence = options->silence_seconds, total = options->total_seconds;

	if (result >= 0)
		snprintf(buf, len, "exit code %d", result);
	else if (result == -EINTR)
		snprintf(buf, len, "killed by a signal");
	else if (result == -ECANCELED)
		snprintf(buf, len, "cancelled");
	else if (result != -ETIMEDOUT)
		snprintf(buf, len, "cannot be run: %s", strerror(-result));
	else if (silence && total)
		snprintf(buf, len, "no output for %u s, or not done after %u s", silence, total);
	else if (silence)
		snprintf(buf, len, "no output for %u s", silence);
	else
		snprintf(buf, len, "not done after %u s", total);
	return buf;
}
