/* lucie key: the site's public key, by which nodes know what comes from this server; made if there
 * is none. */
#include "host-tools/lib/command.h"

#include <getopt.h>
#include <stdio.h>

#include "host-tools/lib/setup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

static const char usage[] = "lucie key [--state DIR]\n"
			    "Shows the site's name and its public key (Ed25519), and makes the "
			    "pair where there is none.\n"
			    "The secret half, DIR/key/site.key, is read by the signing process "
			    "alone: keep a copy of it.\n";

static int show(const char *state_dir)
{
	uint8_t key[SITE_PUBLIC_LEN];
	char text[2 * SITE_PUBLIC_LEN + 1], site[SITE_ID_TEXT];
	int ret = mkdir_path(state_dir, 0755);

	if (ret)
		return log_err(ret, "cannot make the state directory '%s'", state_dir);
	ret = setup_key(state_dir, key);
	if (ret)
		return ret;
	str_to_hex(key, sizeof(key), text);
	site_id(key, site);
	printf("site       %s\npublic key %s\n", site, text);
	return 0;
}

static int key_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"state", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	const char *state_dir = DEFAULT_STATE_DIR;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 's')
			return command_help("key");
		state_dir = optarg;
	}
	return optind != argc ? command_usage("key") : show(state_dir) ? 1 : 0;
}

COMMAND(key, .summary = "show the site's public key", .usage = usage, .run = key_main);
