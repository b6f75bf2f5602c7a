/* lucie plan: shows what a node would be told to do. A preview: nonce, token and time are made when
 * the node asks, and what is secret is not shown unless asked for. */
#include "host-tools/lib/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/definition.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/plan-make.h"
#include "host-tools/lib/site.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/seal.h"

#define ON_REQUEST "(made on request)"

static const char usage[] =
	"lucie plan NODE [--conf FILE] [--state DIR] [--variant INSTALLER] [--secrets]\n"
	"Prints the plan of NODE: from the state directory (default " DEFAULT_STATE_DIR
	"), or from the definition FILE\n"
	"as it would be after `lucie setup`. --secrets shows the password hash and the keys of "
	"rings too.\n";

struct plan_arguments {
	const char *node, *conf, *state, *variant;
	bool secrets;
};

static void print_line(const char *line, bool secrets)
{
	static const char *const secret[] = {"root_password", "ring_key"};
	size_t key = strcspn(line, " ");

	for (size_t i = 0; !secrets && i < ARRAY_SIZE(secret); i++)
		if (strlen(secret[i]) == key && !strncmp(line, secret[i], key)) {
			printf("%s (hidden)\n", secret[i]);
			return;
		}
	puts(line);
}

static void print_plan(char *text, bool secrets)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		if (*line || text)
			print_line(line, secrets);
}

/* The site's id, "(none)" where there is no state directory or no setup yet. */
static void read_site(const char *state_dir, char out[SITE_ID_TEXT])
{
	_cleanup_free_ char *path = state_dir ? xasprintf("%s/key/site.pub", state_dir) : NULL;
	uint8_t key[SITE_PUBLIC_LEN];

	if (!path || site_public_read(path, key))
		snprintf(out, SITE_ID_TEXT, "(none)");
	else
		site_id(key, out);
}

static int show(const struct cluster *c, const struct plan_arguments *a)
{
	const struct cluster_object *host = cluster_find(c, TYPE_HOST, a->node);
	const char *state = a->state ? a->state : a->conf ? NULL : DEFAULT_STATE_DIR;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char site[SITE_ID_TEXT], why[256], **servers;
	struct plan_order order = {
		.state_dir = state,
		.host = a->node,
		.variant = a->variant,
		.install = ON_REQUEST,
		.nonce = ON_REQUEST,
		.token = ON_REQUEST,
		.site = site,
	};
	int ret;

	if (!host)
		return log_err(0, "no host is named '%s'", a->node);
	read_site(state, site);
	servers = boot_files_servers(c, host);
	order.servers = (const char *const *)servers;
	ret = plan_make(&text, c, &order, why, sizeof(why));
	boot_files_servers_free(servers);
	if (ret)
		return log_err(0, "%s", why);
	print_plan(text.buf, a->secrets);
	return 0;
}

static int parse(struct plan_arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{"conf", required_argument, NULL, 'c'},
		{"state", required_argument, NULL, 's'},
		{"variant", required_argument, NULL, 'v'},
		{"secrets", no_argument, NULL, 'x'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			a->conf = optarg;
		else if (option == 's')
			a->state = optarg;
		else if (option == 'v')
			a->variant = optarg;
		else if (option == 'x')
			a->secrets = true;
		else
			return -1;
	}
	if (optind + 1 != argc)
		return -1;
	a->node = argv[optind];
	return 0;
}

static int plan_run(int argc, char **argv)
{
	struct plan_arguments a = {0};
	struct cluster *c = NULL;
	int ret;

	if (parse(&a, argc, argv))
		return command_usage("plan");
	if (a.conf)
		ret = definition_load(&c, a.conf);
	else
		ret = definition_read(&c, a.state ? a.state : DEFAULT_STATE_DIR);
	if (!ret)
		ret = show(c, &a);
	cluster_free(c);
	return ret ? 1 : 0;
}

COMMAND(plan, .summary = "show what a node would be told to do", .usage = usage, .run = plan_run);
