/* lucie log: what a node reported during its last installation, or during another one; -f follows
 * it until its end. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/lib/command.h"
#include "host-tools/lib/site.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

static const char usage[] = "lucie log [--state DIR] [-f] NODE [INSTALLATION]\n"
			    "  INSTALLATION  its name, as 20261122-214530-0a1b2c3d (the last one)\n"
			    "  -f, --follow  until its end; the exit code says how that was\n"
			    "  --state DIR   the state directory (" DEFAULT_STATE_DIR ")\n";

#define FOLLOW_MS 500

struct follow {
	struct state *state;
	char path[PATH_MAX];
	struct state_install install;
	FILE *file; /* NULL: it is not there yet */
};

/* A wrong name is another matter than a host that has not begun. One that has left the definition
 * is found by what there is of it. */
static int nothing_known(const char *state_dir, const char *node)
{
	struct cluster *c;
	int ret = definition_read(&c, state_dir);

	if (ret)
		return ret;
	ret = cluster_find(c, TYPE_HOST, node)
		      ? log_err(0, "nothing is known of an installation of '%s'", node)
		      : log_err(0, "no host is named '%s'", node);
	cluster_free(c);
	return ret;
}

static int find(struct follow *f, const char *state_dir, const char *node, const char *id)
{
	struct state_node n = {0};
	int ret = id ? 0 : state_node(f->state, node, &n);

	if (ret && ret != -ENOENT)
		return ret;
	if (!id && !n.install[0])
		return nothing_known(state_dir, node);
	ret = state_install(f->state, id ? id : n.install, &f->install);
	if (ret && ret != -ENOENT)
		return ret;
	if (ret || strcmp(f->install.node, node) != 0 || !str_is_name(f->install.id))
		return log_err(0, "'%s' has no installation '%s'", node, id ? id : n.install);
	if (snprintf(f->path, sizeof(f->path), "%s/installs/%s/log", state_dir, f->install.id) >=
	    (int)sizeof(f->path))
		return log_err(-ENAMETOOLONG, "state directory '%s'", state_dir);
	return 0;
}

/* Whatever is new. A line that is not yet whole is left for the next time, unless there is none. */
static int print_new(struct follow *f, bool last)
{
	char line[4096];

	if (!f->file)
		f->file = fopen(f->path, "re");
	if (!f->file && errno != ENOENT)
		return log_err(-errno, "cannot read '%s'", f->path);
	if (!f->file)
		return last ? log_err(0, "installation '%s' of '%s' has reported nothing",
				      f->install.id, f->install.node)
			    : 0;
	while (fgets(line, sizeof(line), f->file)) {
		size_t len = strlen(line);
		bool whole = len && line[len - 1] == '\n';

		if (!whole && !last && feof(f->file)) {
			fseek(f->file, -(long)len, SEEK_CUR);
			break;
		}
		line[whole ? len - 1 : len] = '\0';
		str_make_text(line);
		fputs(line, stdout);
		if (whole)
			putchar('\n');
	}
	clearerr(f->file);
	return fflush(stdout) ? log_err(-errno, "cannot write the log") : 0;
}

/* The server writes the last lines a moment after the state says that it is the end. */
static int follow(struct follow *f)
{
	bool ended = false;
	int ret;

	while (!ended) {
		ret = print_new(f, false);
		if (!ret)
			ret = state_install(f->state, f->install.id, &f->install);
		if (ret)
			return ret;
		ended = f->install.ended || !f->install.latest;
		sleep_ms(FOLLOW_MS);
	}
	ret = print_new(f, f->install.ended);
	if (!ret && !f->install.ended)
		ret = log_err(0, "'%s' was started anew: this was not its last installation",
			      f->install.node);
	return ret ? ret : f->install.ok ? 0 : -ECANCELED;
}

static int log_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"state", required_argument, NULL, 's'}, {"follow", no_argument, NULL, 'f'}, {0}};
	const char *state_dir = DEFAULT_STATE_DIR;
	bool following = false;
	struct follow f = {0};
	int c, ret;

	while ((c = getopt_long(argc, argv, "f", options, NULL)) != -1) {
		if (c == 's')
			state_dir = optarg;
		else if (c == 'f')
			following = true;
		else
			return command_help(argv[0]);
	}
	if (argc - optind < 1 || argc - optind > 2)
		return command_usage(argv[0]);
	if (state_open_readonly(&f.state, state_dir))
		return 1;
	ret = find(&f, state_dir, argv[optind], argv[optind + 1]);
	if (!ret)
		ret = following ? follow(&f) : print_new(&f, true);
	cleanup_fclose(&f.file);
	state_close(f.state);
	return ret ? 1 : 0;
}

COMMAND(log, .summary = "what a node reported", .usage = usage, .run = log_main);
