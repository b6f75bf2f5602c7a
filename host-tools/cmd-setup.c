/* lucie setup: compiles a definition into a new generation of the state directory that `lucie serve`
 * works from, and puts it in force with one rename. The steps are in host-tools/lib/setup*.c. */
#include "host-tools/lib/command.h"

#include <getopt.h>
#include <stddef.h>

#include "host-tools/lib/setup.h"

static const char usage[] =
	"lucie setup [--conf FILE] [--state DIR] [--images DIR]\n"
	"Compiles the definition FILE (default: cluster.conf, else /etc/lucie/cluster.conf) into "
	"the state directory\n"
	"(default " DEFAULT_STATE_DIR
	"). DIR of --images holds a folder for each board, as `make image` writes it.\n"
	"Says what it changed; run again, it changes nothing. If it fails, what was in force stays "
	"so.\n";

static int setup_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"conf", required_argument, NULL, 'c'},
		{"state", required_argument, NULL, 's'},
		{"images", required_argument, NULL, 'i'},
		{NULL, 0, NULL, 0},
	};
	struct setup_options o = {.state_dir = DEFAULT_STATE_DIR};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			o.conf = optarg;
		else if (option == 's')
			o.state_dir = optarg;
		else if (option == 'i')
			o.images_dir = optarg;
		else
			return command_usage("setup");
	}
	if (optind != argc)
		return command_usage("setup");
	return setup_run(&o) ? 1 : 0;
}

COMMAND(setup, .summary = "compile a definition into the state directory", .usage = usage,
	.run = setup_main);
