/* lucie serve: DHCP, TFTP and HTTP for the nodes of a state directory (docs/serving.md). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host-tools/lib/command.h"
#include "host-tools/lib/own-network.h"
#include "host-tools/lib/serve.h"
#include "host-tools/lib/site.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

static const char usage[] =
	"lucie serve [--state DIR] [--bind PLACE] [--port N] [--user USER] [--dhcp|--no-dhcp]\n"
	"  --state DIR     the state directory (" DEFAULT_STATE_DIR ")\n"
	"  --bind PLACE    where HTTP listens: an address, or an interface, for its first one\n"
	"                  (0.0.0.0)\n"
	"  --port N        HTTP's port (the definition's http_port)\n"
	"  --user USER     that root has what faces the network run as (lucie, if there is one;\n"
	"                  else a number that nobody has)\n"
	"  --no-dhcp       no dnsmasq: DHCP and TFTP are another server's business\n";

/* Nodes are told the port of the definition; several groups with different ports need servers of
 * their own. */
static uint16_t definition_port(const struct cluster *cluster)
{
	const struct cluster_object *group = cluster_at(cluster, TYPE_LUCIE_GROUP, 0);
	const char *text = group ? cluster_get(group, "http_port") : NULL;
	uint64_t port = SERVE_PORT;

	if (text && (str_to_u64(text, &port) || port > UINT16_MAX))
		port = SERVE_PORT;
	return (uint16_t)port;
}

/* What the definition says of the server itself: its port, and where dnsmasq can answer. */
static int obey_definition(struct serve_options *serve, unsigned int *port)
{
	struct cluster *cluster;
	int ret = definition_read(&cluster, serve->state_dir);

	if (ret)
		return ret;
	if (!*port)
		*port = definition_port(cluster);
	if (serve->dhcp)
		own_network_check(cluster);
	cluster_free(cluster);
	return 0;
}

/* Its ports are root's, and so are raw sockets. */
static int may_serve_dhcp(const struct serve_options *serve)
{
	return serve->dhcp && geteuid()
		       ? log_err(0, "DHCP and TFTP are served by root only: run it as root, or "
				    "with --no-dhcp")
		       : 0;
}

static int serve_main(int argc, char **argv)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'},
						{"bind", required_argument, NULL, 'b'},
						{"port", required_argument, NULL, 'p'},
						{"dhcp", no_argument, NULL, 'd'},
						{"no-dhcp", no_argument, NULL, 'n'},
						{"user", required_argument, NULL, 'u'},
						{0}};
	struct serve_options serve = {.state_dir = DEFAULT_STATE_DIR, .dhcp = true};
	_cleanup_free_ char *state_dir = NULL;
	const char *address = "0.0.0.0";
	unsigned int port = 0;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			serve.state_dir = optarg;
		else if (c == 'b')
			address = optarg;
		else if (c == 'u')
			serve.user = optarg;
		else if (c == 'p' && !command_number("--port", optarg, 1, UINT16_MAX, &port))
			continue;
		else if (c == 'd' || c == 'n')
			serve.dhcp = c == 'd';
		else
			return command_help(argv[0]);
	}
	if (optind != argc)
		return command_usage(argv[0]);
	if (may_serve_dhcp(&serve))
		return 1;
	/* What gives up root's rights has to reach it from the root on, also where root came to it
	 * from a folder that is root's alone. */
	state_dir = realpath(serve.state_dir, NULL);
	if (state_dir)
		serve.state_dir = state_dir;
	if (obey_definition(&serve, &port))
		return 1;
	serve.listen_fd = http_listen(address, (uint16_t)port);
	if (serve.listen_fd < 0)
		return 1;
	ret = serve_run(&serve);
	close(serve.listen_fd);
	return ret ? 1 : 0;
}

COMMAND(serve, .summary = "serve the nodes: DHCP, TFTP, HTTP", .usage = usage, .run = serve_main);
