/* dnsmasq as a supervised child: DHCP and TFTP are its business (STATE/key/dnsmasq.conf is
 * ours; the one in the generation is within reach of the web process). When it dies, that is said
 * with its last words, and it is started again, after longer and longer waits.
 */
#include "host-tools/lib/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host-tools/lib/server-user.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define CONFIG	    "key/dnsmasq.conf"
#define WAIT_MAX_MS 60000
#define LOG_MAX	    ((off_t)16 << 20)

static void log_path(const struct dhcp *d, char *buf, size_t len)
{
	snprintf(buf, len, "%s/dnsmasq.log", d->state_dir);
}

static void __attribute__((noreturn)) become_dnsmasq(const struct dhcp *d, int log_fd)
{
	char config[PATH_MAX];
	char *argv[] = {
		"dnsmasq", "--keep-in-foreground", "--log-facility=-", "--pid-file=", config, NULL};
	sigset_t none;

	snprintf(config, sizeof(config), "--conf-file=%s/" CONFIG, d->state_dir);
	if (only_root_is_mapped())
		argv[1] = "--no-daemon"; /* which spares it the attempt to become somebody */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0); /* Ctrl-C is for serve, which then ends it */
	dup2(log_fd, 1);
	dup2(log_fd, 2);
	execvp(argv[0], argv);
	dprintf(2, "cannot run dnsmasq: %s\n", strerror(errno));
	_exit(127);
}

static int log_open(const struct dhcp *d)
{
	char path[PATH_MAX];
	int fd;

	log_path(d, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0 && lseek(fd, 0, SEEK_END) > LOG_MAX && ftruncate(fd, 0))
		log_warn("cannot shorten '%s'", path);
	return fd < 0 ? log_err(-errno, "cannot write '%s'", path) : fd;
}

void dhcp_start(struct dhcp *d)
{
	_cleanup_close_ int log_fd = log_open(d);
	pid_t pid;

	file_changed(&d->config, d->state_dir, CONFIG);
	if (log_fd < 0)
		return;
	pid = fork();
	if (!pid)
		become_dnsmasq(d, log_fd);
	if (!worker_started(&d->worker, pid))
		log_err(-errno, "cannot start dnsmasq");
}

/* The last line of its log that gives a reason; "" where there is none. */
static void last_words(const struct dhcp *d, char *buf, size_t len)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX], tail[1000] = "", *rest = tail, *line;
	off_t size;

	buf[0] = '\0';
	log_path(d, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	if (size <= 0 || pread(fd, tail, sizeof(tail) - 1,
			       size < (off_t)sizeof(tail) ? 0 : size - (off_t)sizeof(tail) + 1) < 0)
		return;
	while ((line = strsep(&rest, "\n")))
		if (*line && !strstr(line, "FAILED to start up"))
			snprintf(buf, len, "%s", line);
}

bool dhcp_reaped(struct dhcp *d, pid_t pid, int status)
{
	unsigned int seconds;
	char words[400];

	if (!d->worker.pid || pid != d->worker.pid)
		return false;
	seconds = worker_ended(&d->worker, WAIT_MAX_MS);
	last_words(d, words, sizeof(words));
	serve_say("-", "dnsmasq", "ended with %s %d (%s); starts again in %u s",
		  WIFSIGNALED(status) ? "signal" : "exit code",
		  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), words, seconds);
	return true;
}

void dhcp_stop(struct dhcp *d)
{
	worker_stop(&d->worker);
}

/* Anybody on the network makes it say lines; dnsmasq appends, so it goes on in the empty file. */
static void log_shorten(const struct dhcp *d)
{
	char path[PATH_MAX];
	struct stat st;

	log_path(d, path, sizeof(path));
	if (!stat(path, &st) && st.st_size > LOG_MAX && truncate(path, 0))
		log_warn("cannot shorten '%s'", path);
}

void dhcp_tick(struct dhcp *d)
{
	if (!d->state_dir)
		return;
	log_shorten(d);
	if (d->worker.pid && file_changed(&d->config, d->state_dir, CONFIG)) {
		serve_say("-", "dnsmasq", "starts again with its new configuration");
		dhcp_stop(d);
		dhcp_start(d);
	} else if (worker_is_due(&d->worker)) {
		dhcp_start(d);
	}
}
