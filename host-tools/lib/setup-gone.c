/* Hosts that have left the definition: no order for them stays, or a machine that gets one of their
 * names later would be installed by it. What is under way goes on. */
#include "host-tools/lib/setup.h"

#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"

struct gone {
	const struct cluster *c;
	struct strbuf list; /* lines of name, blank, and what else there is to say */
};

static void note(const struct state_node *n, void *arg)
{
	struct gone *g = arg;

	if (n->armed[0] && !cluster_find(g->c, TYPE_HOST, n->name))
		strbuf_addf(&g->list, "%s %s\n", n->name,
			    strcmp(n->status, "running")
				    ? ""
				    : "; its installation is under way and goes on");
}

int setup_gone(struct setup *s)
{
	struct gone g = {.c = s->c, .list = STRBUF_INIT};
	int ret = state_nodes(s->state, note, &g);
	char *rest = g.list.buf, *line;

	ret = ret ? ret : g.list.error;
	while (!ret && rest && (line = strsep(&rest, "\n")) && line[0]) {
		const char *name = strsep(&line, " ");

		ret = state_disarm(s->state, name);
		if (!ret)
			printf("%s is no host any more: disarmed%s\n", name, line);
	}
	strbuf_free(&g.list);
	return ret;
}
