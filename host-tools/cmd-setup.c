/* lucie setup: compiles a definition into a new generation of the state directory that `lucie serve`
 * works from, and puts it in force with one rename. The steps are in host-tools/lib/setup*.c. */
#include "host-tools/lib/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "host-tools/lib/fragments.h"
#include "host-tools/lib/setup.h"

static const char usage[] =
	"lucie setup [--conf FILE] [--state DIR] [--images DIR] [--enable [--root DIR]]\n"
	"lucie setup --print FRAGMENT | --disable [--state DIR] [--root DIR]\n"
	"Compiles the definition FILE (default: cluster.conf, else /etc/lucie/cluster.conf) into "
	"the state directory\n"
	"(default " DEFAULT_STATE_DIR
	"). DIR of --images holds a folder for each board, as `make image` writes it.\n"
	"Says what it changed; run again, it changes nothing. If it fails, what was in force stays "
	"so.\n"
	"--enable then links the files for the system's services (a unit of systemd, NFS exports); "
	"--print shows one of\n"
	"them, --disable removes the links. Files of others stay as they are. --root: not below / "
	"but DIR.\n";

struct setup_arguments {
	struct setup_options setup;
	const char *print, *root;
	bool enable, disable;
};

static int setup_do(const struct setup_arguments *a)
{
	if (a->print)
		return fragment_print(a->setup.state_dir, a->print);
	if (a->disable)
		return fragments_disable(a->setup.state_dir, a->root);
	setvbuf(stdout, NULL, _IOLBF, 0); /* what was done comes before what then failed */
	if (setup_run(&a->setup))
		return -EIO;
	return a->enable ? fragments_enable(a->setup.state_dir, a->root) : 0;
}

static bool setup_option(struct setup_arguments *a, int option, const char *value)
{
	switch (option) {
	case 'c':
		a->setup.conf = value;
		return true;
	case 's':
		a->setup.state_dir = value;
		return true;
	case 'i':
		a->setup.images_dir = value;
		return true;
	case 'p':
		a->print = value;
		return true;
	case 'r':
		a->root = value;
		return true;
	case 'e':
		a->enable = true;
		return true;
	case 'd':
		a->disable = true;
		return true;
	default:
		return false;
	}
}

static int setup_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"conf", required_argument, NULL, 'c'},	  {"state", required_argument, NULL, 's'},
		{"images", required_argument, NULL, 'i'}, {"print", required_argument, NULL, 'p'},
		{"enable", no_argument, NULL, 'e'},	  {"disable", no_argument, NULL, 'd'},
		{"root", required_argument, NULL, 'r'},	  {NULL, 0, NULL, 0},
	};
	struct setup_arguments a = {.setup.state_dir = DEFAULT_STATE_DIR, .root = ""};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!setup_option(&a, option, optarg))
			return command_help("setup");
	if (optind != argc || !!a.print + a.enable + a.disable > 1)
		return command_usage("setup");
	return setup_do(&a) ? 1 : 0;
}

COMMAND(setup, .summary = "compile a definition into the state directory", .usage = usage,
	.run = setup_main);
