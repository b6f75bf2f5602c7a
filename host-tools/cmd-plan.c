/* lucie plan: shows what a node would be told to do, or with --dry-run what it would do to its disks.
 * A preview: nonce, token and time are made when the node asks, and what is secret is not shown
 * unless asked for. */
#include "host-tools/lib/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/definition.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/dry-run.h"
#include "host-tools/lib/explain.h"
#include "host-tools/lib/plan-make.h"
#include "host-tools/lib/site.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/seal.h"
#include "modules/lib/layout.h"

#define ON_REQUEST     "(made on request)"
#define EXIT_CHANGES   3 /* of a dry run */
#define MEMORY_DEFAULT ((uint64_t)1 << 30)

static const char usage[] =
	"lucie plan NODE [--conf FILE] [--state DIR] [--variant INSTALLER] [--wipe] [--secrets]\n"
	"lucie plan NODE ... --dry-run --disk FILE [--disk FILE...] [--memory SIZE] [--explain]\n"
	"lucie plan NODE ... --explain [--memory SIZE]\n"
	"Prints the plan of NODE: from the state directory (default " DEFAULT_STATE_DIR
	"), or from the definition FILE\n"
	"as it would be after `lucie setup`. --secrets shows the password hash and the keys of "
	"rings too.\n"
	"--dry-run reads the disks or image files FILE, one for each disk of the layout, and says "
	"what\n"
	"the node would do to them; nothing is written. Exit 0: nothing; 3: something; 1: it would "
	"refuse.\n"
	"--explain draws the disks before and after; without disks, the smallest that fit.\n"
	"  --memory SIZE   of the node, for partitions like RAM*2 (1G)\n"
	"  --wipe          as after `lucie install --wipe`\n";

struct plan_arguments {
	const char *node, *conf, *state, *variant;
	bool secrets, wipe, dry_run, explain;
	const char *disks[LAYOUT_DISKS_MAX];
	size_t disk_count;
	uint64_t memory;
};

static void print_line(const char *line, bool secrets)
{
	static const char *const secret[] = {"luks_key", "root_password", "ring_key"};
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

/* The exit code. */
static int dry_run_plan(const struct strbuf *text, const struct plan_arguments *a)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	char why[256];
	struct plan plan;
	int ret;

	if (plan_parse(&plan, text->buf, text->len, why, sizeof(why))) {
		log_err(0, "the plan of '%s': %s", a->node, why);
		return 1;
	}
	if (a->disk_count)
		ret = dry_run(&out, &plan, a->disks, a->disk_count,
			      &(struct dry_run_options){.ram = a->memory, .explain = a->explain});
	else
		ret = explain_smallest(&out, &plan, a->memory);
	plan_free(&plan);
	if (ret >= 0)
		fputs(out.buf, stdout);
	return ret == DRY_RUN_SAME ? 0 : ret == DRY_RUN_CHANGES ? EXIT_CHANGES : 1;
}

static int make(struct strbuf *text, const struct cluster *c, const struct plan_arguments *a)
{
	const struct cluster_object *host = cluster_find(c, TYPE_HOST, a->node);
	const char *state = a->state ? a->state : a->conf ? NULL : DEFAULT_STATE_DIR;
	char site[SITE_ID_TEXT], why[256], **servers;
	struct plan_order order = {
		.state_dir = state,
		.host = a->node,
		.variant = a->variant,
		.install = ON_REQUEST,
		.nonce = ON_REQUEST,
		.token = ON_REQUEST,
		.site = site,
		.wipe = a->wipe,
	};
	int ret;

	if (!host)
		return log_err(0, "no host is named '%s'", a->node);
	read_site(state, site);
	servers = boot_files_servers(c, host);
	order.servers = (const char *const *)servers;
	ret = plan_make(text, c, &order, why, sizeof(why));
	boot_files_servers_free(servers);
	return ret ? log_err(0, "%s", why) : 0;
}

/* The exit code. */
static int show(const struct cluster *c, const struct plan_arguments *a)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	if (make(&text, c, a))
		return 1;
	if (a->dry_run || a->explain)
		return dry_run_plan(&text, a);
	print_plan(text.buf, a->secrets);
	return 0;
}

static int add_disk(struct plan_arguments *a, const char *file)
{
	if (a->disk_count == ARRAY_SIZE(a->disks))
		return command_bad("--disk", file, "not so many disks");
	a->disks[a->disk_count++] = file;
	return 0;
}

static int take_memory(struct plan_arguments *a, const char *text)
{
	return str_to_size(text, &a->memory) ? command_bad("--memory", text, "a size, as 4G") : 0;
}

/* 0, or the exit code. */
static int parse(struct plan_arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{"conf", required_argument, NULL, 'c'},	   {"state", required_argument, NULL, 's'},
		{"variant", required_argument, NULL, 'v'}, {"secrets", no_argument, NULL, 'x'},
		{"wipe", no_argument, NULL, 'w'},	   {"dry-run", no_argument, NULL, 'n'},
		{"explain", no_argument, NULL, 'e'},	   {"disk", required_argument, NULL, 'd'},
		{"memory", required_argument, NULL, 'm'},  {NULL, 0, NULL, 0},
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
		else if (option == 'w')
			a->wipe = true;
		else if (option == 'n')
			a->dry_run = true;
		else if (option == 'e')
			a->explain = true;
		else if (option == 'd' ? add_disk(a, optarg)
				       : option != 'm' || take_memory(a, optarg))
			return command_help("plan");
	}
	if (optind + 1 != argc || (a->dry_run && !a->disk_count) ||
	    (a->disk_count && !a->dry_run && !a->explain))
		return command_usage("plan");
	a->node = argv[optind];
	return 0;
}

static int plan_run(int argc, char **argv)
{
	struct plan_arguments a = {.memory = MEMORY_DEFAULT};
	struct cluster *c = NULL;
	int ret;

	ret = parse(&a, argc, argv);
	if (ret)
		return ret;
	if (a.conf)
		ret = definition_load(&c, a.conf);
	else
		ret = definition_read(&c, a.state ? a.state : DEFAULT_STATE_DIR);
	ret = ret ? 1 : show(c, &a);
	cluster_free(c);
	return ret;
}

COMMAND(plan, .summary = "show what a node would be told to do", .usage = usage, .run = plan_run);
