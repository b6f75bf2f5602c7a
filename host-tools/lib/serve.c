/* The server's loop; see serve.h.
 *
 * The main thread waits for signals and the clock: it watches the children, reads the definition
 * again when setup has replaced it, and lets the HTTP server end the connections of dawdlers.
 * Requests are answered in the threads of the HTTP server, which start after the signing process
 * was forked.
 */
#include "host-tools/lib/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/site.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define TICK_MS	       1000
#define EVENT_BODY_MAX ((size_t)1 << 20)

/* --- requests -----------------------------------------------------------------------------------
 */

static size_t body_max(const char *path, void *arg)
{
	struct route route;

	(void)arg;
	route_parse(&route, path);
	switch (route.kind) {
	case ROUTE_PLAN:
		return PLAN_REQUEST_MAX;
	case ROUTE_EVENTS:
		return EVENT_BODY_MAX;
	case ROUTE_ALARM:
		return ALARM_REQUEST_MAX;
	default:
		return 0;
	}
}

static void handle_post(struct serve *s, const struct route *route, const struct http_call *call,
			struct http_reply *reply)
{
	if (route->kind == ROUTE_PLAN)
		serve_plan(s, call, reply);
	else if (route->kind == ROUTE_EVENTS)
		serve_events(s, call, reply);
	else
		serve_alarm(s, call, reply);
}

static void handle(const struct http_call *call, struct http_reply *reply, void *arg)
{
	struct serve *s = arg;
	struct route route;

	route_parse(&route, call->path);
	if (!strcmp(call->method, "POST"))
		handle_post(s, &route, call, reply);
	else if (route.kind == ROUTE_BLOB || route.kind == ROUTE_BOOT ||
		 route.kind == ROUTE_PACKAGES)
		serve_file(s, &route, reply);
	else if (route.kind != ROUTE_NONE)
		http_reply_text(reply, HTTP_METHOD_NOT_ALLOWED, "POST only");
	else
		http_reply_text(reply, HTTP_NOT_FOUND, "there is no such file");
}

/* --- definition ---------------------------------------------------------------------------------
 */

int serve_boot_file(struct serve *s, const char *node)
{
	const struct cluster_object *host;
	struct state_node n;
	int ret;

	pthread_rwlock_rdlock(&s->cluster_lock);
	host = cluster_find(s->cluster, TYPE_HOST, node);
	ret = host ? state_node(s->state, node, &n) : -ENOENT;
	if (host && ret == -ENOENT)
		ret = 0;
	if (!ret)
		ret = boot_files_write(s->options->state_dir, s->cluster, host, &n);
	pthread_rwlock_unlock(&s->cluster_lock);
	return ret;
}

/* What was on its way when an earlier server ended: the files follow the state. */
static int boot_files_refresh(struct serve *s)
{
	size_t count = cluster_count(s->cluster, TYPE_HOST);
	int ret = 0;

	for (size_t i = 0; i < count && !ret; i++)
		ret = serve_boot_file(s, cluster_at(s->cluster, TYPE_HOST, i)->name);
	return ret;
}

static int definition_path(const struct serve *s, char *buf, size_t len)
{
	int n = snprintf(buf, len, "%s/definition", s->options->state_dir);

	return n >= 0 && (size_t)n < len ? 0 : -ENAMETOOLONG;
}

/* A definition that is not right leaves the earlier one in force. */
static int definition_load(struct serve *s)
{
	struct cluster *fresh, *old;
	char path[PATH_MAX];
	struct stat st;
	int ret = definition_path(s, path, sizeof(path));

	if (!ret && !stat(path, &st)) {
		s->cluster_time = st.st_mtim;
		s->cluster_inode = st.st_ino;
	}
	ret = definition_read(&fresh, s->options->state_dir);
	if (ret)
		return ret;
	pthread_rwlock_wrlock(&s->cluster_lock);
	old = s->cluster;
	s->cluster = fresh;
	pthread_rwlock_unlock(&s->cluster_lock);
	cluster_free(old);
	return 0;
}

static void definition_reload(struct serve *s)
{
	if (definition_load(s))
		return;
	serve_say("-", "-", "definition read: %zu hosts", cluster_count(s->cluster, TYPE_HOST));
	boot_files_refresh(s);
	dhcp_restart(s);
}

static bool definition_changed(const struct serve *s)
{
	char path[PATH_MAX];
	struct stat st;

	return !definition_path(s, path, sizeof(path)) && !stat(path, &st) &&
	       (st.st_ino != s->cluster_inode || st.st_mtim.tv_sec != s->cluster_time.tv_sec ||
		st.st_mtim.tv_nsec != s->cluster_time.tv_nsec);
}

/* --- loop ---------------------------------------------------------------------------------------
 */

static int signals_open(void)
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

/* Without its signing process the server cannot do its work. */
static int children_reap(struct serve *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->signer.pid) {
			s->signer.pid = -1;
			return log_err(-EPIPE, "the signing process has died");
		}
		dhcp_reaped(s, pid, status);
	}
	return 0;
}

/* 1: go on, 0: end, -errno. */
static int signals_take(struct serve *s, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int ret;

		switch (info.ssi_signo) {
		case SIGCHLD:
			ret = children_reap(s);
			if (ret)
				return ret;
			break;
		case SIGHUP:
			definition_reload(s);
			break;
		default:
			return 0;
		}
	}
	return 1;
}

static int loop(struct serve *s, int signals)
{
	int64_t tick = now_ms() + TICK_MS;
	int ret = 1;

	while (ret > 0) {
		struct pollfd p = {.fd = signals, .events = POLLIN};
		int64_t left = tick - now_ms();

		if (left > 0 && poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return log_err(-errno, "cannot wait for signals");
		ret = signals_take(s, signals);
		if (now_ms() < tick)
			continue;
		tick = now_ms() + TICK_MS;
		http_server_tick(s->http);
		dhcp_tick(s);
		if (definition_changed(s))
			definition_reload(s);
	}
	return ret;
}

/* --- start and end ------------------------------------------------------------------------------
 */

static int folder_open(const struct serve *s, const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", s->options->state_dir, name);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? log_err(-errno, "cannot open '%s' (run lucie setup)", path) : fd;
}

static int start(struct serve *s)
{
	struct http_server_options http = {.listen_fd = s->options->listen_fd,
					   .body_max = body_max,
					   .handle = handle,
					   .arg = s};
	int ret = definition_load(s);

	if (!ret)
		ret = state_open(&s->state, s->options->state_dir);
	if (!ret)
		ret = boot_files_refresh(s);
	if (ret)
		return ret;
	s->blobs_fd = folder_open(s, "blobs");
	if (s->blobs_fd < 0)
		return s->blobs_fd;
	s->tftp_fd = folder_open(s, "tftp");
	if (s->tftp_fd < 0)
		return s->tftp_fd;
	s->dhcp.wanted = s->options->dhcp;
	if (s->dhcp.wanted)
		dhcp_start(s);
	return http_server_start(&s->http, &http);
}

static void stop(struct serve *s)
{
	dhcp_stop(s);
	http_server_stop(s->http);
	signer_stop(&s->signer);
	state_close(s->state);
	cluster_free(s->cluster);
	if (s->blobs_fd >= 0)
		close(s->blobs_fd);
	if (s->tftp_fd >= 0)
		close(s->tftp_fd);
	pthread_rwlock_destroy(&s->cluster_lock);
	pthread_mutex_destroy(&s->plan_lock);
}

int serve_run(const struct serve_options *options)
{
	struct serve s = {.options = options, .blobs_fd = -1, .tftp_fd = -1};
	int signals = -1, ret = seal_init();

	if (ret)
		return log_err(ret, "cannot start libsodium");
	ret = signer_start(&s.signer, options->state_dir);
	if (ret)
		return ret;
	site_id(s.signer.public_key, s.site);
	pthread_rwlock_init(&s.cluster_lock, NULL);
	pthread_mutex_init(&s.plan_lock, NULL);
	signals = signals_open();
	ret = signals < 0 ? signals : start(&s);
	if (!ret) {
		serve_say("-", "-", "site %s, %zu hosts, HTTP on port %u%s", s.site,
			  cluster_count(s.cluster, TYPE_HOST), http_port(options->listen_fd),
			  options->dhcp ? ", DHCP and TFTP by dnsmasq" : "");
		ret = loop(&s, signals);
	}
	stop(&s);
	if (signals >= 0)
		close(signals);
	return ret;
}
