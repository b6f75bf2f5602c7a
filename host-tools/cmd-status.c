/* lucie status: one line for each node: how its last installation went, or goes, and what it boots
 * next. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host-tools/lib/command.h"
#include "host-tools/lib/site.h"
#include "init/lib/log.h"

static const char usage[] =
	"lucie status [--state DIR] [--seconds] [NODE...]\n"
	"  --seconds    of the last installation: each module and how long it took\n"
	"  --state DIR  the state directory (" DEFAULT_STATE_DIR ")\n";

static void detail(const struct state_node *n, char *buf, size_t len)
{
	char done[16], all[16], when[32] = "";
	time_t seen = (time_t)n->last_seen;
	struct tm tm;

	if (n->last_seen && localtime_r(&seen, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	if (!strcmp(n->status, "running") && n->total)
		snprintf(buf, len, "%s  %s  %3.0f %% of %s (%s)  %s", when, n->module,
			 100.0 * (double)n->bytes / (double)n->total,
			 str_from_size(n->total, all, sizeof(all)),
			 str_from_size(n->bytes, done, sizeof(done)), n->message);
	else
		snprintf(buf, len, "%s  %s%s%s", when, n->module,
			 n->module[0] && n->message[0] ? ": " : "", n->message);
}

static int print_node(const struct site *site, const char *name)
{
	struct state_node n;
	char text[EVENT_MESSAGE_MAX + 200], next[96] = "disk";
	int ret = state_node(site->state, name, &n);

	if (ret && ret != -ENOENT)
		return ret;
	detail(&n, text, sizeof(text));
	if (n.armed[0])
		snprintf(next, sizeof(next), "installer '%s'%s", n.armed,
			 n.wipe ? ", may wipe" : "");
	printf("%-14s  %-9s  next boot: %-18s  %s\n", name, n.status[0] ? n.status : "-", next,
	       text);
	return 0;
}

static void print_end(const struct event *e, int64_t at, void *arg)
{
	(void)arg;
	(void)at;
	if (e->kind == EVENT_END)
		printf("%-12s %8.2f%s\n", e->module, (double)e->millis / 1000,
		       e->ok ? "" : "  failed");
}

static int print_seconds(const struct site *site, const char *name)
{
	struct state_node n;
	int ret = state_node(site->state, name, &n);

	if (ret == -ENOENT || (!ret && !n.install[0]))
		return log_err(0, "nothing is known of an installation of '%s'", name);
	return ret ? ret : state_events(site->state, n.install, print_end, NULL);
}

static int status_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"state", required_argument, NULL, 's'}, {"seconds", no_argument, NULL, 't'}, {0}};
	int (*print)(const struct site *, const char *) = print_node;
	const char *state_dir = DEFAULT_STATE_DIR;
	struct site site;
	size_t count;
	char **names;
	int c, failed;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			state_dir = optarg;
		else if (c == 't')
			print = print_seconds;
		else
			return command_usage(argv[0]);
	}
	if (site_open(&site, state_dir))
		return 1;
	failed = site_hosts(&site, argc - optind, argv + optind, &names, &count);
	for (size_t i = 0; !failed && i < count; i++)
		failed = print(&site, names[i]);
	cluster_names_free(names, count);
	site_close(&site);
	return failed ? 1 : 0;
}

COMMAND(status, .summary = "what each node does, and boots next", .usage = usage,
	.run = status_main);
