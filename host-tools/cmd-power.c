/* lucie power: switches nodes on and off, asks for their state, or has them boot from the network
 * once, through the power_command of the definition. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "host-tools/lib/command.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/power.h"
#include "host-tools/lib/site.h"
#include "init/lib/cancel.h"
#include "init/lib/log.h"

static const char usage[] =
	"lucie power [--state DIR] [--parallel N] [--timeout SECONDS] NODE... ACTION\n"
	"  NODE         a host, or several: cnode[00-31]\n"
	"  ACTION       on off cycle status pxe\n"
	"               cycle: off and on, or on if it was off; pxe: once from the network,\n"
	"               at its next start\n"
	"  --parallel N       so many nodes at once (16)\n"
	"  --timeout SECONDS  that each may take (60)\n"
	"  --state DIR  the state directory (" DEFAULT_STATE_DIR ")\n";

static void print(const struct cluster_object *host, bool ok, const char *text, void *arg)
{
	(void)arg;
	printf("%s: %s%s\n", host->name, ok ? "" : "FAILED: ", text);
	fflush(stdout);
}

static int power_nodes(struct power_order *order, const char *state_dir, int count, char **words)
{
	struct site site = {.state_dir = state_dir};
	const struct cluster_object **hosts;
	size_t host_count, failed;
	char **names;
	int ret = definition_read(&site.cluster, state_dir);

	if (!ret)
		ret = site_hosts(&site, count, words, &names, &host_count);
	if (ret) {
		cluster_free(site.cluster);
		return ret;
	}
	hosts = xcalloc(host_count, sizeof(struct cluster_object *));
	for (size_t i = 0; i < host_count; i++)
		hosts[i] = cluster_find(site.cluster, TYPE_HOST, names[i]);
	order->c = site.cluster;
	cancel_catch_interrupt();
	failed = power_run(order, hosts, host_count);
	if (failed)
		log_err(0, "%zu of %zu node%s failed", failed, host_count,
			host_count == 1 ? "" : "s");
	free(hosts);
	cluster_names_free(names, host_count);
	cluster_free(site.cluster);
	return failed ? 1 : 0;
}

static int power_main(int argc, char **argv)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'},
						{"parallel", required_argument, NULL, 'p'},
						{"timeout", required_argument, NULL, 't'},
						{0}};
	struct power_order order = {
		.seconds = POWER_SECONDS, .parallel = POWER_PARALLEL, .done = print};
	const char *state_dir = DEFAULT_STATE_DIR, *actions[2] = {NULL, NULL};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			state_dir = optarg;
		else if (c == 'p' && !command_number("--parallel", optarg, 1, 256, &order.parallel))
			continue;
		else if (c == 't' && !command_number("--timeout", optarg, 1, 3600, &order.seconds))
			continue;
		else
			return command_help(argv[0]);
	}
	if (argc - optind >= 2 && !power_is_action(argv[argc - 1]))
		fprintf(stderr, "lucie: '%s' is no action; it comes after the nodes\n",
			argv[argc - 1]);
	if (argc - optind < 2 || !power_is_action(argv[argc - 1]))
		return command_usage(argv[0]);
	actions[0] = argv[argc - 1];
	order.actions = actions;
	return power_nodes(&order, state_dir, argc - optind - 1, argv + optind) ? 1 : 0;
}

COMMAND(power, .summary = "switch nodes on and off", .usage = usage, .run = power_main);
