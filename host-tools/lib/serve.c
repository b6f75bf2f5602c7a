/* The supervisor of the server's processes; see serve.h. It holds no key, parses nothing from the
 * network, and only waits: for signals, and for the end of what it started. dnsmasq is started
 * again; without the signer or the web process there is no server, and it ends.
 */
#include "host-tools/lib/serve.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host-tools/lib/modules.h"
#include "host-tools/lib/operator-token.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define TICK_MS	    1000
#define WEB_STOP_MS 10000

struct supervisor {
	struct signer signer;
	pid_t web; /* 0: not running */
	struct dhcp dhcp;
	struct rings rings;
};

bool file_changed(struct stat_mark *mark, const char *folder, const char *name)
{
	char path[PATH_MAX];
	struct stat_mark now;
	struct stat st;
	bool changed;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path) ||
	    stat(path, &st))
		return false;
	now = (struct stat_mark){.time = st.st_mtim, .inode = st.st_ino};
	changed = now.inode != mark->inode || now.time.tv_sec != mark->time.tv_sec ||
		  now.time.tv_nsec != mark->time.tv_nsec;
	*mark = now;
	return changed;
}

int signals_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? log_err(-errno, "cannot wait for signals") : fd;
}

static void __attribute__((noreturn))
become_web(const struct serve_options *options, const struct server_user *user,
	   struct signer *signer, pid_t parent)
{
	setsid(); /* root's terminal is not for it: TIOCSTI would type there */
	if (confine("the web process", options->state_dir, user, NULL))
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* a change of credentials clears it: not earlier */
	if (getppid() != parent)
		_exit(1);
	_exit(web_run(options, signer) ? 1 : 0);
}

static int web_start(struct supervisor *s, const struct serve_options *options)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		become_web(options, &s->rings.user, &s->signer, parent);
	if (pid < 0)
		return log_err(-errno, "cannot start the web process");
	s->web = pid;
	/* The signer ends when the web process, which has the only other end now, does. */
	close(s->signer.fd);
	s->signer.fd = -1;
	return 0;
}

/* 1: all is well. The signer ends with the web process: then that one is the news. */
static int children_reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->signer.pid)
			s->signer.pid = -1;
		else if (pid == s->web)
			s->web = 0;
		else if (!rings_reaped(&s->rings, pid))
			dhcp_reaped(&s->dhcp, pid, status);
	}
	if (!s->web)
		return log_err(-EPIPE, "the web process has ended");
	if (s->signer.pid < 0)
		return log_err(-EPIPE, "the signing process has ended");
	return 1;
}

/* 1: go on, 0: end, -errno. */
static int signals_take(struct supervisor *s, int fd)
{
	struct signalfd_siginfo info;
	int ret = 1;

	while (ret > 0 && read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			ret = children_reap(s);
		else if (info.ssi_signo == SIGHUP)
			kill(s->web, SIGHUP);
		else
			ret = 0;
	}
	return ret;
}

static int loop(struct supervisor *s, int signals)
{
	struct pollfd p = {.fd = signals, .events = POLLIN};
	int ret = 1;

	while (ret > 0) {
		if (poll(&p, 1, TICK_MS) < 0 && errno != EINTR)
			return log_err(-errno, "cannot wait for signals");
		ret = signals_take(s, signals);
		if (ret > 0)
			dhcp_tick(&s->dhcp);
		if (ret > 0)
			rings_tick(&s->rings);
	}
	return ret;
}

static int make_folder(const char *state_dir, const char *name, mode_t mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", state_dir, name);
	return mkdir(path, mode) && errno != EEXIST ? log_err(-errno, "cannot make '%s'", path) : 0;
}

/* What the web process finds made, and may not make itself: its user, and the files that only root can
 * give to that one. */
static int state_prepare(const struct serve_options *options, struct server_user *user)
{
	char token[OPERATOR_TOKEN_TEXT];
	struct state *state;
	int ret = server_user_find(user, options->state_dir, options->user);

	if (!ret)
		ret = state_open(&state, options->state_dir);
	if (ret)
		return ret;
	state_close(state); /* its files stay: a connection is of one process */
	ret = operator_token(options->state_dir, token);
	seal_wipe(token, sizeof(token));
	if (!ret)
		ret = make_folder(options->state_dir, "installs", 0755);
	if (!ret)
		ret = make_folder(options->state_dir, "blobs", 0711);
	return ret ? ret : server_user_give(user, options->state_dir);
}

static void module_error(const char *path, unsigned int line, const char *message, void *arg)
{
	(void)arg;
	log_err(0, "%s:%u: %s", path, line, message);
}

int serve_run(const struct serve_options *options)
{
	struct supervisor s = {.dhcp.state_dir = options->dhcp ? options->state_dir : NULL,
			       .rings.state_dir = options->state_dir};
	int signals, ret = seal_init();

	if (ret)
		return log_err(ret, "cannot start libsodium");
	if (!modules_read_shipped(module_error, NULL))
		return -EINVAL;
	ret = state_prepare(options, &s.rings.user);
	if (!ret)
		ret = signer_start(&s.signer, options->state_dir);
	if (ret)
		return ret;
	signals = signals_open();
	ret = signals < 0 ? signals : web_start(&s, options);
	if (!ret) {
		if (options->dhcp)
			dhcp_start(&s.dhcp);
		rings_tick(&s.rings);
		ret = loop(&s, signals);
	}
	dhcp_stop(&s.dhcp);
	rings_stop(&s.rings);
	if (s.web)
		child_stop(s.web, WEB_STOP_MS);
	signer_stop(&s.signer);
	if (signals >= 0)
		close(signals);
	return ret;
}
