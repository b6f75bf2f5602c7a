/* lucie token: prints the operator's token, which the board in a browser asks for before it arms
 * nodes (docs/serving.md). */
#include <getopt.h>
#include <stdio.h>

#include "host-tools/lib/command.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/operator-token.h"
#include "init/lib/seal.h"

static const char usage[] =
	"lucie token [--state DIR] [--new]\n"
	"  --new        make another one; the one before is worth nothing then\n"
	"  --state DIR  the state directory (" DEFAULT_STATE_DIR ")\n";

static int token_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"state", required_argument, NULL, 's'}, {"new", no_argument, NULL, 'n'}, {0}};
	const char *state_dir = DEFAULT_STATE_DIR;
	char token[OPERATOR_TOKEN_TEXT];
	bool renew = false;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			state_dir = optarg;
		else if (c == 'n')
			renew = true;
		else
			return command_help(argv[0]);
	}
	if (optind != argc)
		return command_usage(argv[0]);
	if (seal_init())
		die("no random numbers");
	ret = (renew ? operator_token_renew : operator_token)(state_dir, token);
	if (ret)
		return 1;
	puts(token);
	return 0;
}

COMMAND(token, .summary = "the operator's token for the board in a browser", .usage = usage,
	.run = token_main);
