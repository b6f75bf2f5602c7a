/* Hosts that have left the definition: no order for them stays, or a machine that gets one of their
 * names later would be installed by it. What is under way goes on. */
#include "host-tools/lib/setup.h"

#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"

struct gone {
	const struct cluster *c;
	struct strbuf names; /* a line each */
};

static void note(const struct state_node *n, void *arg)
{
	struct gone *g = arg;

	if (n->armed[0] && !cluster_find(g->c, TYPE_HOST, n->name))
		strbuf_addf(&g->names, "%s\n", n->name);
}

int setup_gone(struct setup *s)
{
	struct gone g = {.c = s->c, .names = STRBUF_INIT};
	int ret = state_nodes(s->state, note, &g);
	char *rest = g.names.buf, *name;

	while (!ret && rest && (name = strsep(&rest, "\n")) && name[0]) {
		ret = state_disarm(s->state, name);
		if (!ret)
			printf("%s is no host any more: disarmed\n", name);
	}
	strbuf_free(&g.names);
	return ret;
}
