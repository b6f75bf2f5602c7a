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
	struct map wanted; /* names of nodes; empty: all */
	struct state_install *list;
	size_t count;
	size_t name_width;
};

static void take(const struct state_install *i, void *arg)
{
	struct history *h = arg;

	if (h->wanted.count && !map_get(&h->wanted, i->node))
		return;
	if (!(h->count & (h->count + 1))) /* 0, 1, 3, 7, ...: it is full */
		h->list = xrealloc(h->list, 2 * (h->count + 1), sizeof(*h->list));
	h->list[h->count++] = *i;
	if (strlen(i->node) > h->name_width)
		h->name_width = strlen(i->node);
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

static int print_table(const struct history *h, struct state *state, bool modules)
{
	size_t name = h->name_width < 4 ? 4 : h->name_width > 20 ? 20 : h->name_width;
	size_t columns = screen_columns();
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

/* The hosts that the words name. What is known of others, that are not in the definition any more,
 * is shown where no word is given. */
static int read_history(struct history *h, struct site *site, int count, char **words)
{
	size_t name_count = 0;
	char **names = NULL;
	int ret = count ? definition_read(&site->cluster, site->state_dir) : 0;

	if (!ret && count)
		ret = site_hosts(site, count, words, &names, &name_count);
	for (size_t i = 0; i < name_count; i++)
		map_put(&h->wanted, names[i], names[i]);
	if (!ret)
		ret = state_open_readonly(&site->state, site->state_dir);
	if (!ret)
		ret = state_installs(site->state, take, h);
	map_free(&h->wanted);
	cluster_names_free(names, name_count);
	return ret;
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
	struct history history = {0};
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
	ret = read_history(&history, &site, argc - optind, argv + optind);
	if (!ret)
		ret = (json ? print_json : print_table)(&history, site.state, modules);
	free(history.list);
	site_close(&site);
	return ret ? 1 : 0;
}

COMMAND(history, .summary = "every installation that there was", .usage = usage,
	.run = history_main);
