/* Loading for commands; see definition.h. */
#include "host-tools/lib/definition.h"

#include <stdio.h>
#include <unistd.h>

#include "host-tools/lib/module-syntax.h"
#include "host-tools/lib/plan-check.h"

static void print_error(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

const char *definition_default_path(void)
{
	return access("cluster.conf", F_OK) ? "/etc/lucie/cluster.conf" : "cluster.conf";
}

int definition_load(struct cluster **out, const char *path)
{
	int errors = cluster_load(out, path, print_error, NULL);

	if (errors < 0)
		return 1;
	errors += plan_check(*out, print_error, NULL) +
		  module_syntax_check(cluster_modules(*out), print_error, NULL);
	if (errors)
		fprintf(stderr, "%d error%s\n", errors, errors == 1 ? "" : "s");
	return errors;
}
