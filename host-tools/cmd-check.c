/* lucie check: says everything that is wrong with a definition, at once, before a node sees any of
 * it. */
#include "host-tools/lib/command.h"

#include <stdio.h>
#include <string.h>

#include "host-tools/lib/check-notes.h"
#include "host-tools/lib/cluster.h"
#include "host-tools/lib/definition.h"
#include "host-tools/lib/modules.h"

static const char usage[] = "lucie check [FILE]\n"
			    "       lucie check --modules [FILE]\n"
			    "Says what is wrong in a definition (default: cluster.conf, else "
			    "/etc/lucie/cluster.conf), or lists the\n"
			    "installer modules that it may name. Exit code 1: there are errors.\n";

static void list_modules(const struct cluster *c)
{
	const struct modules *m = cluster_modules(c);

	for (size_t i = 0; i < m->count; i++)
		printf("%s\t%s\n", m->list[i]->name, m->list[i]->summary);
}

static int check_run(int argc, char **argv)
{
	bool modules = argc > 1 && !strcmp(argv[1], "--modules");
	const char *path = argc > 1 + modules ? argv[1 + modules] : definition_default_path();
	struct cluster *c;
	size_t hosts;
	int errors;

	if (!modules && argc > 1 && argv[1][0] == '-')
		return command_unknown("check", argv[1]);
	if (argc > 2 + modules)
		return command_usage("check");
	errors = definition_load(&c, path);
	hosts = errors ? 0 : cluster_count(c, TYPE_HOST);
	if (c && modules) /* it may be a wrong name of one that is the error */
		list_modules(c);
	if (!errors && !modules) {
		printf("%s: %zu host%s, no errors\n", path, hosts, hosts == 1 ? "" : "s");
		check_notes(c);
	}
	cluster_free(c);
	return errors ? 1 : 0;
}

COMMAND(check, .summary = "say what is wrong in a definition", .usage = usage, .run = check_run);
