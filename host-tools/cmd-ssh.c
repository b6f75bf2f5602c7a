/* lucie ssh: logs into a node that is being installed with the module remotelogin, or runs a command
 * on it. The node told the server its host key, over its installation's token; so the system's ssh
 * knows whom it talks to and asks nothing. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/command.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/site.h"
#include "host-tools/lib/update.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

static const char usage[] = "lucie ssh [--state DIR] [-o OPTION]... NODE [COMMAND...]\n"
			    "  COMMAND      instead of a login\n"
			    "  -o OPTION    for ssh(1), as `-o IdentityFile=key`\n"
			    "  --state DIR  the state directory (" DEFAULT_STATE_DIR ")\n";

#define HOST_KEY_MAX 512
#define BASE64	     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
#define KEY_TYPE     "ssh-ed25519 "

/* A node said it: only what is a key gets into a file of ssh's. */
static bool is_host_key(const char *key)
{
	const char *data = key + strlen(KEY_TYPE);

	return str_starts(key, KEY_TYPE) && strlen(data) >= 64 &&
	       strspn(data, BASE64) == strlen(data);
}

static int read_host_key(struct state *state, const struct state_node *n, char key[HOST_KEY_MAX])
{
	int ret = n->install[0] ? state_host_key(state, n->install, key, HOST_KEY_MAX) : -ENOENT;

	if (ret && ret != -ENOENT)
		return ret;
	if (ret || !*key)
		return log_err(0,
			       "'%s' runs no ssh server that is known: its installer needs the "
			       "module remotelogin, which must have begun",
			       n->name);
	if (state_ended_well(n))
		return log_err(
			0,
			"the installation of '%s' is over, and with it the installer's ssh server",
			n->name);
	return is_host_key(key) ? 0 : log_err(0, "'%s' has told no usable host key", n->name);
}

/* known_hosts with one line, beside the installation's other files. */
static int write_known_hosts(const char *state_dir, const struct state_node *n, const char *key,
			     char path[PATH_MAX])
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	int ret;

	if (!str_is_name(n->install)) /* the web process writes there */
		return log_err(-EINVAL, "the database's installation of '%s' has no name", n->name);
	if (snprintf(path, PATH_MAX, "%s/installs/%s/known_hosts", state_dir, n->install) >=
	    PATH_MAX)
		return log_err(-ENAMETOOLONG, "state directory '%s'", state_dir);
	ret = strbuf_addf(&line, "%s %s\n", n->install, key);
	if (!ret)
		ret = file_update(path, line.buf, line.len, 0600);
	return ret < 0 ? log_err(ret, "cannot write '%s'", path) : 0;
}

/* ssh keeps the first value of an option: the caller's come behind those that say whom to trust. */
static void become_ssh(const struct state_node *n, const char *address, const char *known_hosts,
		       char **extra, size_t extra_count, char **command)
{
	const char *fixed[] = {
		"ssh",
		"-o",
		xasprintf("UserKnownHostsFile=%s", known_hosts),
		"-o",
		"GlobalKnownHostsFile=/dev/null",
		"-o",
		"StrictHostKeyChecking=yes",
		"-o",
		"HostKeyAlgorithms=ssh-ed25519",
		"-o",
		xasprintf("HostKeyAlias=%s", n->install),
	};
	size_t count = 0, commands = 0;
	const char **argv;

	while (command[commands])
		commands++;
	argv = xcalloc(ARRAY_SIZE(fixed) + 2 * extra_count + commands + 5, sizeof(*argv));
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		argv[count++] = fixed[i];
	for (size_t i = 0; i < extra_count; i++) {
		argv[count++] = "-o";
		argv[count++] = extra[i];
	}
	argv[count++] = "-l";
	argv[count++] = "root";
	argv[count++] = address;
	for (size_t i = 0; i < commands; i++)
		argv[count++] = command[i];
	execvp("ssh", (char *const *)argv);
	log_err(-errno, "cannot execute 'ssh'");
}

static int ssh(const char *state_dir, const char *name, char **extra, size_t extra_count,
	       char **command)
{
	struct site site = {.state_dir = state_dir};
	const struct cluster_object *host;
	char key[HOST_KEY_MAX] = "", known_hosts[PATH_MAX];
	struct state_node n;
	int ret = definition_read(&site.cluster, state_dir);

	if (ret)
		return ret;
	host = cluster_find(site.cluster, TYPE_HOST, name);
	if (!host || !cluster_get(host, "address"))
		ret = log_err(0, "no host is named '%s'", name);
	if (!ret)
		ret = state_open_readonly(&site.state, state_dir);
	if (!ret) {
		ret = state_node(site.state, name, &n);
		if (!ret || ret == -ENOENT)
			ret = read_host_key(site.state, &n, key);
	}
	if (!ret)
		ret = write_known_hosts(state_dir, &n, key, known_hosts);
	if (!ret)
		become_ssh(&n, cluster_get(host, "address"), known_hosts, extra, extra_count,
			   command);
	site_close(&site);
	return -1;
}

static int ssh_main(int argc, char **argv)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'}, {0}};
	const char *state_dir = DEFAULT_STATE_DIR;
	char **extra = xcalloc((size_t)argc, sizeof(*extra));
	size_t extra_count = 0;
	int c;

	while ((c = getopt_long(argc, argv, "+o:", options, NULL)) != -1) {
		if (c == 's')
			state_dir = optarg;
		else if (c == 'o')
			extra[extra_count++] = optarg;
		else
			return command_help(argv[0]);
	}
	if (optind == argc)
		return command_usage(argv[0]);
	ssh(state_dir, argv[optind], extra, extra_count, argv + optind + 1);
	return 1;
}

COMMAND(ssh, .summary = "log into a node while it is installed", .usage = usage, .run = ssh_main);
