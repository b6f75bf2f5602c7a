/* See naming.h. */
#include "host-tools/lib/naming.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/lib/cluster-internal.h"
#include "init/lib/log.h"

#define MISSING_SHOWN 8

struct namer {
	const struct cluster *c;
	const struct naming *naming;
	const struct machines *machines;
	const struct cluster_object *group;
	struct strbuf *out, *missing;
	struct naming_count count;
	struct map used; /* addresses, as text */
	uint32_t mask, next, range_first, range_last;
};

static void use_address(struct namer *n, const char *text)
{
	if (text)
		map_put(&n->used, text, n);
}

/* The group that has the first address in its network, or that lets machines wait. */
static int find_group(struct namer *n)
{
	uint32_t wanted, first, last;

	n->group = cluster_discovers(n->c);
	for (size_t i = 0; n->naming->address && i < cluster_count(n->c, TYPE_LUCIE_GROUP); i++) {
		const struct cluster_object *g = cluster_at(n->c, TYPE_LUCIE_GROUP, i);

		if (cluster_address(n->naming->address, &wanted) &&
		    cluster_address(cluster_get(g, "subnet"), &n->mask) &&
		    cluster_discover_range(g, &first, &last) &&
		    (first & n->mask) == (wanted & n->mask))
			n->group = g;
	}
	if (!n->group)
		return log_err(0, "no lucie_group of the definition has a discover_range");
	cluster_address(cluster_get(n->group, "subnet"), &n->mask);
	cluster_discover_range(n->group, &n->range_first, &n->range_last);
	return 0;
}

static int find_addresses(struct namer *n)
{
	static const char *const keys[] = {"gateway", "server_address", "dns1", "dns2", "dns3"};
	uint32_t network = n->range_first & n->mask, a;

	n->next = network + 1;
	for (size_t i = 0; i < cluster_count(n->c, TYPE_LUCIE_GROUP); i++)
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			use_address(n, cluster_get(cluster_at(n->c, TYPE_LUCIE_GROUP, i), keys[k]));
	for (size_t i = 0; i < cluster_count(n->c, TYPE_HOST); i++) {
		const char *text = cluster_get(cluster_at(n->c, TYPE_HOST, i), "address");

		use_address(n, text);
		if (cluster_address(text, &a) && (a & n->mask) == network && a >= n->next)
			n->next = a + 1;
	}
	if (!n->naming->address)
		return 0;
	if (!cluster_address(n->naming->address, &n->next) || (n->next & n->mask) != network)
		return log_err(0, "address '%s' is not in the network of lucie_group '%s'",
			       n->naming->address, n->group->name);
	return 0;
}

/* The next address that nobody has; once around the network. */
static int take_address(struct namer *n, char text[INET_ADDRSTRLEN])
{
	uint32_t network = n->range_first & n->mask, size = ~n->mask;

	for (uint32_t i = 0; i <= size; i++) {
		uint32_t a = network | ((n->next + i) & size);

		inet_ntop(AF_INET, &(struct in_addr){htonl(a)}, text, INET_ADDRSTRLEN);
		if (!(a & size) || (a & size) == size ||
		    (a >= n->range_first && a <= n->range_last) || map_get(&n->used, text))
			continue;
		n->next = a + 1;
		return 0;
	}
	return log_err(0, "the network of lucie_group '%s' has no free address", n->group->name);
}

static void write_host(struct namer *n, const struct machine *m, const char *name,
		       const char *address)
{
	char words[256];

	machine_words(m, words, sizeof(words));
	str_make_text(words);
	strbuf_addf(n->out, "%sdefine host{%s%s\n\thost_name\t%s\n\taddress\t\t%s\n",
		    n->out->len ? "\n" : "", *words ? "\t\t# " : "", words, name, address);
	strbuf_addf(n->out, "\tmac_address\t%s\n", m->mac);
	if (n->naming->use)
		strbuf_addf(n->out, "\tuse\t\t%s\n", n->naming->use);
	else
		strbuf_addf(n->out, "\tlucie_group\t%s\n", n->group->name);
	strbuf_adds(n->out, "}\n");
}

/* The first few by their names. */
static void say_missing(struct namer *n, const char *name)
{
	size_t missing = n->count.names - n->count.named;

	if (missing <= MISSING_SHOWN)
		strbuf_addf(n->missing, "%s%s", missing > 1 ? ", " : "", name);
	else if (missing == MISSING_SHOWN + 1)
		strbuf_adds(n->missing, ", ...");
}

static int name_one(const char *name, void *arg)
{
	struct namer *n = arg;
	char address[INET_ADDRSTRLEN];
	const struct key_spec *spec = cluster_key(TYPE_HOST, "host_name");

	n->count.names++;
	if (n->count.named == n->machines->count) {
		say_missing(n, name);
		return 0;
	}
	if (!spec->valid(name))
		return log_err(0, "'%s' is no host name, expected %s", name, spec->expected);
	if (cluster_find(n->c, TYPE_HOST, name))
		return log_err(0, "host '%s' is defined already", name);
	if (take_address(n, address))
		return -ENOSPC;
	write_host(n, &n->machines->list[n->count.named++], name, address);
	return 0;
}

int naming_write(struct strbuf *out, const struct cluster *c, const struct naming *naming,
		 const struct machines *machines, struct naming_count *count,
		 struct strbuf *missing)
{
	struct namer n = {
		.c = c, .naming = naming, .machines = machines, .out = out, .missing = missing};
	char item[CLUSTER_ITEM_MAX], why[160];
	size_t pos = 0, offset;
	int ret = find_group(&n);

	if (!ret)
		ret = find_addresses(&n);
	while (!ret && cluster_list_next(naming->pattern, &pos, item, sizeof(item), &offset)) {
		*why = '\0';
		ret = cluster_pattern_each(item, name_one, &n, why, sizeof(why));
		if (ret == -EINVAL && *why)
			log_err(0, "'%.80s': %s", item, why);
	}
	map_free(&n.used);
	*count = n.count;
	return ret ? ret : out->error;
}
