/* lucie discover: machines that no host of the definition is, and that wait to be named (L54), in
 * order of appearance; and the text that gives them names. The definition stays a person's: what
 * this prints goes into it by hand, or with >>. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host-tools/lib/cells.h"
#include "host-tools/lib/command.h"
#include "host-tools/lib/definition.h"
#include "host-tools/lib/json-out.h"
#include "host-tools/lib/machine.h"
#include "host-tools/lib/naming.h"
#include "host-tools/lib/screen.h"
#include "host-tools/lib/site.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

static const char usage[] =
	"lucie discover [--state DIR] [--json]\n"
	"       lucie discover [--state DIR] --name NAMES [--mac MAC[,MAC...]] [--use TEMPLATE]\n"
	"                      [--conf FILE] [--address FIRST]\n"
	"       lucie discover [--state DIR] --forget [MAC...]\n"
	"  --json           with everything that is known of the machines (lucie(1))\n"
	"  --name NAMES     names them, as cnode[08-15]: prints what to add to the definition\n"
	"  --mac MAC        these machines only, in this order\n"
	"  --use TEMPLATE   the template of these hosts\n"
	"  --conf FILE      where it is (cluster.conf, else /etc/lucie/cluster.conf)\n"
	"  --address FIRST  where their addresses begin (after the highest one of the network)\n"
	"  --forget         forgets them; one that is still there comes back\n"
	"  --state DIR      the state directory (" DEFAULT_STATE_DIR ")\n";

struct order {
	const char *state_dir;
	const char *conf, *macs; /* NULL: not said */
	struct naming naming;
	bool json, forgets;
};

static void print_row(const struct machine *m, int64_t now)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	char when[CELL_TIME], seen[CELL_TEXT], ram[CELL_TEXT], text[256];
	size_t columns = screen_columns(), used = 17 + 19 + 6 + 4 + 5 + 10;

	cell_column(&line, m->mac, 17);
	cell_column(&line, cell_time(m->first, when), 19);
	cell_column(&line, cell_duration(now - m->seen, seen), 6);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)machine_number(m, "cpus"));
	cell_column(&line, text, 4);
	cell_column(&line, cell_size(machine_number(m, "ram"), ram), 5);
	machine_words(m, text, sizeof(text));
	cell_add(&line, text, columns > used ? columns - used : 1);
	cell_print(&line);
	machine_print_parts(m, columns);
}

static int print_table(const struct machines *all)
{
	int64_t now = time(NULL);

	if (!all->count) {
		puts("no machine waits to be named");
		return 0;
	}
	printf("%-17s  %-19s  %-6s  %-4s  %-5s  MACHINE\n", "MAC", "APPEARED", "SEEN", "CPUS",
	       "RAM");
	for (size_t i = 0; i < all->count; i++)
		print_row(&all->list[i], now);
	return 0;
}

static int print_json(const struct machines *all)
{
	json_t *list = json_array();

	for (size_t i = 0; i < all->count; i++)
		json_array_append_new(list, machine_json(&all->list[i]));
	return json_print(list);
}

static void no_error(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

/* The definition in force has no templates any more: they are looked up in the file that the text
 * goes into. Where nobody says which that is, and none is in the usual places, setup will say it. */
static int check_template(const char *conf, const char *name)
{
	const char *path = conf ? conf : definition_default_path(), *like;
	struct cluster *c;
	int ret = 0;

	if (!conf && access(path, R_OK))
		return 0;
	if (cluster_load(&c, path, no_error, NULL) < 0)
		return -EIO;
	if (!cluster_is_template(c, TYPE_HOST, name, &like))
		ret = like ? log_err(-ENOENT,
				     "no host template of '%s' is named '%s', expected '%s'", path,
				     name, like)
			   : log_err(-ENOENT, "no host template of '%s' is named '%s'", path, name);
	cluster_free(c);
	return ret;
}

static int print_names(const struct site *site, struct machines *all, const struct order *order)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT, missing = STRBUF_INIT;
	const struct naming *naming = &order->naming;
	struct naming_count n;
	int ret = naming->use ? check_template(order->conf, naming->use) : 0;

	if (!ret && order->macs)
		ret = machines_pick(all, order->macs);
	if (!ret)
		ret = naming_write(&out, site->cluster, naming, all, &n, &missing);
	if (ret)
		return ret;
	if (!n.named)
		return log_err(0, "no machine waits to be named");
	fputs(out.buf, stdout);
	if (n.named < n.names)
		fprintf(stderr, "lucie: %zu of %zu named; no machine waits for %s\n", n.named,
			n.names, missing.buf);
	fprintf(stderr,
		"lucie: %zu of %zu machine%s named: put this into the definition, then lucie "
		"setup, "
		"lucie install\n",
		n.named, all->count, all->count == 1 ? "" : "s");
	return 0;
}

static int forget(const char *state_dir, int count, char **words)
{
	struct state *state;
	int ret = state_open(&state, state_dir);

	if (ret)
		return ret;
	if (!count)
		ret = state_machine_forget(state, NULL);
	for (int i = 0; !ret && i < count; i++) {
		char mac[MAC_TEXT];

		ret = str_to_mac(words[i], mac) ? -1 : state_machine_forget(state, mac);
		if (ret)
			log_err(0, "no machine '%s' waits to be named", words[i]);
	}
	state_close(state);
	return ret;
}

static int show(const struct order *order)
{
	struct site site = {.state_dir = order->state_dir};
	struct machines all = {0};
	int ret = definition_read(&site.cluster, site.state_dir);

	if (!ret)
		ret = state_open_readonly(&site.state, site.state_dir);
	if (!ret)
		ret = machines_read(&all, site.state, "");
	if (!ret)
		machines_drop_named(&all, site.cluster);
	if (!ret)
		ret = order->naming.pattern ? print_names(&site, &all, order)
		      : order->json	    ? print_json(&all)
					    : print_table(&all);
	machines_free(&all);
	site_close(&site);
	return ret;
}

/* False: there is no such option. */
static bool option_take(struct order *o, int option)
{
	if (option == 's')
		o->state_dir = optarg;
	else if (option == 'c')
		o->conf = optarg;
	else if (option == 'm')
		o->macs = optarg;
	else if (option == 'j')
		o->json = true;
	else if (option == 'n')
		o->naming.pattern = optarg;
	else if (option == 'u')
		o->naming.use = optarg;
	else if (option == 'a')
		o->naming.address = optarg;
	else if (option == 'f')
		o->forgets = true;
	else
		return false;
	return true;
}

static int discover_main(int argc, char **argv)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'},
						{"json", no_argument, NULL, 'j'},
						{"name", required_argument, NULL, 'n'},
						{"use", required_argument, NULL, 'u'},
						{"conf", required_argument, NULL, 'c'},
						{"mac", required_argument, NULL, 'm'},
						{"forget", no_argument, NULL, 'f'},
						{"address", required_argument, NULL, 'a'},
						{0}};
	struct order o = {.state_dir = DEFAULT_STATE_DIR};
	const struct naming *n = &o.naming;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!option_take(&o, c))
			return command_help(argv[0]);
	if ((optind < argc && !o.forgets) || o.json + o.forgets + !!n->pattern > 1 ||
	    ((n->use || n->address || o.macs) && !n->pattern) || (o.conf && !n->use))
		return command_usage(argv[0]);
	return (o.forgets ? forget(o.state_dir, argc - optind, argv + optind) : show(&o)) ? 1 : 0;
}

COMMAND(discover, .summary = "machines that wait to be named", .usage = usage,
	.run = discover_main);
