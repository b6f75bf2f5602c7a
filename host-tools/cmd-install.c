/* lucie install: arms nodes, so that they are installed at their next boot from the network; lucie
 * repair does the same with the installer 'repair', which keeps what is on the disks, and lucie
 * verify with 'verify', which looks only; lucie boot takes it back. One file, because these are one
 * order with four names. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/lib/arm.h"
#include "host-tools/lib/command.h"
#include "host-tools/lib/rollout.h"
#include "init/lib/log.h"

#define COMMON_USAGE                                                                               \
	"  --power           boot them from the network now (power_command: pxe, cycle)\n"         \
	"  --wait            until all of them have ended; the exit code says how\n"               \
	"  --at-once N       so many at a time: the next begin when others have ended, and\n"      \
	"                    none when one has failed, unless --keep-going\n"                      \
	"  --silence SECONDS without a word from a node, which then has failed (1800)\n"           \
	"  --retries N       attempts, in all, before it is given up (3)\n"                        \
	"  --break MODULE    hold before it until lucie continue; several with commas\n"           \
	"  --state DIR       the state directory (" DEFAULT_STATE_DIR ")\n"

static const char install_usage[] =
	"lucie install [OPTION...] NODE...\n"
	"  NODE              a host, or several: cnode[00-31]\n"
	"  --variant INSTALLER\n"
	"                    an installer of the definition, as `repair` (the host's own)\n"
	"  --wipe            this once, disks with foreign data may be overwritten\n"
	"  --yes-wipe NODES  the nodes once more, for an installer that erases their disks\n"
	"  --cancel          as lucie boot\n" COMMON_USAGE;

static const char repair_usage[] =
	"lucie repair [OPTION...] NODE...\n"
	"  NODE              a host, or several: cnode[00-31]\n" COMMON_USAGE;

static const char verify_usage[] =
	"lucie verify [OPTION...] NODE...\n"
	"  NODE              a host, or several: cnode[00-31]\n" COMMON_USAGE;

static const char boot_usage[] = "lucie boot [--state DIR] NODE...\n"
				 "  NODE         a host, or several: cnode[00-31]\n"
				 "  --state DIR  the state directory (" DEFAULT_STATE_DIR ")\n";

struct order {
	const char *state_dir;
	bool cancel;
	char *erased; /* the nodes once more */
	struct rollout_order rollout;
};

static int cancel(const struct site *site, char *const *names, size_t count)
{
	char before[EVENT_MODULE_MAX + 128];
	struct state_node n;
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		const struct cluster_object *host =
			cluster_find(site->cluster, TYPE_HOST, names[i]);

		state_node(site->state, names[i], &n);
		arm_under_way(&n, " and goes on", " and has failed", before, sizeof(before));
		if (!host || disarm_node(site->state_dir, site->cluster, site->state, host))
			failed = 1;
		else
			printf("%s: boots from its disk%s\n", host->name, before);
	}
	return failed;
}

/* A group's name says nothing of who is in it. */
static bool names_groups(const struct site *site, const char *list)
{
	for (size_t i = 0; i < cluster_count(site->cluster, TYPE_HOST_GROUP); i++) {
		const char *name = cluster_at(site->cluster, TYPE_HOST_GROUP, i)->name;

		if (cluster_list_has(list, name) && !cluster_find(site->cluster, TYPE_HOST, name))
			return true;
	}
	return false;
}

/* Who has named exactly these nodes twice means it. */
static bool names_again(const struct site *site, char *erased, char **names, size_t count)
{
	char **again;
	size_t again_count, same = 0;

	if (!erased || names_groups(site, erased) ||
	    site_hosts(site, 1, &erased, &again, &again_count))
		return false;
	for (size_t i = 0; again_count == count && i < count; i++)
		for (size_t k = 0; k < count; k++)
			same += !strcmp(names[i], again[k]);
	cluster_names_free(again, again_count);
	return same == count;
}

static int order_run(struct order *order, int count, char **words)
{
	struct site site;
	size_t name_count;
	char **names;
	int failed;

	if (site_open(&site, order->state_dir))
		return 1;
	order->rollout.site = &site;
	failed = site_hosts(&site, count, words, &names, &name_count);
	if (!failed && order->erased) {
		order->rollout.arming.may_erase =
			names_again(&site, order->erased, names, name_count);
		if (!order->rollout.arming.may_erase)
			failed = log_err(0, "--yes-wipe '%s' does not name the same nodes",
					 order->erased);
	}
	if (!failed) {
		failed = order->cancel ? cancel(&site, names, name_count)
				       : rollout_run(&order->rollout, names, name_count);
	}
	cluster_names_free(names, name_count);
	site_close(&site);
	return failed ? 1 : 0;
}

/* 0, or -EINVAL where the option is not to be had or its value is wrong (said). */
static int option_take(struct order *order, int option)
{
	struct rollout_order *r = &order->rollout;

	switch (option) {
	case 's':
		order->state_dir = optarg;
		return 0;
	case 'v':
		r->arming.variant = optarg;
		return 0;
	case 'w':
		r->arming.wipe = true;
		return 0;
	case 'y':
		order->erased = optarg;
		return 0;
	case 'c':
		order->cancel = true;
		return 0;
	case 'b':
		r->arming.breaks = optarg;
		return strlen(optarg) < STATE_BREAKS_MAX
			       ? 0
			       : command_bad("--break", optarg, "a shorter list of modules");
	case 'p':
		r->power = true;
		return 0;
	case 'k':
		r->keep_going = true;
		return 0;
	case 'W':
		r->wait = true;
		return 0;
	case 'n':
		r->wait = true;
		return command_number("--at-once", optarg, 1, 1000000, &r->at_once);
	case 'S':
		return command_number("--silence", optarg, 1, 1000000, &r->silence);
	case 'r':
		return command_number("--retries", optarg, 1, 100, &r->arming.attempts_max);
	default:
		return -EINVAL;
	}
}

static int order_main(int argc, char **argv, const struct option *allowed, struct order order)
{
	bool other = false;
	int c;

	order.state_dir = DEFAULT_STATE_DIR;
	order.rollout.silence = ROLLOUT_SILENCE;
	while ((c = getopt_long(argc, argv, "", allowed, NULL)) != -1) {
		if (option_take(&order, c))
			return command_help(argv[0]);
		other |= c != 's' && c != 'c';
	}
	if (optind == argc || (order.cancel && other))
		return command_usage(argv[0]);
	return order_run(&order, argc - optind, argv + optind);
}

#define COMMON_OPTIONS                                                                             \
	{"state", required_argument, NULL, 's'}, {"break", required_argument, NULL, 'b'},          \
		{"power", no_argument, NULL, 'p'}, {"wait", no_argument, NULL, 'W'},               \
		{"at-once", required_argument, NULL, 'n'}, {"keep-going", no_argument, NULL, 'k'}, \
		{"silence", required_argument, NULL, 'S'},                                         \
	{                                                                                          \
		"retries", required_argument, NULL, 'r'                                            \
	}

static int install_main(int argc, char **argv)
{
	static const struct option options[] = {COMMON_OPTIONS,
						{"variant", required_argument, NULL, 'v'},
						{"wipe", no_argument, NULL, 'w'},
						{"yes-wipe", required_argument, NULL, 'y'},
						{"cancel", no_argument, NULL, 'c'},
						{0}};

	return order_main(argc, argv, options, (struct order){0});
}

static int repair_main(int argc, char **argv)
{
	static const struct option options[] = {COMMON_OPTIONS, {0}};

	return order_main(argc, argv, options, (struct order){.rollout.arming.variant = "repair"});
}

static int verify_main(int argc, char **argv)
{
	static const struct option options[] = {COMMON_OPTIONS, {0}};

	return order_main(argc, argv, options, (struct order){.rollout.arming.variant = "verify"});
}

static int boot_main(int argc, char **argv)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'}, {0}};

	return order_main(argc, argv, options, (struct order){.cancel = true});
}

COMMAND(install, .summary = "install nodes at their next boot", .usage = install_usage,
	.run = install_main);
COMMAND(repair, .summary = "repair nodes at their next boot", .usage = repair_usage,
	.run = repair_main);
COMMAND(verify, .summary = "compare nodes with what was installed, at their next boot",
	.usage = verify_usage, .run = verify_main);
COMMAND(boot, .summary = "boot nodes from their disks after all", .usage = boot_usage,
	.run = boot_main);
