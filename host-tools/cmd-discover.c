/* lucie discover: machines that no host of the definition is, and that wait to be named (L54), in
 * order of appearance; and the text that gives them names. The definition stays a person's: what
 * this prints goes into it by hand, or with >>. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host-tools/lib/cells.h"
#include "host-tools/lib/command.h"
#include "host-tools/lib/json-out.h"
#include "host-tools/lib/machine.h"
#include "host-tools/lib/naming.h"
#include "host-tools/lib/screen.h"
#include "host-tools/lib/site.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

static const char usage[] =
	"lucie discover [--state DIR] [--json]\n"
	"       lucie discover [--state DIR] --name NAMES [--use TEMPLATE] [--address FIRST]\n"
	"       lucie discover [--state DIR] --forget [MAC...]\n"
	"  --json           with everything that is known of the machines (lucie(1))\n"
	"  --name NAMES     names them, as cnode[08-15]: prints what to add to the definition\n"
	"  --use TEMPLATE   the template of these hosts\n"
	"  --address FIRST  where their addresses begin (after the highest one of the network)\n"
	"  --forget         forgets them; one that is still there comes back\n"
	"  --state DIR      the state directory (" DEFAULT_STATE_DIR ")\n";

/* Those that the definition has by now wait for their plan, not for a name. */
static void drop_named(struct machines *all, const struct cluster *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < all->count; i++)
		if (cluster_host_by_mac(c, all->list[i].mac))
			json_decref(all->list[i].inventory);
		else
			all->list[kept++] = all->list[i];
	all->count = kept;
}

static void print_row(const struct machine *m, int64_t now)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	char when[CELL_TIME], seen[CELL_TEXT], ram[CELL_TEXT], bytes[CELL_TEXT], text[256];
	size_t disks, columns = screen_columns(), used = 17 + 19 + 6 + 4 + 5 + 10 + 12;

	cell_column(&line, m->mac, 17);
	cell_column(&line, cell_time(m->first, when), 19);
	cell_column(&line, cell_duration(now - m->seen, seen), 6);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)machine_number(m, "cpus"));
	cell_column(&line, text, 4);
	cell_column(&line, cell_size(machine_number(m, "ram"), ram), 5);
	cell_size(machine_disk_bytes(m, &disks), bytes);
	snprintf(text, sizeof(text), "%zu, %s", disks, bytes);
	cell_column(&line, text, 10);
	machine_words(m, text, sizeof(text));
	cell_add(&line, text, columns > used ? columns - used : 1);
	cell_print(&line);
}

static int print_table(const struct machines *all)
{
	int64_t now = time(NULL);

	if (!all->count) {
		puts("no machine waits to be named");
		return 0;
	}
	printf("%-17s  %-19s  %-6s  %-4s  %-5s  %-10s  MACHINE\n", "MAC", "APPEARED", "SEEN",
	       "CPUS", "RAM", "DISKS");
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

static int print_names(const struct site *site, const struct machines *all,
		       const struct naming *naming)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	size_t named;
	int ret = naming_write(&out, site->cluster, naming, all, &named);

	if (ret)
		return ret;
	if (!named)
		return log_err(0, "no machine waits to be named");
	fputs(out.buf, stdout);
	fprintf(stderr,
		"lucie: %zu of %zu machine%s named: put this into the definition, then lucie "
		"setup, "
		"lucie install\n",
		named, all->count, all->count == 1 ? "" : "s");
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

static int show(const char *state_dir, const struct naming *naming, bool json)
{
	struct site site = {.state_dir = state_dir};
	struct machines all = {0};
	int ret = definition_read(&site.cluster, state_dir);

	if (!ret)
		ret = state_open_readonly(&site.state, state_dir);
	if (!ret)
		ret = machines_read(&all, site.state, "");
	if (!ret)
		drop_named(&all, site.cluster);
	if (!ret)
		ret = naming->pattern ? print_names(&site, &all, naming)
		      : json	      ? print_json(&all)
				      : print_table(&all);
	machines_free(&all);
	site_close(&site);
	return ret;
}

static int discover_main(int argc, char **argv)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'},
						{"json", no_argument, NULL, 'j'},
						{"name", required_argument, NULL, 'n'},
						{"use", required_argument, NULL, 'u'},
						{"address", required_argument, NULL, 'a'},
						{"forget", no_argument, NULL, 'f'},
						{0}};
	const char *state_dir = DEFAULT_STATE_DIR;
	struct naming naming = {0};
	bool json = false, forgets = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			state_dir = optarg;
		else if (c == 'j')
			json = true;
		else if (c == 'n')
			naming.pattern = optarg;
		else if (c == 'u')
			naming.use = optarg;
		else if (c == 'a')
			naming.address = optarg;
		else if (c == 'f')
			forgets = true;
		else
			return command_usage(argv[0]);
	}
	if ((optind < argc && !forgets) || json + forgets + !!naming.pattern > 1 ||
	    ((naming.use || naming.address) && !naming.pattern))
		return command_usage(argv[0]);
	return (forgets ? forget(state_dir, argc - optind, argv + optind)
			: show(state_dir, &naming, json))
		       ? 1
		       : 0;
}

COMMAND(discover, .summary = "machines that wait to be named", .usage = usage,
	.run = discover_main);
