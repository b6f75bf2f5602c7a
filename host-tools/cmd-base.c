/* lucie base: makes the base systems that the definition names, takes in tars made elsewhere, shows
 * what there is. */
#include "host-tools/lib/command.h"

#include <getopt.h>
#include <string.h>

#include "host-tools/lib/base.h"
#include "host-tools/lib/definition.h"
#include "host-tools/lib/site.h"
#include "init/lib/log.h"

static const char usage[] =
	"lucie base build NAME [--conf FILE] [--state DIR]\n"
	"       lucie base add NAME FILE [--state DIR]\n"
	"       lucie base list [--state DIR]\n"
	"       lucie base remove NAME [--state DIR]\n"
	"Builds the base NAME of the definition FILE (default: that of the state "
	"directory, " DEFAULT_STATE_DIR ")\n"
	"with mmdebstrap, or takes FILE (.tar.gz, .tar.xz, .tar.zst) as the base NAME; lists what "
	"bases\n"
	"there are, or removes one that the definition in force does not name.\n";

static int build(const char *name, const char *conf, const char *state)
{
	const struct cluster_object *base;
	struct cluster *c;
	int ret = conf ? definition_load(&c, conf) : definition_read(&c, state);

	if (!ret) {
		base = cluster_find(c, TYPE_BASE, name);
		if (!base)
			ret = log_err(0, "no base is named '%s'", name);
		else if (cluster_get(base, "file"))
			ret = log_err(0, "base '%s' is the file '%s', which `lucie setup` takes in",
				      name, cluster_get(base, "file"));
		else
			ret = base_build(state, base);
	}
	cluster_free(c);
	return ret ? 1 : 0;
}

static int add(const char *name, const char *file, const char *state)
{
	if (!str_is_name(name)) {
		log_err(0, "'%s' is no name for a base, expected letters, digits, '.', '_' and '-'",
			name);
		return 1;
	}
	return base_add(state, name, file) < 0;
}

/* name NULL: all are listed. */
static int list_or_remove(const char *name, const char *state)
{
	struct cluster *c;
	int ret = definition_read(&c, state);

	if (!ret)
		ret = name ? base_remove(c, state, name) : base_list(c, state);
	cluster_free(c);
	return ret ? 1 : 0;
}

static int base_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"conf", required_argument, NULL, 'c'},
		{"state", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	const char *conf = NULL, *state = DEFAULT_STATE_DIR;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			conf = optarg;
		else if (option == 's')
			state = optarg;
		else
			return command_help("base");
	}
	argc -= optind;
	argv += optind;
	if (argc == 2 && !strcmp(argv[0], "build"))
		return build(argv[1], conf, state);
	if (argc == 3 && !strcmp(argv[0], "add") && !conf)
		return add(argv[1], argv[2], state);
	if (argc == 1 && !strcmp(argv[0], "list") && !conf)
		return list_or_remove(NULL, state);
	if (argc == 2 && !strcmp(argv[0], "remove") && !conf)
		return list_or_remove(argv[1], state);
	return command_usage("base");
}

COMMAND(base, .summary = "make or take in a base system", .usage = usage, .run = base_run);
