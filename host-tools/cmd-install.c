/* lucie install: arms nodes, so that they are installed at their next boot from the network; lucie
 * repair does the same with the installer 'repair', which keeps what is on the disks; lucie boot
 * takes it back. One file, because these are one order with three names. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/arm.h"
#include "host-tools/lib/command.h"
#include "host-tools/lib/site.h"
#include "init/lib/log.h"

static const char install_usage[] =
	"lucie install [--state DIR] [--variant NAME] [--wipe] [--cancel] NODE...\n"
	"  NODE            a host, or several: cnode[00-31]\n"
	"  --variant NAME  an installer of the definition, as `repair` (the host's own)\n"
	"  --wipe          this once, disks with foreign data may be overwritten\n"
	"  --cancel        as lucie boot\n"
	"  --state DIR     the state directory (" DEFAULT_STATE_DIR ")\n";

static const char repair_usage[] = "lucie repair [--state DIR] NODE...\n"
				   "  NODE         a host, or several: cnode[00-31]\n"
				   "  --state DIR  the state directory (" DEFAULT_STATE_DIR ")\n";

static const char boot_usage[] = "lucie boot [--state DIR] NODE...\n"
				 "  NODE         a host, or several: cnode[00-31]\n"
				 "  --state DIR  the state directory (" DEFAULT_STATE_DIR ")\n";

struct order {
	const char *state_dir;
	const char *variant; /* NULL: the host's own */
	bool wipe, cancel;
};

static int cancel(const struct site *site, const struct cluster_object *host)
{
	int ret = disarm_node(site->state_dir, site->cluster, site->state, host);

	if (!ret)
		printf("%s: boots from its disk\n", host->name);
	return ret;
}

static int arm(const struct site *site, const struct cluster_object *host,
	       const struct order *order)
{
	const char *variant = order->variant, *modules;
	char why[ARM_WHY_MAX];
	int ret = arm_node(site->state_dir, site->cluster, site->state, host, &variant, order->wipe,
			   why);

	if (ret)
		return log_err(0, "%s cannot be installed: %s", host->name, why);
	modules = cluster_get(cluster_find(site->cluster, TYPE_INSTALLER, variant), "modules");
	printf("%s: '%s' at its next boot from the network: %s%s\n", host->name, variant,
	       modules ? modules : "",
	       order->wipe ? "; foreign data on its disks will be overwritten" : "");
	return 0;
}

static int each_node(const struct site *site, char **names, size_t count, const struct order *order)
{
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		const struct cluster_object *host =
			cluster_find(site->cluster, TYPE_HOST, names[i]);

		if (!host || (order->cancel ? cancel(site, host) : arm(site, host, order)))
			failed = 1;
	}
	return failed;
}

static int order_run(const struct order *order, int count, char **words)
{
	struct site site;
	size_t name_count;
	char **names;
	int failed;

	if (site_open(&site, order->state_dir))
		return 1;
	failed = site_hosts(&site, count, words, &names, &name_count);
	if (!failed) {
		failed = each_node(&site, names, name_count, order);
		cluster_names_free(names, name_count);
	}
	site_close(&site);
	return failed ? 1 : 0;
}

static int order_main(int argc, char **argv, const struct option *allowed, struct order order)
{
	int c;

	order.state_dir = DEFAULT_STATE_DIR;
	while ((c = getopt_long(argc, argv, "", allowed, NULL)) != -1) {
		if (c == 's')
			order.state_dir = optarg;
		else if (c == 'v')
			order.variant = optarg;
		else if (c == 'w')
			order.wipe = true;
		else if (c == 'c')
			order.cancel = true;
		else
			return command_usage(argv[0]);
	}
	if (optind == argc || (order.cancel && (order.wipe || order.variant)))
		return command_usage(argv[0]);
	return order_run(&order, argc - optind, argv + optind);
}

static int install_main(int argc, char **argv)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'},
						{"variant", required_argument, NULL, 'v'},
						{"wipe", no_argument, NULL, 'w'},
						{"cancel", no_argument, NULL, 'c'},
						{0}};

	return order_main(argc, argv, options, (struct order){0});
}

static const struct option state_option[] = {{"state", required_argument, NULL, 's'}, {0}};

static int repair_main(int argc, char **argv)
{
	return order_main(argc, argv, state_option, (struct order){.variant = "repair"});
}

static int boot_main(int argc, char **argv)
{
	return order_main(argc, argv, state_option, (struct order){.cancel = true});
}

COMMAND(install, .summary = "install nodes at their next boot", .usage = install_usage,
	.run = install_main);
COMMAND(repair, .summary = "repair nodes at their next boot", .usage = repair_usage,
	.run = repair_main);
COMMAND(boot, .summary = "boot nodes from their disks after all", .usage = boot_usage,
	.run = boot_main);
