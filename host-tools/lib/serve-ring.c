/* The masters of the rings (rings.h): one process for each data set and each base that travels over
 * a ring, started by the supervisor, and again when it ends or when what it carries has changed. It
 * is confined as the web process is: it parses what strangers send.
 *
 * What has changed is seen by the times of the definition and of the folders in which manifests
 * are: they are replaced by renames.
 */
#include "host-tools/lib/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/rings.h"
#include "host-tools/lib/site.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "ring/ring.h"

#define WAIT_MAX_MS 10000

struct ring_master {
	enum cluster_type type;
	char name[64];
	uint16_t port;
	struct ring_content content;
	struct worker worker;
	bool wanted;
};

/* --- in the master's process --- */

static atomic_bool ended;

static void on_end(int sig)
{
	(void)sig;
	atomic_store(&ended, true);
}

static bool is_ended(void)
{
	return atomic_load(&ended);
}

static void log_line(enum log_level level, const char *line, void *arg)
{
	const struct ring_master *m = arg;

	if (level != LOG_LEVEL_DEBUG)
		serve_say("-", "ring", "%s: %s", m->name, line);
}

static void on_event(const struct ring_event *e, void *arg)
{
	const struct ring_master *m = arg;
	const char *node = e->member ? e->member->name : "-";

	switch (e->kind) {
	case RING_EVENT_JOINED:
	case RING_EVENT_RETURNED:
		serve_say(node, "ring", "%s: %s as node %u", m->name,
			  e->kind == RING_EVENT_JOINED ? "joined" : "came back", e->member->id);
		break;
	case RING_EVENT_DEMOTED:
		serve_say(node, "ring", "%s: moved to the end: %s", m->name, e->reason);
		break;
	case RING_EVENT_DROPPED:
	case RING_EVENT_FAILED:
		serve_say(node, "ring", "%s: %s at %llu bytes: %s", m->name,
			  e->kind == RING_EVENT_DROPPED ? "DROPPED" : "FAILED",
			  (unsigned long long)e->member->received, e->reason);
		break;
	case RING_EVENT_DONE:
		serve_say(node, "ring", "%s: verified, %llu bytes in %.1f s", m->name,
			  (unsigned long long)e->length, e->member->millis / 1000.0);
		break;
	default:
		break;
	}
}

static int run_master(struct ring_master *m, const char *state_dir)
{
	char *paths[] = {m->content.path};
	struct blob_manifest manifest;
	struct ring_send send;
	int ret = blob_manifest_load(&manifest, m->content.manifest);

	if (ret)
		return log_err(ret, "cannot read '%s'", m->content.manifest);
	ring_send_defaults(&send);
	send.common.port = m->port;
	send.common.cancelled = is_ended;
	send.common.key.set = true;
	send.paths = paths;
	send.path_count = 1;
	send.manifest = &manifest;
	send.event = on_event;
	send.arg = m;
	ret = rings_key(state_dir, manifest.root, send.common.key.key);
	ret = ret ? log_err(ret, "cannot read '%s/ring.key'", state_dir) : ring_send(&send);
	if (ret == -ESTALE)
		log_info("`lucie %s %s` makes it anew",
			 m->type == TYPE_DATASET ? "data" : "base build", m->name);
	blob_manifest_free(&manifest);
	return ret;
}

/* Ctrl-C is for the supervisor, which then ends this. */
static void __attribute__((noreturn))
become_master(struct ring_master *m, const struct rings *r, pid_t parent)
{
	struct sigaction end = {.sa_handler = on_end};
	sigset_t none;

	close_range(3, ~0U, 0);
	setsid(); /* root's terminal is not for it */
	log_set_sink(log_line, m);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigaction(SIGTERM, &end, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (confine("the master of a ring", r->state_dir, &r->user, m->content.path))
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	_exit(run_master(m, r->state_dir) ? 1 : 0);
}

/* --- in the supervisor --- */

static void master_start(struct rings *r, struct ring_master *m)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		become_master(m, r, parent);
	if (!worker_started(&m->worker, pid))
		log_err(-errno, "cannot start the ring of '%s'", m->name);
	else if (!m->worker.wait_ms)
		serve_say("-", "ring", "%s: master on port %u", m->name, m->port);
}

static struct ring_master *master_of(struct rings *r, const struct cluster_object *o)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->list[i]->type == o->type && !strcmp(r->list[i]->name, o->name))
			return r->list[i];
	return NULL;
}

static struct ring_master *master_add(struct rings *r, const struct cluster_object *o)
{
	struct ring_master *m = xcalloc(1, sizeof(*m));

	m->type = o->type;
	snprintf(m->name, sizeof(m->name), "%s", o->name);
	r->list = xrealloc(r->list, r->count + 1, sizeof(*r->list));
	r->list[r->count++] = m;
	return m;
}

/* A data set that is not made yet has no master. */
static void want(struct rings *r, const struct cluster_object *o)
{
	struct ring_master *m = master_of(r, o);
	struct ring_content content;
	uint16_t port = rings_port(o);
	int ret = rings_has(o) ? rings_content(r->state_dir, o, &content) : -ENOENT;

	if (ret && ret != -ENOENT) {
		log_err(ret, "cannot read the manifest of '%s'", o->name);
		if (m)
			m->wanted = true; /* what runs goes on */
	}
	if (ret)
		return;
	if (!m)
		m = master_add(r, o);
	m->wanted = true;
	if (m->worker.pid && m->port == port && !strcmp(m->content.path, content.path) &&
	    !strcmp(m->content.blob.root, content.blob.root))
		return;
	worker_stop(&m->worker);
	m->port = port;
	m->content = content;
	m->worker = (struct worker){0};
	master_start(r, m);
}

static void forget_unwanted(struct rings *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		struct ring_master *m = r->list[i];

		if (m->wanted) {
			r->list[kept++] = m;
			continue;
		}
		serve_say("-", "ring", "%s: ends, it is not wanted any more", m->name);
		worker_stop(&m->worker);
		free(m);
	}
	r->count = kept;
}

static void look(struct rings *r)
{
	static const enum cluster_type types[] = {TYPE_DATASET, TYPE_BASE};
	struct cluster *c;

	if (definition_read(&c, r->state_dir))
		return; /* said; what runs goes on */
	for (size_t i = 0; i < r->count; i++)
		r->list[i]->wanted = false;
	for (size_t t = 0; t < ARRAY_SIZE(types); t++)
		for (size_t i = 0; i < cluster_count(c, types[t]); i++)
			want(r, cluster_at(c, types[t], i));
	forget_unwanted(r);
	cluster_free(c);
}

void rings_tick(struct rings *r)
{
	bool changed = file_changed(&r->definition, r->state_dir, "key/definition");

	changed |= file_changed(&r->datasets, r->state_dir, "datasets");
	changed |= file_changed(&r->bases, r->state_dir, "bases");
	if (changed)
		look(r);
	for (size_t i = 0; i < r->count; i++)
		if (worker_is_due(&r->list[i]->worker))
			master_start(r, r->list[i]);
}

bool rings_reaped(struct rings *r, pid_t pid)
{
	for (size_t i = 0; i < r->count; i++) {
		struct ring_master *m = r->list[i];

		if (m->worker.pid != pid)
			continue;
		serve_say("-", "ring", "%s: its master ended; starts again in %u s", m->name,
			  worker_ended(&m->worker, WAIT_MAX_MS));
		return true;
	}
	return false;
}

void rings_stop(struct rings *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->list[i]->worker.pid)
			kill(r->list[i]->worker.pid, SIGTERM);
	for (size_t i = 0; i < r->count; i++) {
		worker_stop(&r->list[i]->worker);
		free(r->list[i]);
	}
	free(r->list);
	*r = (struct rings){.state_dir = r->state_dir, .user = r->user};
}
