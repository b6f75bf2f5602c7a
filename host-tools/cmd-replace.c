/* lucie replace: a node has a new mainboard, and so another network card. The definition stays a
 * person's: the change holds at once, and this says where to write it down (replace.h). */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/lib/command.h"
#include "host-tools/lib/definition.h"
#include "host-tools/lib/replace.h"
#include "host-tools/lib/setup.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

static const char usage[] =
	"lucie replace [--conf FILE] [--state DIR] [--images DIR] --mac LIST NODE\n"
	"       lucie replace [--conf FILE] [--state DIR] [--images DIR] --undo NODE\n"
	"  --mac LIST    the addresses of its new network cards, separated by commas\n"
	"  --undo        what the definition says holds again\n"
	"  --conf FILE   the definition (cluster.conf, else /etc/lucie/cluster.conf)\n"
	"  --state DIR   the state directory (" DEFAULT_STATE_DIR ")\n"
	"  --images DIR  as of lucie setup, which this runs\n";

/* Names the first card of the list that another host has. */
static int check_free(const struct cluster *c, const struct cluster_object *host, const char *list)
{
	char mac[64];
	size_t pos = 0, offset;

	while (cluster_list_next(list, &pos, mac, sizeof(mac), &offset)) {
		const struct cluster_object *other = cluster_host_by_mac(c, mac);

		if (other && other != host)
			return log_err(0, "%s is the network card of host '%s'", mac, other->name);
	}
	return 0;
}

static int keep(const char *state_dir, const char *node, const char *old, const char *mac)
{
	struct state *state;
	int ret = state_open(&state, state_dir);

	if (ret)
		return ret;
	ret = mac ? state_replace(state, node, old, mac) : state_replace_drop(state, node);
	state_close(state);
	return ret;
}

/* mac NULL: undo. */
static int replace(const struct cluster *c, const char *state_dir, const char *node,
		   const char *mac)
{
	const struct cluster_object *host = cluster_find(c, TYPE_HOST, node);
	_cleanup_strbuf_ struct strbuf old = STRBUF_INIT, new = STRBUF_INIT;

	if (!host)
		return log_err(0, "no host is named '%s'", node);
	if (!mac)
		return keep(state_dir, node, NULL, NULL);
	if (replace_canonical(mac, &new))
		return log_err(0, "'%s' is no list of addresses of network cards", mac);
	replace_canonical(cluster_get(host, "mac_address"), &old);
	if (!strcmp(old.buf, new.buf))
		return log_err(0, "the definition says the same: %s has %s", node, new.buf);
	if (check_free(c, host, new.buf))
		return -1;
	return keep(state_dir, node, old.buf, new.buf);
}

static int run(const struct setup_options *o, const char *node, const char *mac)
{
	struct cluster *c;
	int ret = definition_load(&c, o->conf ? o->conf : definition_default_path());

	if (!ret)
		ret = replace(c, o->state_dir, node, mac);
	cluster_free(c);
	if (ret)
		return ret;
	ret = setup_run(o);
	return ret ? log_err(ret,
			     "the state of '%s' is changed, and holds from the next `lucie setup` "
			     "on",
			     node)
		   : 0;
}

static int replace_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"conf", required_argument, NULL, 'c'},	  {"state", required_argument, NULL, 's'},
		{"images", required_argument, NULL, 'i'}, {"mac", required_argument, NULL, 'm'},
		{"undo", no_argument, NULL, 'u'},	  {0}};
	struct setup_options o = {.state_dir = DEFAULT_STATE_DIR};
	const char *mac = NULL;
	bool undo = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			o.conf = optarg;
		else if (option == 's')
			o.state_dir = optarg;
		else if (option == 'i')
			o.images_dir = optarg;
		else if (option == 'm')
			mac = optarg;
		else if (option == 'u')
			undo = true;
		else
			return command_help(argv[0]);
	}
	if (optind + 1 != argc || !mac == !undo)
		return command_usage(argv[0]);
	return run(&o, argv[optind], mac) ? 1 : 0;
}

COMMAND(replace, .summary = "a node has a new mainboard", .usage = usage, .run = replace_main);
