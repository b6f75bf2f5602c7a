/* lucie inventory: what is in the nodes, as they said when they last asked for a plan. */
#include <getopt.h>
#include <stdio.h>

#include "host-tools/lib/command.h"
#include "host-tools/lib/json-out.h"
#include "host-tools/lib/machine.h"
#include "host-tools/lib/screen.h"
#include "host-tools/lib/site.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

static const char usage[] = "lucie inventory [--state DIR] [--json] [NODE...]\n"
			    "  --json       an array with an object for each machine (lucie(1))\n"
			    "  --state DIR  the state directory (" DEFAULT_STATE_DIR ")\n";

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static void print_machine(const struct machine *m)
{
	char words[256], ram[16];

	machine_words(m, words, sizeof(words));
	printf("%s (%s)%s%s\n", m->node, m->mac, *words ? ": " : "", words);
	printf("  cpu   %llu threads, %llu cores%s%s\n",
	       (unsigned long long)machine_number(m, "cpus"),
	       (unsigned long long)machine_number(m, "cores"),
	       *text(m->inventory, "cpu") ? ", " : "", text(m->inventory, "cpu"));
	printf("  ram   %s\n", str_from_size(machine_number(m, "ram"), ram, sizeof(ram)));
	machine_print_parts(m, screen_columns());
}

/* Texts are clean since the server took them over (inventory.h). */
static int show_node(const struct site *site, const char *node, json_t *list)
{
	struct machines all;
	int ret = machines_read(&all, site->state, node);

	for (size_t i = 0; !ret && i < all.count; i++)
		if (list)
			json_array_append_new(list, machine_json(&all.list[i]));
		else
			print_machine(&all.list[i]);
	machines_free(&all);
	return ret;
}

static int show(struct site *site, bool json, int count, char **words)
{
	json_t *list = json ? json_array() : NULL;
	size_t name_count = 0;
	char **names = NULL;
	int ret = definition_read(&site->cluster, site->state_dir);

	if (!ret)
		ret = site_hosts(site, count, words, &names, &name_count);
	if (!ret)
		ret = state_open_readonly(&site->state, site->state_dir);
	for (size_t i = 0; !ret && i < name_count; i++)
		ret = show_node(site, names[i], list);
	cluster_names_free(names, name_count);
	site_close(site);
	if (!ret && json)
		return json_print(list);
	json_decref(list);
	return ret;
}

static int inventory_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"state", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'}, {0}};
	struct site site = {.state_dir = DEFAULT_STATE_DIR};
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			site.state_dir = optarg;
		else if (c == 'j')
			json = true;
		else
			return command_help(argv[0]);
	}
	return show(&site, json, argc - optind, argv + optind) ? 1 : 0;
}

COMMAND(inventory, .summary = "what is in the nodes", .usage = usage, .run = inventory_main);
