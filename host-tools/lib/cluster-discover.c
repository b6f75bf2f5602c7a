/* discover_range: the addresses of machines that no host is, while they wait to be named. Where no
 * lucie_group has one, such machines are not answered at all. */
#include "host-tools/lib/cluster-internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define RANGE_MAX 4096 /* addresses */

bool cluster_discover_range(const struct cluster_object *group, uint32_t *first, uint32_t *last)
{
	const char *range = cluster_get(group, "discover_range");
	char text[INET_ADDRSTRLEN];
	size_t n = range ? strcspn(range, "-") : 0;

	if (!n || !range[n] || n >= sizeof(text))
		return false;
	memcpy(text, range, n);
	text[n] = '\0';
	return cluster_address(text, first) && cluster_address(range + n + 1, last);
}

const struct cluster_object *cluster_discovers(const struct cluster *c)
{
	for (size_t i = 0; i < cluster_count(c, TYPE_LUCIE_GROUP); i++)
		if (cluster_get(cluster_at(c, TYPE_LUCIE_GROUP, i), "discover_range"))
			return cluster_at(c, TYPE_LUCIE_GROUP, i);
	return NULL;
}

/* Whoever has one of the addresses already would share it with a machine that waits. */
static void check_free(struct cluster *c, const struct cluster_object *group,
		       const struct cluster_value *v, uint32_t first, uint32_t last)
{
	static const char *const keys[] = {"gateway", "server_address"};
	uint32_t a;

	for (size_t i = 0; i < 2; i++)
		if (cluster_address(cluster_get(group, keys[i]), &a) && a >= first && a <= last)
			cluster_error(c, &v->at,
				      "discover_range has the %s %s in it, expected addresses that "
				      "nobody has",
				      keys[i], cluster_get(group, keys[i]));
	for (size_t i = 0; i < c->registered_count[TYPE_HOST]; i++) {
		const struct cluster_object *host = &c->registered[TYPE_HOST][i]->public;

		if (!cluster_address(cluster_get(host, "address"), &a) || a < first || a > last)
			continue;
		cluster_error(c, &v->at,
			      "discover_range has the address %s of host '%s' in it, expected "
			      "addresses that nobody has",
			      cluster_get(host, "address"), host->name);
		return;
	}
}

/* A network that the group is known to be in: by its gateway or server_address, or by its first
 * host. */
static bool is_elsewhere(const struct cluster *c, const struct cluster_object *group, uint32_t mask,
			 uint32_t first)
{
	uint32_t a;

	if (cluster_address(cluster_get(group, "gateway"), &a))
		return (a & mask) != (first & mask);
	for (size_t i = 0; i < c->registered_count[TYPE_HOST]; i++) {
		const struct cluster_object *host = &c->registered[TYPE_HOST][i]->public;

		if (cluster_host_ref(c, host, "lucie_group", TYPE_LUCIE_GROUP) == group &&
		    cluster_address(cluster_get(host, "address"), &a))
			return (a & mask) != (first & mask);
	}
	return false;
}

void cluster_check_discover(struct cluster *c, const struct object *o)
{
	const struct cluster_object *group = &o->public;
	const struct cluster_value *v = cluster_value(group, "discover_range");
	uint32_t first, last, mask;

	if (!v || !cluster_discover_range(group, &first, &last) || !cluster_netmask(group, &mask))
		return;
	if (first > last || last - first >= RANGE_MAX)
		cluster_error(c, &v->at,
			      "discover_range %s, expected FIRST-LAST of at most %d addresses",
			      v->text, RANGE_MAX);
	else if ((first & mask) != (last & mask) || !(first & ~mask) || (last & ~mask) == ~mask)
		cluster_error(c, &v->at,
			      "discover_range %s, expected addresses of machines in one network of "
			      "lucie_group '%s'",
			      v->text, group->name);
	else if (is_elsewhere(c, group, mask, first))
		cluster_error(c, &v->at,
			      "discover_range %s is not in the network of lucie_group '%s', "
			      "expected addresses like those of its hosts",
			      v->text, group->name);
	else
		check_free(c, group, v, first, last);
}
