/* The process that faces the network; see serve.h.
 *
 * Its main thread waits for signals and the clock: it reads the definition again when setup has put
 * another generation in force, and lets the HTTP server end the connections of dawdlers. Requests
 * are answered in the threads of the HTTP server.
 */
#include "host-tools/lib/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-tools/lib/serve-board.h"
#include "host-tools/lib/site.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define TICK_MS	       1000
#define RELOAD_MAX_MS  60000
#define MEND_MS	       5000
#define EVENT_BODY_MAX ((size_t)1 << 20)
#define EVENTS_AT_ONCE 1000
#define GATHER_MS      3

/* --- requests --- */

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
	case ROUTE_HOLD:
		return HOLD_REQUEST_MAX;
	case ROUTE_ALARM:
		return ALARM_REQUEST_MAX;
	case ROUTE_ARM:
		return ARM_REQUEST_MAX;
	case ROUTE_IDENTITY:
		return IDENTITY_REQUEST_MAX;
	default:
		return 0;
	}
}

/* A report comes here when it is committed. */
static struct http_call *plans_run(struct http_call *list, void *arg)
{
	struct serve *s = arg;
	struct route route;

	for (struct http_call *call = list; call; call = call->next) {
		route_parse(&route, call->path);
		if (route.kind == ROUTE_PLAN)
			serve_plan(s, call, call->reply);
		else if (route.kind == ROUTE_HOLD)
			serve_hold(s, call, call->reply);
		else if (route.kind == ROUTE_IDENTITY)
			serve_identity(s, call, call->reply);
		else if (route.kind == ROUTE_ARM)
			serve_arm(s, call, call->reply);
		else
			serve_report(s, call, call->reply);
	}
	return list;
}

/* False: the call is kept. */
static bool handle_post(struct serve *s, const struct route *route, struct http_call *call,
			struct http_reply *reply)
{
	switch (route->kind) {
	case ROUTE_PLAN:
	case ROUTE_HOLD:
	case ROUTE_IDENTITY:
	case ROUTE_ARM:
		return work_put(s->plans, call);
	case ROUTE_EVENTS:
		return work_put(s->events, call);
	case ROUTE_ALARM:
		serve_alarm(s, call, reply);
		break;
	default: /* body_max() has refused it */
		http_reply_text(reply, HTTP_METHOD_NOT_ALLOWED, "GET only");
	}
	return true;
}

/* False: the call is kept. */
static bool handle_get(struct serve *s, const struct route *route, struct http_call *call,
		       struct http_reply *reply)
{
	switch (route->kind) {
	case ROUTE_BLOB:
	case ROUTE_BOOT:
	case ROUTE_PACKAGES:
		serve_file(s, route, reply);
		break;
	case ROUTE_METRICS:
		serve_metrics(s, reply);
		break;
	case ROUTE_PAGE:
		serve_page(route->rest, reply);
		break;
	case ROUTE_BOARD:
		return serve_board(s, call, reply);
	case ROUTE_STREAM:
		serve_board_stream(s, call, reply);
		break;
	case ROUTE_HISTORY:
		serve_history(s, call, reply);
		break;
	case ROUTE_NODE:
		serve_node(s, route->name, call, reply);
		break;
	case ROUTE_NODE_LOG:
		serve_node_log(s, route->name, call, reply);
		break;
	case ROUTE_MACHINES:
		serve_machines(s, call, reply);
		break;
	case ROUTE_OPERATOR:
		serve_operator(s, call, reply);
		break;
	case ROUTE_NONE:
		http_reply_text(reply, HTTP_NOT_FOUND, "there is no such file");
		break;
	default:
		http_reply_text(reply, HTTP_METHOD_NOT_ALLOWED, "POST only");
	}
	return true;
}

static bool handle(struct http_call *call, struct http_reply *reply, void *arg)
{
	struct route route;

	route_parse(&route, call->path);
	if (!strcmp(call->method, "POST"))
		return handle_post(arg, &route, call, reply);
	return handle_get(arg, &route, call, reply);
}

/* --- definition --- */

int serve_boot_file(struct serve *s, const char *node)
{
	const struct cluster_object *host;
	int ret = 0;

	pthread_rwlock_rdlock(&s->cluster_lock);
	host = cluster_find(s->cluster, TYPE_HOST, node);
	if (host)
		ret = boot_file_follow(s->options->state_dir, s->cluster, s->view, host);
	pthread_rwlock_unlock(&s->cluster_lock);
	return ret;
}

/* What was on its way when an earlier server ended: the files follow the state. One that cannot be
 * made has been said; the other nodes are served all the same. */
static void boot_files_refresh(struct serve *s)
{
	boot_files_follow(s->options->state_dir, s->cluster, s->state);
}

/* A definition that is not right leaves the earlier one in force. */
static int definition_load(struct serve *s)
{
	struct cluster *fresh, *old;
	int ret;

	file_changed(&s->generation, s->options->state_dir, "current");
	ret = definition_read_served(&fresh, s->options->state_dir);
	if (ret)
		return ret;
	pthread_rwlock_wrlock(&s->cluster_lock);
	old = s->cluster;
	s->cluster = fresh;
	pthread_rwlock_unlock(&s->cluster_lock);
	cluster_free(old);
	return 0;
}

static int64_t longer_wait(int64_t ms)
{
	if (!ms)
		return TICK_MS;
	return ms < RELOAD_MAX_MS / 2 ? 2 * ms : RELOAD_MAX_MS;
}

/* One that could not be read is tried again, at the next tick and then ever more seldom: each time
 * says why. Meanwhile the files follow the definition that is in force. */
static void definition_reload(struct serve *s)
{
	size_t hosts;

	if (!definition_load(s)) {
		s->reload_wait_ms = 0;
		hosts = cluster_count(s->cluster, TYPE_HOST);
		serve_say("-", "-", "definition read: %zu host%s", hosts, hosts == 1 ? "" : "s");
	} else {
		s->reload_wait_ms = longer_wait(s->reload_wait_ms);
		s->reload_at = now_ms() + s->reload_wait_ms;
		serve_say("-", "-",
			  "the new definition cannot be read: the earlier one stays in force, next "
			  "attempt in %lld s",
			  (long long)s->reload_wait_ms / 1000);
	}
	boot_files_refresh(s);
}

static bool reload_is_due(struct serve *s)
{
	return file_changed(&s->generation, s->options->state_dir, "current") ||
	       (s->reload_wait_ms && now_ms() >= s->reload_at);
}

/* An order that was ended between the state and the boot files (lucie install and Ctrl-C). One under
 * way is finished for it, which harms nobody. */
static void boot_files_look(struct serve *s)
{
	int ret;

	if (now_ms() < s->mend_at)
		return;
	ret = boot_files_mend(s->options->state_dir, s->cluster, s->state);
	s->mend_wait_ms = ret ? longer_wait(s->mend_wait_ms) : MEND_MS;
	s->mend_at = now_ms() + s->mend_wait_ms;
}

/* --- loop --- */

/* False: the end. SIGINT of a terminal's Ctrl-C is the supervisor's. */
static bool signals_take(struct serve *s, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM)
			return false;
		if (info.ssi_signo == SIGHUP)
			definition_reload(s);
	}
	return true;
}

static int loop(struct serve *s, int signals)
{
	struct pollfd p = {.fd = signals, .events = POLLIN};

	for (;;) {
		if (poll(&p, 1, TICK_MS) < 0 && errno != EINTR)
			return log_err(-errno, "cannot wait for signals");
		if (!signals_take(s, signals))
			return 0;
		http_server_tick(s->http);
		if (reload_is_due(s))
			definition_reload(s);
		boot_files_look(s);
	}
}

/* --- start and end --- */

static int folder_open(const struct serve *s, const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", s->options->state_dir, name);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC); /* it cannot be listed */
	return fd < 0 ? log_err(-errno, "cannot open '%s'", path) : fd;
}

/* A connection and the file that is sent on it are two descriptors. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int queues_start(struct serve *s)
{
	struct work_options events = {
		.run = serve_events, .arg = s, .most = EVENTS_AT_ONCE, .gather_ms = GATHER_MS};
	struct work_options plans = {.run = plans_run, .arg = s, .most = 1};
	int ret = serve_log_start(&s->logs, s->options->state_dir);

	if (!ret)
		ret = work_start(&s->plans, &plans);
	return ret ? ret : work_start(&s->events, &events);
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
		ret = state_open_readonly(&s->view, s->options->state_dir);
	if (ret)
		return ret;
	boot_files_refresh(s);
	ret = queues_start(s);
	if (!ret)
		ret = board_feed_open(&s->feed, s);
	if (ret)
		return ret;
	s->blobs_fd = folder_open(s, "blobs");
	if (s->blobs_fd < 0)
		return s->blobs_fd;
	raise_file_limit();
	return http_server_start(&s->http, &http);
}

static void stop(struct serve *s)
{
	work_end(s->events); /* it passes reports on to the other one */
	work_end(s->plans);
	board_feed_end(s->feed);
	http_server_stop(s->http);
	board_feed_close(s->feed);
	work_free(s->events);
	work_free(s->plans);
	serve_log_stop(s->logs);
	state_close(s->view);
	state_close(s->state); /* last: it can put all into the one file */
	cluster_free(s->cluster);
	if (s->blobs_fd >= 0)
		close(s->blobs_fd);
	pthread_rwlock_destroy(&s->cluster_lock);
}

int web_run(const struct serve_options *options, struct signer *signer)
{
	struct serve s = {.options = options, .signer = signer, .blobs_fd = -1};
	int signals = signals_open(), ret;

	if (signals < 0)
		return signals;
	site_id(signer->public_key, s.site);
	pthread_rwlock_init(&s.cluster_lock, NULL);
	ret = start(&s);
	if (!ret) {
		size_t hosts = cluster_count(s.cluster, TYPE_HOST);

		serve_say("-", "-", "site %s, %zu host%s, HTTP on port %u%s", s.site, hosts,
			  hosts == 1 ? "" : "s", http_port(options->listen_fd),
			  options->dhcp ? ", DHCP and TFTP by dnsmasq" : "");
		ret = loop(&s, signals);
	}
	stop(&s);
	close(signals);
	return ret;
}
