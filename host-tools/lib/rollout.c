/* Rolling through a cluster; see rollout.h. */
#include "host-tools/lib/rollout.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host-tools/lib/arm.h"
#include "host-tools/lib/cells.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/map.h"
#include "host-tools/lib/power.h"
#include "init/lib/cancel.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define LOOK_MS	    500
#define ARM_AT_ONCE 256

enum step { STEP_WAITING, STEP_BEGUN, STEP_INSTALLED, STEP_FAILED, STEPS };

struct member {
	const struct cluster_object *host;
	enum step step;
	int64_t begun;		     /* seconds since 1970 */
	char install[PLAN_ID_MAX];   /* that was said */
	char held[EVENT_MODULE_MAX]; /* that was said */
	char variant[64];
	struct state_node now;
};

struct rollout {
	const struct rollout_order *order;
	struct member *members;
	size_t count, steps[STEPS];
	struct map by_name;
};

/* --- what is said --- */

__attribute__((format(printf, 3, 4))) static void say(const struct rollout *r,
						      const struct member *m, const char *fmt, ...)
{
	char text[EVENT_MESSAGE_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_make_text(text);
	if (r->order->wait)
		printf("[%zu/%zu] ", r->steps[STEP_INSTALLED] + r->steps[STEP_FAILED], r->count);
	printf("%s: %s\n", m->host->name, text);
	fflush(stdout);
}

static void step(struct rollout *r, struct member *m, enum step next)
{
	r->steps[m->step]--;
	r->steps[next]++;
	m->step = next;
}

/* --- beginning --- */

static void take(const struct state_node *n, void *arg)
{
	struct member *m = map_get(&((struct rollout *)arg)->by_name, n->name);

	if (m)
		m->now = *n;
}

static void armed(struct rollout *r, struct member *m, const struct arm_order *o)
{
	const struct state_arming *arming = &o->arming;
	char before[EVENT_MODULE_MAX + 128];
	const char *modules;

	if (o->ret) {
		step(r, m, STEP_FAILED);
		say(r, m, "cannot be installed: %s", o->why);
		return;
	}
	step(r, m, STEP_BEGUN);
	m->begun = time(NULL);
	snprintf(m->variant, sizeof(m->variant), "%s", arming->variant);
	modules = cluster_get(
		cluster_find(r->order->site->cluster, TYPE_INSTALLER, arming->variant), "modules");
	arm_under_way(&m->now, r->order->power ? " and ends now" : " and goes on",
		      r->order->power ? " and ends now" : "", before, sizeof(before));
	say(r, m, "'%s' at its next boot from the network: %s%s%s%s%s", arming->variant,
	    modules ? modules : "", arming->breaks ? "; holds before " : "",
	    arming->breaks ? arming->breaks : "",
	    arming->wipe ? "; foreign data on its disks will be overwritten" : "", before);
}

/* The next ones that wait, at most `max` of them. False: one was refused, and no more are to begin. */
static bool arm_some(struct rollout *r, const struct cluster_object **hosts, size_t *count,
		     size_t max)
{
	const struct site *site = r->order->site;
	bool stop = r->order->wait && !r->order->keep_going;
	struct arm_order *orders = xcalloc(max, sizeof(*orders));
	size_t n = 0, begun = 0;

	for (size_t i = 0; i < r->count && n < max; i++)
		if (r->members[i].step == STEP_WAITING)
			orders[n++] = (struct arm_order){.host = r->members[i].host,
							 .arming = r->order->arming};
	arm_nodes(site->state_dir, site->cluster, site->state, orders, n, stop);
	for (size_t i = 0; i < n && orders[i].ret != -ECANCELED; i++) {
		armed(r, map_get(&r->by_name, orders[i].host->name), &orders[i]);
		if (!orders[i].ret)
			hosts[(*count)++] = orders[i].host;
		begun += !orders[i].ret;
	}
	free(orders);
	return n && (begun == n || !stop);
}

static void powered(const struct cluster_object *host, bool ok, const char *text, void *arg)
{
	struct rollout *r = arg;
	struct member *m = map_get(&r->by_name, host->name);

	if (!ok)
		step(r, m, STEP_FAILED);
	say(r, m, "%s%s", ok ? "power: " : "FAILED: cannot be switched on: ", text);
	if (!ok && disarm_node(r->order->site->state_dir, r->order->site->cluster,
			       r->order->site->state, m->host))
		say(r, m, "it is still armed");
}

static void power(struct rollout *r, const struct cluster_object **hosts, size_t count)
{
	static const char *const actions[] = {"pxe", "cycle", NULL};
	struct power_order order = {.c = r->order->site->cluster,
				    .actions = actions,
				    .seconds = POWER_SECONDS,
				    .parallel = POWER_PARALLEL,
				    .done = powered,
				    .arg = r};

	power_run(&order, hosts, count);
}

/* The next ones, as many as there is room for. */
static void begin(struct rollout *r)
{
	size_t room = r->order->at_once ? r->order->at_once - r->steps[STEP_BEGUN] : r->count;
	const struct cluster_object **hosts =
		xcalloc(r->count ? r->count : 1, sizeof(struct cluster_object *));
	size_t n = 0;

	state_nodes(r->order->site->state, take, r); /* only to be told; what fails, fails below */
	while (n < room && !module_cancelled() &&
	       arm_some(r, hosts, &n, room - n < ARM_AT_ONCE ? room - n : ARM_AT_ONCE))
		;
	if (r->order->power && n)
		power(r, hosts, n);
	free(hosts);
}

/* --- watching --- */

/* Whether the node will come back by itself after a failure. */
static bool comes_again(const struct rollout *r, const struct member *m)
{
	const struct cluster_object *installer =
		cluster_find(r->order->site->cluster, TYPE_INSTALLER, m->variant);
	const char *policy = installer ? cluster_get(installer, "on_failure") : NULL;

	return policy && !strcmp(policy, "reboot") && m->now.armed[0] &&
	       m->now.attempts < m->now.attempts_max;
}

__attribute__((format(printf, 3, 4))) static void fail(struct rollout *r, struct member *m,
						       const char *fmt, ...)
{
	char text[EVENT_MESSAGE_MAX + 128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	step(r, m, STEP_FAILED);
	say(r, m, "FAILED: %s", text);
}

/* A node that holds asks every two seconds whether it may go on, and is heard of. */
static bool is_silent(const struct rollout *r, const struct member *m)
{
	int64_t last = m->now.attempts && m->now.last_seen > m->begun ? m->now.last_seen : m->begun;

	return (int64_t)time(NULL) - last > (int64_t)r->order->silence;
}

static void say_news(const struct rollout *r, struct member *m)
{
	if (m->now.attempts && strcmp(m->install, m->now.install) != 0) {
		snprintf(m->install, sizeof(m->install), "%s", m->now.install);
		say(r, m, "begins, attempt %u of %u (installation %s)", m->now.attempts,
		    m->now.attempts_max, m->install);
	}
	/* Before its first attempt a node cannot hold: what is there is of an earlier installation. */
	if (m->now.attempts && strcmp(m->held, m->now.held) != 0) {
		snprintf(m->held, sizeof(m->held), "%s", m->now.held);
		if (m->held[0])
			say(r, m, "held before module '%s' (lucie continue %s)", m->held,
			    m->host->name);
		else
			say(r, m, "goes on");
	}
}

static void judge(struct rollout *r, struct member *m)
{
	const struct state_node *n = &m->now;
	char duration[CELL_TEXT];

	say_news(r, m);
	cell_duration((int64_t)time(NULL) - m->begun, duration);
	if (n->attempts && state_ended_well(n) && !n->armed[0]) {
		step(r, m, STEP_INSTALLED);
		say(r, m, "installed after %s", duration);
	} else if (n->attempts && !strcmp(n->status, "failed") && !comes_again(r, m)) {
		fail(r, m, "module '%s': %s", n->module, n->message);
	} else if (!n->armed[0]) {
		fail(r, m, "it is not armed any more: %s",
		     n->attempts ? "given up, or taken back" : "taken back");
	} else if (is_silent(r, m)) {
		cell_duration(r->order->silence, duration);
		fail(r, m, "no sign of life for %s%s", duration,
		     n->attempts ? "" : ", it never asked for its plan");
	}
}

static int look(struct rollout *r)
{
	int ret = state_nodes(r->order->site->state, take, r);

	for (size_t i = 0; !ret && i < r->count; i++)
		if (r->members[i].step == STEP_BEGUN)
			judge(r, &r->members[i]);
	return ret;
}

/* --- the whole --- */

static bool may_begin(const struct rollout *r)
{
	return r->steps[STEP_WAITING] && !module_cancelled() &&
	       (r->order->keep_going || !r->steps[STEP_FAILED]) &&
	       (!r->order->at_once || r->steps[STEP_BEGUN] < r->order->at_once);
}

/* As the next command wants them. */
static void print_names(const struct rollout *r, const char *what, enum step step)
{
	const char *comma = "";

	if (!r->steps[step])
		return;
	printf("%s: ", what);
	for (size_t i = 0; i < r->count; i++) {
		if (r->members[i].step != step)
			continue;
		printf("%s%s", comma, r->members[i].host->name);
		comma = ",";
	}
	printf("\n");
}

static int wait_all(struct rollout *r)
{
	int ret = 0;

	while (!ret && !module_cancelled() && (r->steps[STEP_BEGUN] || may_begin(r))) {
		if (may_begin(r))
			begin(r);
		ret = look(r);
		if (!ret && r->steps[STEP_BEGUN])
			sleep_ms(LOOK_MS);
	}
	if (module_cancelled() && r->steps[STEP_BEGUN])
		printf("interrupted: what was begun goes on (lucie watch shows it, lucie boot "
		       "takes back what has not asked for its plan)\n");
	printf("%zu installed, %zu failed, %zu under way, %zu not begun\n",
	       r->steps[STEP_INSTALLED], r->steps[STEP_FAILED], r->steps[STEP_BEGUN],
	       r->steps[STEP_WAITING]);
	print_names(r, "failed", STEP_FAILED);
	print_names(r, "under way", STEP_BEGUN);
	print_names(r, "not begun", STEP_WAITING);
	return ret || r->steps[STEP_INSTALLED] != r->count ? 1 : 0;
}

int rollout_run(const struct rollout_order *order, char *const *names, size_t count)
{
	struct rollout r = {.order = order, .count = count, .steps = {[STEP_WAITING] = count}};
	int ret;

	r.members = xcalloc(count ? count : 1, sizeof(*r.members));
	for (size_t i = 0; i < count; i++) {
		r.members[i].host = cluster_find(order->site->cluster, TYPE_HOST, names[i]);
		map_put(&r.by_name, names[i], &r.members[i]);
	}
	if (order->power || order->wait)
		cancel_catch_interrupt();
	if (order->wait) {
		ret = wait_all(&r);
	} else {
		begin(&r);
		ret = r.steps[STEP_FAILED] || r.steps[STEP_WAITING] ? 1 : 0;
	}
	map_free(&r.by_name);
	free(r.members);
	return ret;
}
