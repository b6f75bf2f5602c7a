/* lucie continue: lets nodes go on that hold before a module (lucie install --break, lucie.break=).
 * The node asks the server every other second, so it takes a moment. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "host-tools/lib/command.h"
#include "host-tools/lib/site.h"
#include "init/lib/log.h"

static const char usage[] = "lucie continue [--state DIR] NODE...\n"
			    "  NODE         a host, or several: cnode[00-31]\n"
			    "  --state DIR  the state directory (" DEFAULT_STATE_DIR ")\n";

static int go_on(struct state *state, const char *name)
{
	struct state_node n;
	int ret = state_node(state, name, &n);

	if (!ret)
		ret = state_continue(state, name);
	if (ret == -ENOENT)
		return log_err(0, "'%s' does not hold before a module", name);
	if (!ret)
		printf("%s: goes on with '%s'\n", name, n.held);
	return ret;
}

static int continue_nodes(const char *state_dir, int count, char **words)
{
	struct site site;
	size_t name_count;
	char **names;
	int ret = site_open(&site, state_dir), failed = 0;

	if (ret)
		return ret;
	ret = site_hosts(&site, count, words, &names, &name_count);
	for (size_t i = 0; !ret && i < name_count; i++)
		if (go_on(site.state, names[i]))
			failed = 1;
	if (!ret)
		cluster_names_free(names, name_count);
	site_close(&site);
	return ret ? ret : failed;
}

static int continue_main(int argc, char **argv)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'}, {0}};
	const char *state_dir = DEFAULT_STATE_DIR;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			state_dir = optarg;
		else
			return command_help(argv[0]);
	}
	if (optind == argc)
		return command_usage(argv[0]);
	return continue_nodes(state_dir, argc - optind, argv + optind) ? 1 : 0;
}

COMMAND(continue, .summary = "let nodes go on that hold before a module", .usage = usage,
	.run = continue_main);
