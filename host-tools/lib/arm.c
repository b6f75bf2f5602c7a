/* Arming of nodes; see arm.h. */
#include "host-tools/lib/arm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/cells.h"
#include "host-tools/lib/layout-needs.h"
#include "host-tools/lib/plan-make.h"
#include "host-tools/lib/site.h"
#include "host-tools/lib/store.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "modules/lib/listing.h"

/* listing: its path. What cannot be read says nothing. */
static bool is_listed(const struct layout_need *need, const void *listing)
{
	_cleanup_free_ char *text = NULL;

	return file_read(listing, LISTING_MAX, &text, NULL) || layout_need_is_listed(need, text);
}

/* What the base really holds, whoever made it. */
static int check_base(const char *state_dir, const struct cluster *c,
		      const struct cluster_object *host, const struct strbuf *text,
		      char why[ARM_WHY_MAX])
{
	const struct cluster_object *base = cluster_host_ref(c, host, "base", TYPE_BASE);
	const struct layout_need *need;
	char listing[PATH_MAX];
	struct plan plan;

	if (!base || store_listing_path(state_dir, base->name, listing) ||
	    plan_parse(&plan, text->buf, text->len, why, ARM_WHY_MAX))
		return 0;
	need = layout_need_unmet(&plan, is_listed, listing);
	plan_free(&plan);
	if (!need)
		return 0;
	snprintf(why, ARM_WHY_MAX,
		 "its disk_layout '%s' needs %s in the installed system, and base '%s' has no '%s'",
		 cluster_host_get(c, host, "disk_layout"), need->package, base->name,
		 need->program);
	return -ENOENT;
}

/* A plan for nobody. whole: with the lines of all other hosts, which for thousands of nodes would be
 * millions. */
static int plan_possible(const char *state_dir, const struct cluster *c,
			 const struct cluster_object *host, const struct state_arming *arming,
			 bool whole, char why[ARM_WHY_MAX])
{
	static const char zeros[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char **servers = boot_files_servers(c, host);
	struct plan_order order = {
		.state_dir = state_dir,
		.host = host->name,
		.variant = arming->variant,
		.install = "none",
		.nonce = zeros,
		.token = zeros,
		.site = zeros + 48,
		.servers = (const char *const *)servers,
		.breaks = arming->breaks,
		.wipe = arming->wipe,
		.no_hosts = !whole,
	};
	int ret = plan_make(&text, c, &order, why, ARM_WHY_MAX);

	boot_files_servers_free(servers);
	return ret ? ret : check_base(state_dir, c, host, &text, why);
}

bool arm_erases(const struct cluster_object *installer)
{
	const char *modules = cluster_get(installer, "modules");

	return modules && cluster_list_has(modules, "wipe");
}

/* An armed node without its boot file would never be installed, and seem to be about to. */
static void take_back(const char *state_dir, const struct cluster *c, struct state *state,
		      const struct cluster_object *host, int error, char why[ARM_WHY_MAX])
{
	int ret = state_disarm(state, host->name);

	snprintf(why, ARM_WHY_MAX, "its boot file cannot be made (%s); it is %s", strerror(-error),
		 ret ? "still armed, because the state cannot be written" : "not armed");
	if (!ret)
		boot_file_follow(state_dir, c, state, host);
}

static int check(const char *state_dir, const struct cluster *c, struct arm_order *o, bool whole)
{
	const struct cluster_object *installer =
		o->arming.variant ? cluster_find(c, TYPE_INSTALLER, o->arming.variant)
				  : cluster_host_ref(c, o->host, "installer", TYPE_INSTALLER);

	if (!installer) {
		snprintf(o->why, ARM_WHY_MAX, "the definition has no installer '%s'",
			 o->arming.variant ? o->arming.variant : "");
		return -ENOENT;
	}
	o->arming.variant = installer->name;
	if (arm_erases(installer) && !o->arming.may_erase) {
		snprintf(o->why, ARM_WHY_MAX,
			 "installer '%s' erases its disks for good: lucie install --variant %s "
			 "--yes-wipe %s %s",
			 installer->name, installer->name, o->host->name, o->host->name);
		return -EPERM;
	}
	return plan_possible(state_dir, c, o->host, &o->arming, whole, o->why);
}

/* Their boot files are written: nobody has to see to them. Where this is not written down, the server
 * looks at them once more. */
static void say_fresh(struct state *state, const struct arm_order *orders, size_t count)
{
	if (state_begin(state))
		return;
	for (size_t i = 0; i < count; i++)
		if (!orders[i].ret)
			state_fresh(state, orders[i].host->name, orders[i].arming.variant);
	state_end(state);
}

/* One commit: all of those that are left, or none. */
static int change_state(struct state *state, const struct arm_order *orders, size_t count)
{
	int ret = state_begin(state), ended;

	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < count; i++)
		if (!orders[i].ret)
			ret = state_arm_as(state, orders[i].host->name, &orders[i].arming);
	ended = state_end(state); /* which takes back what began, where a part of it failed */
	return ret ? ret : ended;
}

static void follow(const char *state_dir, const struct cluster *c, struct state *state,
		   struct arm_order *o)
{
	o->ret = boot_file_follow(state_dir, c, state, o->host);
	if (o->ret)
		take_back(state_dir, c, state, o->host, o->ret, o->why);
}

void arm_nodes(const char *state_dir, const struct cluster *c, struct state *state,
	       struct arm_order *orders, size_t count, bool stop)
{
	bool stopped = false;
	int ret;

	for (size_t i = 0; i < count; i++) {
		orders[i].ret = stopped ? -ECANCELED : check(state_dir, c, &orders[i], i == 0);
		stopped |= stop && orders[i].ret;
	}
	ret = change_state(state, orders, count);
	for (size_t i = 0; i < count; i++) {
		if (orders[i].ret)
			continue;
		orders[i].ret = ret;
		if (ret)
			snprintf(orders[i].why, ARM_WHY_MAX, "the state cannot be written");
		else
			follow(state_dir, c, state, &orders[i]);
	}
	if (!ret)
		say_fresh(state, orders, count);
}

int arm_node(const char *state_dir, const struct cluster *c, struct state *state,
	     const struct cluster_object *host, const char **variant, bool wipe,
	     char why[ARM_WHY_MAX])
{
	struct arm_order o = {.host = host, .arming = {.variant = *variant, .wipe = wipe}};

	arm_nodes(state_dir, c, state, &o, 1, false);
	*variant = o.arming.variant;
	snprintf(why, ARM_WHY_MAX, "%s", o.why);
	return o.ret;
}

void arm_under_way(const struct state_node *n, const char *alive, const char *silent, char *buf,
		   size_t len)
{
	int64_t ago = (int64_t)time(NULL) - n->last_seen;
	bool is_silent = ago > STATE_SILENT_SECONDS, held = n->held[0];
	const char *where = held ? n->held : n->module;
	char duration[CELL_TEXT];

	*buf = '\0';
	if (strcmp(n->status, "running") != 0)
		return;
	snprintf(buf, len, "; its installation is %s (%s%s%sheard of %s ago)%s",
		 is_silent ? "silent" : "under way", held ? "held before " : "", where,
		 *where ? ", " : "", cell_duration(ago, duration), is_silent ? silent : alive);
	str_make_text(buf);
}

int disarm_node(const char *state_dir, const struct cluster *c, struct state *state,
		const struct cluster_object *host)
{
	int ret = state_disarm(state, host->name);

	return ret ? ret : boot_file_follow(state_dir, c, state, host);
}
