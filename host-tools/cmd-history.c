/* lucie history: every installation that the server knows of, the oldest first: when, of which
 * node, how it ended, how long it took and why it failed. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/cells.h"
#include "host-tools/lib/command.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/install-json.h"
#include "host-tools/lib/json-out.h"
#include "host-tools/lib/map.h"
#include "host-tools/lib/screen.h"
#include "host-tools/lib/site.h"
#include "init/lib/log.h"

static const char usage[] =
	"lucie history [--state DIR] [--json] [--modules] [NODE...]\n"
	"lucie history [--state DIR] --keep N\n"
	"  --json       an array with an object for each installation (lucie(1) lists the fields)\n"
	"  --modules    with the seconds that each module took\n"
	"  --keep N     forget all but the last N of each node, and their logs; prints how many\n"
	"  --state DIR  the state directory (" DEFAULT_STATE_DIR ")\n";

#define TIME_WIDTH    19
#define VARIANT_WIDTH 8
#define RESULT_WIDTH  10
#define SECONDS_WIDTH 7

struct history {
	struct site *site;
	struct map known;      /* nodes that have installations */
	struct map wanted;     /* nodes that are asked for */
	struct strbuf defined; /* of the words, what is the definition's */
	struct state_install *list;
	size_t count;
};

static void take(const struct state_install *i, void *arg)
{
	struct history *h = arg;

	if (!(h->count & (h->count + 1))) /* 0, 1, 3, 7, ...: it is full */
		h->list = xrealloc(h->list, 2 * (h->count + 1), sizeof(*h->list));
	h->list[h->count++] = *i;
}

/* Not in place: names in the maps are those of the list. */
static void keep_wanted(struct history *h)
{
	struct state_install *list = xcalloc(h->count, sizeof(*list));
	size_t kept = 0;

	for (size_t i = 0; i < h->count; i++)
		if (map_get(&h->wanted, h->list[i].node))
			list[kept++] = h->list[i];
	free(h->list);
	h->list = list;
	h->count = kept;
}

static void print_module(const struct event *e, int64_t at, void *arg)
{
	(void)at;
	(void)arg;
	if (e->kind == EVENT_END)
		printf("    %-12s %8.2f%s\n", e->module, (double)e->millis / 1000,
		       e->ok ? "" : "  failed");
}

static void print_row(const struct state_install *i, size_t name_width, size_t columns)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	size_t used = TIME_WIDTH + name_width + VARIANT_WIDTH + RESULT_WIDTH + SECONDS_WIDTH + 10;
	char when[CELL_TIME], seconds[32] = "", cause[EVENT_MODULE_MAX + EVENT_MESSAGE_MAX + 4];

	if (i->ended)
		snprintf(seconds, sizeof(seconds), "%*lld", SECONDS_WIDTH,
			 (long long)(i->ended - i->begun));
	snprintf(cause, sizeof(cause), "%s%s%s", i->module,
		 i->module[0] && i->message[0] ? ": " : "", i->message);
	cell_column(&line, cell_time(i->begun, when), TIME_WIDTH);
	cell_column(&line, i->node, name_width);
	cell_column(&line, i->variant, VARIANT_WIDTH);
	cell_column(&line, install_result(i), RESULT_WIDTH);
	cell_column(&line, seconds, SECONDS_WIDTH);
	cell_add(&line, cause, columns > used ? columns - used : 1);
	cell_print(&line);
}

static size_t name_columns(const struct history *h)
{
	size_t columns = 4;

	for (size_t i = 0; i < h->count; i++)
		if (strlen(h->list[i].node) > columns)
			columns = strlen(h->list[i].node);
	return columns > 20 ? 20 : columns;
}

static int print_table(const struct history *h, struct state *state, bool modules)
{
	size_t columns = screen_columns(), name = name_columns(h);
	int ret = 0;

	if (!h->count) {
		puts("no installation is known");
		return 0;
	}
	printf("%-*s  %-*s  %-*s  %-*s  %*s  CAUSE\n", TIME_WIDTH, "WHEN", (int)name, "NODE",
	       VARIANT_WIDTH, "VARIANT", RESULT_WIDTH, "RESULT", SECONDS_WIDTH, "SECONDS");
	for (size_t i = 0; !ret && i < h->count; i++) {
		print_row(&h->list[i], name, columns);
		if (modules)
			ret = state_events(state, h->list[i].id, print_module, NULL);
	}
	return ret;
}

static int print_json(const struct history *h, struct state *state, bool modules)
{
	json_t *list = json_array();
	int ret = 0;

	for (size_t i = 0; !ret && i < h->count; i++) {
		json_t *object = install_json(&h->list[i]), *ends = modules ? json_array() : NULL;

		if (ends) {
			ret = state_events(state, h->list[i].id, install_json_module, ends);
			json_object_set_new(object, "modules", ends);
		}
		if (json_array_append_new(list, object))
			die("out of memory");
	}
	if (!ret)
		return json_print(list);
	json_decref(list);
	return ret;
}

/* What is neither a host nor a host_group, but has installations, has left the definition. */
static int take_name(const char *name, void *arg)
{
	struct history *h = arg;
	const char *known = map_get(&h->known, name);

	if (known && !cluster_find(h->site->cluster, TYPE_HOST, name) &&
	    !cluster_find(h->site->cluster, TYPE_HOST_GROUP, name))
		map_put(&h->wanted, known, h);
	else
		strbuf_addf(&h->defined, "%s%s", h->defined.len ? "," : "", name);
	return 0;
}

static int take_word(struct history *h, const char *word)
{
	char item[CLUSTER_ITEM_MAX], why[160];
	size_t pos = 0, offset;

	while (cluster_list_next(word, &pos, item, sizeof(item), &offset))
		if (cluster_pattern_each(item, take_name, h, why, sizeof(why)))
			return log_err(0, "'%.80s': %s", item, why);
	return 0;
}

/* Leaves those of the nodes that the words name. */
static int pick(struct history *h, int count, char **words)
{
	size_t name_count = 0;
	char **names = NULL;
	int ret = definition_read(&h->site->cluster, h->site->state_dir);

	for (size_t i = 0; i < h->count; i++)
		map_put(&h->known, h->list[i].node, h->list[i].node);
	for (int i = 0; !ret && i < count; i++)
		ret = take_word(h, words[i]);
	if (!ret && h->defined.len)
		ret = site_hosts(h->site, 1, &h->defined.buf, &names, &name_count);
	for (size_t i = 0; i < name_count; i++)
		map_put(&h->wanted, names[i], h);
	if (!ret)
		keep_wanted(h);
	map_free(&h->known);
	map_free(&h->wanted);
	strbuf_free(&h->defined);
	cluster_names_free(names, name_count);
	return ret;
}

static int read_history(struct history *h, int count, char **words)
{
	int ret = state_open_readonly(&h->site->state, h->site->state_dir);

	if (!ret)
		ret = state_installs(h->site->state, take, h);
	return !ret && count ? pick(h, count, words) : ret;
}

static int forget(struct site *site, unsigned int keep)
{
	size_t count;
	int ret = state_open(&site->state, site->state_dir);

	if (!ret)
		ret = state_forget(site->state, site->state_dir, keep, &count);
	if (!ret)
		printf(count == 1 ? "%zu installation is forgotten\n"
				  : "%zu installations are forgotten\n",
		       count);
	return ret;
}

static int history_main(int argc, char **argv)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'},
						{"json", no_argument, NULL, 'j'},
						{"modules", no_argument, NULL, 'm'},
						{"keep", required_argument, NULL, 'k'},
						{0}};
	struct site site = {.state_dir = DEFAULT_STATE_DIR};
	bool json = false, modules = false;
	struct history history = {.site = &site};
	unsigned int keep = 0;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			site.state_dir = optarg;
		else if (c == 'j')
			json = true;
		else if (c == 'm')
			modules = true;
		else if (c != 'k' || command_number("--keep", optarg, 1, UINT32_MAX, &keep))
			return command_help(argv[0]);
	}
	if (keep && (json || modules || optind != argc))
		return command_usage(argv[0]);
	if (keep) {
		ret = forget(&site, keep);
		site_close(&site);
		return ret ? 1 : 0;
	}
	ret = read_history(&history, argc - optind, argv + optind);
	if (!ret)
		ret = (json ? print_json : print_table)(&history, site.state, modules);
	free(history.list);
	site_close(&site);
	return ret ? 1 : 0;
}

COMMAND(history, .summary = "every installation that there was", .usage = usage,
	.run = history_main);
