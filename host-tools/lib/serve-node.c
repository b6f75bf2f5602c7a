/* GET /v1/nodes/NAME, /v1/nodes/NAME/log and /v1/history: what a viewer of the board looks at more
 * closely. All of it from the state, read-only; names, messages and logs are what nodes said, so
 * they are JSON texts and the page never takes them for anything else. */
#include "host-tools/lib/serve-board.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host-tools/lib/install-json.h"
#include "host-tools/lib/json-out.h"
#include "init/lib/cleanup.h"

#define HISTORY_MAX	 200 /* installations of one answer: the last ones */
#define NODE_HISTORY_MAX 20
#define LOG_LINES_MAX	 500 /* the last ones */
#define LINE_MAX	 1400

/* --- installations --- */

struct last_installs {
	size_t count;
	struct state_install list[HISTORY_MAX];
};

static void take_install(const struct state_install *i, void *arg)
{
	struct last_installs *l = arg;

	if (l->count < HISTORY_MAX)
		l->list[l->count++] = *i;
}

static json_t *one_install(struct state *state, const struct state_install *i, bool detail)
{
	json_t *o = install_json(i), *modules = json_array();

	if (!detail)
		json_object_del(o, "mac");
	if (state_module_events(state, i->id, install_json_module, modules) ||
	    json_object_set_new(o, "modules", modules)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* The newest first. NULL: the state cannot be read. */
static json_t *installs(struct state *state, const char *node, unsigned int max, bool detail)
{
	struct last_installs *l = calloc(1, sizeof(*l));
	json_t *list = json_array();
	int failed = !l || state_installs_last(state, node, max, take_install, l);

	for (size_t n = 0; !failed && n < l->count; n++)
		failed = json_array_append_new(list, one_install(state, &l->list[n], detail));
	free(l);
	if (failed)
		json_decref(list);
	return failed ? NULL : list;
}

void serve_history(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	bool detail = board_may_see(s, call, ACCESS_ALL);
	json_t *list;

	if (!board_admits(s, call, reply, ACCESS_STATES))
		return;
	list = installs(s->view, NULL, HISTORY_MAX, detail);
	board_reply_json(reply, list ? json_pack("{s:o}", "installs", list) : NULL);
}

/* --- a node --- */

/* Modules that an installation has, in their order, by its variant. */
static json_t *planned_modules(struct serve *s, const char *variant)
{
	const struct cluster_object *installer;
	const char *modules;
	char name[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;
	json_t *list = json_array();

	pthread_rwlock_rdlock(&s->cluster_lock);
	installer = cluster_find(s->cluster, TYPE_INSTALLER, variant);
	modules = installer ? cluster_get(installer, "modules") : NULL;
	while (modules && cluster_list_next(modules, &pos, name, sizeof(name), &offset))
		json_array_append_new(list, json_text(name));
	pthread_rwlock_unlock(&s->cluster_lock);
	return list;
}

static void take_start(const struct event *e, int64_t at, void *starts)
{
	if (e->kind == EVENT_START && e->module[0])
		json_array_append_new(starts, json_pack("{s:o, s:o}", "module",
							json_text(e->module), "at", json_time(at)));
}

/* Of the last installation: what it does, and what it began when. */
static void add_current(struct serve *s, json_t *doc)
{
	const json_t *last = json_array_get(json_object_get(doc, "installs"), 0);
	const char *id = json_string_value(json_object_get(last, "install"));
	const char *variant = json_string_value(json_object_get(last, "variant"));
	json_t *starts = json_array();

	if (id)
		state_module_events(s->view, id, take_start, starts);
	json_object_set_new(doc, "started", starts);
	json_object_set_new(doc, "planned", planned_modules(s, variant ? variant : ""));
}

static void add_definition(struct serve *s, const char *node, json_t *doc, bool detail)
{
	static const char *const keys[] = {"address", "installer", "base", "disk_layout"};
	const struct cluster_object *host;

	pthread_rwlock_rdlock(&s->cluster_lock);
	host = cluster_find(s->cluster, TYPE_HOST, node);
	for (size_t i = 0; host && i < ARRAY_SIZE(keys); i++) {
		const char *value = cluster_host_get(s->cluster, host, keys[i]);

		if (value)
			json_object_set_new(doc, keys[i], json_text(value));
	}
	if (host && detail && cluster_get(host, "mac_address"))
		json_object_set_new(doc, "mac_address",
				    json_text(cluster_get(host, "mac_address")));
	pthread_rwlock_unlock(&s->cluster_lock);
}

/* The machines that have asked for the node's plan, and what they are made of. */
static void take_machine(const struct state_machine *m, void *list)
{
	json_t *inventory = json_loads(m->inventory, 0, NULL);

	json_array_append_new(list,
			      json_pack("{s:o, s:o, s:o, s:o}", "mac", json_text(m->mac), "first",
					json_time(m->first), "seen", json_time(m->seen),
					"inventory", inventory ? inventory : json_null()));
}

static void add_machines(struct serve *s, const char *node, json_t *doc)
{
	json_t *list = json_array();

	state_machines(s->view, node, take_machine, list);
	json_object_set_new(doc, "machines", list);
}

void serve_machines(struct serve *s, const struct http_call *call, struct http_reply *reply)
{
	json_t *list;

	if (!board_admits(s, call, reply, ACCESS_ALL))
		return;
	list = json_array();
	if (state_machines(s->view, "", take_machine, list)) {
		json_decref(list);
		list = NULL;
	}
	board_reply_json(reply, list ? json_pack("{s:o}", "machines", list) : NULL);
}

void serve_node(struct serve *s, const char *node, const struct http_call *call,
		struct http_reply *reply)
{
	bool detail = board_may_see(s, call, ACCESS_ALL);
	json_t *row, *list, *doc;

	if (!board_admits(s, call, reply, ACCESS_STATES))
		return;
	row = board_feed_node(s->feed, node);
	if (!row) {
		http_reply_text(reply, HTTP_NOT_FOUND, "no host '%s'", node);
		return;
	}
	list = installs(s->view, node, NODE_HISTORY_MAX, detail);
	doc = json_pack("{s:o, s:o, s:I, s:b}", "node", row, "installs", list, "now",
			(json_int_t)time(NULL), "detail", detail);
	if (doc) {
		add_current(s, doc);
		add_definition(s, node, doc, detail);
		if (detail)
			add_machines(s, node, doc);
	}
	board_reply_json(reply, doc);
}

/* --- its log --- */

struct last_lines {
	uint64_t after; /* lines up to here the viewer has */
	json_t *list;
};

static void take_line(const struct event *e, int64_t at, void *arg)
{
	struct last_lines *l = arg;
	char text[LINE_MAX];

	if (e->seq <= l->after)
		return;
	event_words(e, text, sizeof(text));
	json_array_append_new(l->list,
			      json_pack("{s:I, s:o, s:s, s:o, s:o, s:o}", "seq", (json_int_t)e->seq,
					"at", json_time(at), "kind", event_kind_name(e->kind),
					"level", json_text(e->level), "module",
					json_text(e->module), "text", json_text(text)));
	if (json_array_size(l->list) > LOG_LINES_MAX)
		json_array_remove(l->list, 0);
}

/* "INSTALL/SEQ" of the last line that the viewer has; 0 where that is none of this installation. */
static uint64_t lines_known(const char *after, const char *install)
{
	size_t n = strlen(install);
	uint64_t seq;

	if (!after || strncmp(after, install, n) != 0 || after[n] != '/' ||
	    str_to_u64(after + n + 1, &seq))
		return 0;
	return seq;
}

void serve_node_log(struct serve *s, const char *node, const struct http_call *call,
		    struct http_reply *reply)
{
	struct state *state = s->view;
	struct last_lines l = {0};
	struct state_node n;

	if (!board_admits(s, call, reply, ACCESS_ALL))
		return;
	state_node(state, node, &n);
	l.list = json_array();
	l.after = lines_known(call->after, n.install);
	if (n.install[0] && state_events(state, n.install, take_line, &l)) {
		json_decref(l.list);
		l.list = NULL;
	}
	board_reply_json(reply,
			 l.list ? json_pack("{s:o, s:I, s:o}", "install", json_text(n.install),
					    "after", (json_int_t)l.after, "lines", l.list)
				: NULL);
}
