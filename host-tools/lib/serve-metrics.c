/* GET /metrics: the cluster in numbers, in the text format that Prometheus reads (version 0.0.4).
 * No names of nodes: whoever can reach the server may read it, and 10,000 of them would be as many
 * time series. */
#include "host-tools/lib/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "init/lib/io.h"
#include "init/lib/str.h"

#define LAST_MS 1000

struct node_counts {
	const struct cluster *cluster;
	uint64_t armed, installing, installed, failed, wiped, silent;
	int64_t now;
};

static void count_node(const struct state_node *n, void *arg)
{
	struct node_counts *c = arg;
	bool installing = !strcmp(n->status, "running");

	if (!cluster_find(c->cluster, TYPE_HOST, n->name)) /* not in the definition any more */
		return;
	c->armed += n->armed[0] != '\0';
	c->installing += installing;
	c->installed += !strcmp(n->status, "installed");
	c->failed += !strcmp(n->status, "failed");
	c->wiped += !strcmp(n->status, "wiped");
	c->silent += installing && c->now - n->last_seen > STATE_SILENT_SECONDS;
}

static void family(struct strbuf *out, const char *name, const char *type, const char *help)
{
	strbuf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_nodes(struct strbuf *out, const struct node_counts *c, size_t hosts)
{
	family(out, "lucie_hosts", "gauge", "Hosts of the definition.");
	strbuf_addf(out, "lucie_hosts %zu\n", hosts);
	family(out, "lucie_nodes", "gauge", "Nodes by how their last installation went.");
	strbuf_addf(out,
		    "lucie_nodes{state=\"installing\"} %" PRIu64
		    "\nlucie_nodes{state=\"installed\"} %" PRIu64
		    "\nlucie_nodes{state=\"failed\"} %" PRIu64
		    "\nlucie_nodes{state=\"wiped\"} %" PRIu64 "\n",
		    c->installing, c->installed, c->failed, c->wiped);
	family(out, "lucie_nodes_armed", "gauge", "Nodes that install at their next boot.");
	strbuf_addf(out, "lucie_nodes_armed %" PRIu64 "\n", c->armed);
	family(out, "lucie_nodes_silent", "gauge",
	       "Nodes under installation without a sign of life for a minute.");
	strbuf_addf(out, "lucie_nodes_silent %" PRIu64 "\n", c->silent);
}

static void write_installs(struct strbuf *out, const struct state_totals *t)
{
	family(out, "lucie_installations_total", "counter", "Installations by their end.");
	strbuf_addf(out,
		    "lucie_installations_total{result=\"installed\"} %" PRIu64
		    "\nlucie_installations_total{result=\"failed\"} %" PRIu64
		    "\nlucie_installations_total{result=\"superseded\"} %" PRIu64 "\n",
		    t->installed, t->failed, t->superseded);
	family(out, "lucie_installation_seconds_total", "counter",
	       "Seconds that good installations took, from plan to report.");
	strbuf_addf(out, "lucie_installation_seconds_total %" PRIu64 "\n", t->seconds);
}

static int metrics_write(struct serve *s, struct strbuf *out)
{
	struct node_counts nodes = {.now = time(NULL)};
	struct state_totals installs;
	size_t hosts;
	int ret;

	pthread_rwlock_rdlock(&s->cluster_lock);
	nodes.cluster = s->cluster;
	hosts = cluster_count(s->cluster, TYPE_HOST);
	ret = state_nodes(s->view, count_node, &nodes);
	pthread_rwlock_unlock(&s->cluster_lock);
	if (ret || state_totals(s->view, &installs))
		return -EIO;
	strbuf_reset(out);
	write_nodes(out, &nodes, hosts);
	write_installs(out, &installs);
	return out->error;
}

/* It looks at all installations: for all who ask once a second. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct strbuf last = STRBUF_INIT; /* under the lock, as what follows */
static int64_t last_at;			 /* now_ms(); 0: never */

void serve_metrics(struct serve *s, struct http_reply *reply)
{
	int64_t now = now_ms();
	int ret = 0;

	pthread_mutex_lock(&lock);
	if (!last_at || now - last_at >= LAST_MS)
		last_at = (ret = metrics_write(s, &last)) ? 0 : now;
	strbuf_reset(&reply->text);
	if (!ret)
		ret = strbuf_add(&reply->text, last.buf, last.len);
	pthread_mutex_unlock(&lock);
	if (ret) {
		http_reply_text(reply, HTTP_FAILED, "the server cannot read its state");
		return;
	}
	reply->status = HTTP_OK;
	reply->type = "text/plain; version=0.0.4";
}
