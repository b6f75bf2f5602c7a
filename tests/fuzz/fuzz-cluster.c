/* cluster.conf from memory: reading, templates, checks, plans, the compiled form and ranges. A
 * definition without errors must come back from its compiled form. */
#include <stdint.h>
#include <stdlib.h>

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/plan-check.h"
#include "tests/unit/fake-modules.h"

#define PLANS_MAX 256 /* hosts; a few bytes are a range of tens of thousands */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(const char *line, void *arg)
{
	(void)line;
	(void)arg;
}

static void compile_again(const struct cluster *c)
{
	struct strbuf text = STRBUF_INIT;
	struct cluster *again;

	if (!cluster_write(c, &text)) {
		if (cluster_load_text(&again, "again", text.buf, text.len, ignore, NULL))
			abort();
		cluster_free(again);
	}
	strbuf_free(&text);
}

static void expand(const struct cluster *c)
{
	for (size_t i = 0; i < cluster_count(c, TYPE_HOST_GROUP); i++) {
		const char *members = cluster_get(cluster_at(c, TYPE_HOST_GROUP, i), "members");
		char **names, why[160];
		size_t count;

		if (members && !cluster_hosts_expand(c, members, &names, &count, why, sizeof(why)))
			cluster_names_free(names, count);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cluster *c;
	int errors = cluster_load_text(&c, "fuzz", (const char *)data, size, ignore, NULL);
	size_t hosts = cluster_count(c, TYPE_HOST);

	expand(c);
	if (hosts <= PLANS_MAX && !plan_check(c, ignore, NULL) && !errors)
		compile_again(c);
	cluster_free(c);
	return hosts <= PLANS_MAX ? 0 : -1; /* -1: not worth keeping */
}
