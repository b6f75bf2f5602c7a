/* New mainboards (lucie replace): the network cards that the state has for a host stand in for
 * those that the definition gives, as long as it gives the same as it did then. Whoever changes
 * them there has decided anew. */
#include "host-tools/lib/replace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/cluster-internal.h"
#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

struct replacing {
	struct cluster *c;
	char **drop; /* names of nodes whose replacement is over */
	size_t drop_count;
	int failed;
};

int replace_canonical(const char *list, struct strbuf *out)
{
	char item[CLUSTER_ITEM_MAX], mac[MAC_TEXT];
	size_t pos = 0, offset;

	while (list && cluster_list_next(list, &pos, item, sizeof(item), &offset)) {
		if (str_to_mac(item, mac) || !cluster_key(TYPE_HOST, "mac_address")->valid(item))
			return -1;
		strbuf_addf(out, "%s%s", out->len ? ", " : "", mac);
	}
	return out->len ? out->error : -1;
}

void replace_say(const struct cluster_object *host, const char *old, const char *mac)
{
	const struct cluster_value *v = cluster_value(host, "mac_address");

	printf("%s:%u:%u: host '%s' has %s now: write it there in place of %s\n", v->at.file,
	       v->at.line, v->at.column, host->name, mac, old);
}

static void end(struct replacing *r, const char *node, const char *why)
{
	printf("%s: its replaced network card is forgotten: %s\n", node, why);
	r->drop = xrealloc(r->drop, r->drop_count + 1, sizeof(*r->drop));
	r->drop[r->drop_count++] = xstrdup(node);
}

static void take(const struct state_replacement *row, void *arg)
{
	struct replacing *r = arg;
	const struct cluster_object *host = cluster_find(r->c, TYPE_HOST, row->node);
	_cleanup_strbuf_ struct strbuf now = STRBUF_INIT;

	if (!host || replace_canonical(cluster_get(host, "mac_address"), &now)) {
		end(r, row->node, "the definition has no such host");
	} else if (!strcmp(now.buf, row->mac)) {
		end(r, row->node, "the definition says the same");
	} else if (strcmp(now.buf, row->old) != 0) {
		end(r, row->node, "the definition says otherwise by now");
	} else if (cluster_replace_macs(r->c, host, row->mac)) {
		r->failed = log_err(0,
				    "%s: its replaced network card %s is that of another host "
				    "(lucie replace --undo %s)",
				    row->node, row->mac, row->node);
	} else {
		replace_say(host, row->old, row->mac);
	}
}

int replace_apply(struct cluster *c, const char *state_dir)
{
	struct replacing r = {.c = c};
	struct state *state;
	int ret = state_open(&state, state_dir);

	if (ret)
		return ret;
	ret = state_replacements(state, take, &r);
	for (size_t i = 0; i < r.drop_count; i++) {
		if (!ret)
			ret = state_replace_drop(state, r.drop[i]);
		free(r.drop[i]);
	}
	free(r.drop);
	state_close(state);
	return ret ? ret : r.failed;
}
