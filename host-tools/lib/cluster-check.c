/* What can only be judged with the whole definition at hand, when templates are resolved:
 * references, what must be there, what must be unique, addresses and their networks. What belongs
 * to one type and is longer has its own file: cluster-installer.c, cluster-layout.c,
 * cluster-rings.c. */
#include "host-tools/lib/cluster-internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/suggest.h"
#include "init/lib/cleanup.h"
#include "init/lib/str.h"

static const char *like(const struct cluster *c, enum cluster_type type, const char *name)
{
	struct suggestion s = suggest_start(name);

	for (size_t i = 0; c->error_total < SUGGEST_ERRORS && i < c->registered_count[type]; i++) {
		const struct cluster_object *o = &c->registered[type][i]->public;

		if (type != TYPE_INSTALLER || !cluster_list_has(cluster_get(o, "modules"), ERASER))
			suggest_offer(&s, o->name);
	}
	return s.best;
}

void cluster_dangling(struct cluster *c, enum cluster_type type, const char *name,
		      const struct cluster_place *at)
{
	const char *best = like(c, type, name), *type_name = cluster_type_name(type);

	if (map_get(&c->untyped, name)) /* its type is what is wrong */
		return;
	if (best)
		cluster_error(c, at, "no %s is named '%.64s', expected '%s'", type_name, name,
			      best);
	else
		cluster_error(c, at, "no %s is named '%.64s', expected one that is defined",
			      type_name, name);
}

/* Own values only: what is inherited was checked where it stands. */
static void check_references(struct cluster *c, const struct object *o)
{
	for (size_t i = 0; i < o->own_count; i++) {
		const struct cluster_value *v = &o->own[i];
		const struct key_spec *spec = cluster_key(o->public.type, v->key);
		char name[CLUSTER_ITEM_MAX];
		size_t pos = 0, offset;

		if (!spec || !(spec->flags & KEY_REF))
			continue;
		while (cluster_list_next(v->text, &pos, name, sizeof(name), &offset)) {
			struct cluster_place at = v->at;

			at.column += (unsigned int)offset;
			if (spec->valid(name) && !cluster_find(c, spec->ref, name))
				cluster_dangling(c, spec->ref, name, &at);
		}
	}
}

/* --- groups --- */

struct membership {
	struct cluster *c;
	struct object *group;
	char unknown[64];
};

static int add_member(const char *name, void *arg)
{
	struct membership *m = arg;
	struct object *host = map_get(&m->c->by_name[TYPE_HOST], name);

	if (!host) {
		snprintf(m->unknown, sizeof(m->unknown), "%s", name);
		return -ENOENT;
	}
	if (host->group_count && host->groups[host->group_count - 1] == m->group)
		return 0;
	host->groups = xrealloc(host->groups, host->group_count + 1, sizeof(host->groups[0]));
	host->groups[host->group_count++] = m->group;
	return 0;
}

static void no_member(struct cluster *c, const char *item, const char *name,
		      const struct cluster_place *at)
{
	if (strpbrk(item, " \t"))
		cluster_error(c, at, "bad members '%.80s', expected hosts separated by commas",
			      item);
	else if (cluster_find(c, TYPE_HOST_GROUP, name))
		cluster_error(c, at, "'%.64s' is a host_group, expected its hosts", name);
	else
		cluster_dangling(c, TYPE_HOST, name, at);
}

static void check_members(struct cluster *c, struct object *group)
{
	const struct cluster_value *v = cluster_value(&group->public, "members");
	struct membership m = {.c = c, .group = group};
	char item[CLUSTER_ITEM_MAX], why[160];
	size_t pos = 0, offset;

	while (v && cluster_list_next(v->text, &pos, item, sizeof(item), &offset)) {
		struct cluster_place at = v->at;
		int ret = *item ? cluster_pattern_each(item, add_member, &m, why, sizeof(why)) : 0;

		at.column += (unsigned int)offset;
		if (ret == -ENOENT)
			no_member(c, item, m.unknown, &at);
		else if (ret)
			cluster_error(c, &at, "'%.80s': %s", item, why);
	}
}

/* --- hosts --- */

void cluster_require(struct cluster *c, const struct object *o, const char *key, const char *form)
{
	if (!o->broken && !cluster_value(&o->public, key))
		cluster_error(c, &o->public.at, "%s '%s' has no %s, expected '%s %s'",
			      cluster_type_name(o->public.type), o->public.name, key, key, form);
}

static void check_macs(struct cluster *c, struct object *host)
{
	const struct cluster_value *v = cluster_value(&host->public, "mac_address");
	char item[CLUSTER_ITEM_MAX], mac[MAC_TEXT];
	size_t pos = 0, offset;

	while (v && cluster_list_next(v->text, &pos, item, sizeof(item), &offset)) {
		struct cluster_place at = v->at;
		const struct object *other;

		if (str_to_mac(item, mac))
			continue;
		at.column += (unsigned int)offset;
		other = map_put(&c->macs, arena_strdup(&c->arena, mac), host);
		if (other)
			cluster_error(c, &at,
				      "mac_address %s belongs to host '%s' already, expected one "
				      "of host '%s'",
				      mac, other->public.name, host->public.name);
	}
}

/* To the network Node1 and node1 are one name. */
static void check_case(struct cluster *c, struct object *host)
{
	char *name = arena_strdup(&c->arena, host->public.name);
	const struct object *other;

	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	other = map_put(&c->host_names, name, host);
	if (other)
		cluster_error(c, &host->public.at,
			      "host '%s' differs from host '%s' in upper and lower case only, "
			      "expected another name",
			      host->public.name, other->public.name);
}

bool cluster_address(const char *text, uint32_t *out)
{
	struct in_addr a;

	if (!text || inet_pton(AF_INET, text, &a) != 1)
		return false;
	*out = ntohl(a.s_addr);
	return true;
}

static bool is_whole_network(uint32_t address, uint32_t mask)
{
	return mask < 0xfffffffe && ((address & ~mask) == 0 || (address & ~mask) == ~mask);
}

/* Without a gateway (choose_network). */
static void check_one_network(struct cluster *c, const struct object *group,
			      const struct cluster_value *v, uint32_t address, uint32_t mask)
{
	const struct strays *s = &group->strays;

	if (s->first && (s->address & mask) != (address & mask))
		cluster_error(c, &v->at,
			      "address %s is not in the network of lucie_group '%s', expected one "
			      "like that of its host '%s'",
			      v->text, group->public.name, s->first->public.name);
}

/* The host's address is one that a host of its lucie_group can have. */
static void check_network(struct cluster *c, const struct object *host,
			  const struct cluster_value *v)
{
	const struct cluster_object *group =
		cluster_host_ref(c, &host->public, "lucie_group", TYPE_LUCIE_GROUP);
	struct object *own = group ? map_get(&c->by_name[TYPE_LUCIE_GROUP], group->name) : NULL;
	static const char *const others[] = {"gateway", "server_address"};
	uint32_t address, mask, gateway;

	if (!group || !cluster_address(v->text, &address) || !cluster_netmask(group, &mask))
		return;
	for (size_t i = 0; i < 2; i++) {
		const char *other = cluster_get(group, others[i]);

		if (other && !strcmp(other, v->text))
			cluster_error(
				c, &v->at,
				"address %s is the %s of lucie_group '%s', expected one of its own",
				v->text, others[i], group->name);
	}
	if (is_whole_network(address, mask))
		cluster_error(c, &v->at,
			      "address %s means the whole network of lucie_group '%s', expected "
			      "one of a host",
			      v->text, group->name);
	if (!cluster_get(group, "gateway"))
		check_one_network(c, own, v, address, mask);
	else if (!own->strays.gateway_is_one &&
		 cluster_address(cluster_get(group, "gateway"), &gateway) &&
		 (gateway & mask) != (address & mask))
		cluster_error(c, &v->at,
			      "address %s is not in the network of lucie_group '%s', expected one "
			      "like its gateway %s",
			      v->text, group->name, cluster_get(group, "gateway"));
}

/* Without a gateway: the network of the first host that is in one with the server; of the first of
 * all where none is. */
static void choose_network(struct object *group, const struct object *host, uint32_t address,
			   uint32_t mask)
{
	struct strays *s = &group->strays;
	uint32_t server;
	bool near = cluster_address(cluster_get(&group->public, "server_address"), &server) &&
		    (server & mask) == (address & mask);

	if (s->first && (s->near_server || !near))
		return;
	s->first = host;
	s->address = address;
	s->near_server = near;
}

/* Where the hosts of a lucie_group are, as its gateway sees it. */
static void count_stray(struct cluster *c, const struct object *host)
{
	const struct cluster_object *found =
		cluster_host_ref(c, &host->public, "lucie_group", TYPE_LUCIE_GROUP);
	struct object *group = found ? map_get(&c->by_name[TYPE_LUCIE_GROUP], found->name) : NULL;
	uint32_t address, mask, gateway;

	if (!group || !cluster_address(cluster_get(&host->public, "address"), &address) ||
	    !cluster_netmask(&group->public, &mask))
		return;
	if (!cluster_get(&group->public, "gateway"))
		choose_network(group, host, address, mask);
	if (!cluster_address(cluster_get(&group->public, "gateway"), &gateway))
		return;
	if (!group->strays.count++) {
		group->strays.first = host;
		group->strays.address = address;
	}
	group->strays.apart |= (address & mask) == (gateway & mask) ||
			       (address & mask) != (group->strays.address & mask);
}

/* One host elsewhere may be wrong itself; several that agree, or one that agrees with the server,
 * are not. */
static void check_gateway(struct cluster *c, const struct object *o)
{
	struct object *group = map_get(&c->by_name[TYPE_LUCIE_GROUP], o->public.name);
	struct strays *s = &group->strays;
	const struct cluster_value *gateway = cluster_value(&o->public, "gateway");
	uint32_t mask, server;
	bool beside_server;

	if (!s->count || s->apart || !cluster_netmask(&o->public, &mask))
		return;
	beside_server = cluster_address(cluster_get(&o->public, "server_address"), &server) &&
			(server & mask) == (s->address & mask);
	s->gateway_is_one = s->count > 1 || beside_server;
	if (s->gateway_is_one)
		cluster_error(c, &gateway->at,
			      "gateway %s is not in the network of its hosts, expected one like "
			      "host '%s' with %s",
			      gateway->text, s->first->public.name,
			      cluster_get(&s->first->public, "address"));
}

static void check_host(struct cluster *c, struct object *host)
{
	const struct cluster_value *v = cluster_value(&host->public, "address");
	const struct object *other;

	cluster_require(c, host, "address", "A.B.C.D");
	if (!host->broken && !cluster_value(&host->public, "mac_address"))
		cluster_error(c, &host->public.at,
			      "host '%s' has no mac_address, expected 'mac_address "
			      "xx:xx:xx:xx:xx:xx' or 'mac_file FILE'",
			      host->public.name);
	/* An object of an unknown type may have been the host_group that says it. */
	if (!host->broken && !c->has_untyped && !cluster_host_get(c, &host->public, "lucie_group"))
		cluster_error(c, &host->public.at,
			      "host '%s' has no lucie_group, expected 'lucie_group NAME' in it or "
			      "in its host_group",
			      host->public.name);
	check_macs(c, host);
	check_case(c, host);
	if (!v)
		return;
	other = map_put(&c->addresses, v->text, host);
	if (other)
		cluster_error(c, &v->at,
			      "address %s belongs to host '%s' already, expected one of host '%s'",
			      v->text, other->public.name, host->public.name);
	check_network(c, host, v);
}

/* --- the rest --- */

static void check_base(struct cluster *c, const struct object *o)
{
	static const char *const made[] = {"suite", "packages", "kernel"};

	for (size_t i = 0; cluster_value(&o->public, "file") && i < 3; i++) {
		const struct cluster_value *v = cluster_value(&o->public, made[i]);

		if (v)
			cluster_error(c, &v->key_at,
				      "%s of a base that is a file, expected either file or %s",
				      made[i], made[i]);
	}
}

static void check_package_server(struct cluster *c, const struct object *o)
{
	const struct cluster_value *uri = cluster_value(&o->public, "uri"),
				   *path = cluster_value(&o->public, "path");

	if (uri && path)
		cluster_error(c, &path->key_at,
			      "path and uri in one package_server, expected one of them");
	else if (!uri && !path && !o->broken)
		cluster_error(
			c, &o->public.at,
			"package_server '%s' has no place, expected 'uri URI' or 'path FOLDER'",
			o->public.name);
	cluster_require(c, o, "suite", "SUITE");
}

void cluster_check_hosts(struct cluster *c, unsigned int pass,
			 void (*check)(struct cluster *c, struct object *host))
{
	for (size_t i = 0; i < c->registered_count[TYPE_HOST]; i++) {
		struct object *host = c->registered[TYPE_HOST][i];
		size_t count = c->error_count, total = c->error_total;

		check(c, host);
		if (c->error_total == total || !host->range)
			continue;
		if (host->range->shown & pass) {
			c->error_count = count;
			c->error_total = total;
		}
		host->range->shown |= pass;
	}
}

/* `lucie serve` has one port. */
static void check_http_port(struct cluster *c, const struct object *o)
{
	const struct object *first = c->registered[TYPE_LUCIE_GROUP][0];
	const struct cluster_value *v = cluster_value(&o->public, "http_port");
	const char *port = cluster_get(&first->public, "http_port"),
		   *own = v ? v->text : cluster_default(c, "http_port");
	uint64_t n, other;

	port = port ? port : cluster_default(c, "http_port");
	if (o->broken || first->broken || str_to_u64(port, &n) || n > UINT16_MAX)
		return;
	if (!str_to_u64(own, &other) && other != n)
		cluster_error(c, v ? &v->at : &o->public.at,
			      "lucie_group '%s' has another http_port than '%s', expected %s: one "
			      "server has one port",
			      o->public.name, first->public.name, port);
}

static void check_lucie_group(struct cluster *c, const struct object *o)
{
	static const char *const keys[] = {"gateway", "server_address"};
	uint32_t mask, address;

	cluster_require(c, o, "subnet", "NETMASK");
	check_http_port(c, o);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct cluster_value *v = cluster_value(&o->public, keys[i]);

		if (v && cluster_address(v->text, &address) && cluster_netmask(&o->public, &mask) &&
		    is_whole_network(address, mask))
			cluster_error(c, &v->at,
				      "%s %s means a whole network, expected the address of a "
				      "machine",
				      keys[i], v->text);
	}
}

static void each(struct cluster *c, enum cluster_type type,
		 void (*check)(struct cluster *c, const struct object *o))
{
	for (size_t i = 0; i < c->registered_count[type]; i++)
		check(c, c->registered[type][i]);
}

/* The folder `files` beside the definition is taken without a word about it. */
static void find_default_files(struct cluster *c)
{
	const char *path = c->dir ? arena_printf(&c->arena, "%s/files", c->dir) : NULL;
	struct stat st;

	if (path && !c->compiled && !stat(path, &st) && S_ISDIR(st.st_mode))
		c->default_files = path;
}

void cluster_check_objects(struct cluster *c)
{
	find_default_files(c);
	for (size_t i = 0; i < c->count; i++)
		check_references(c, c->objects[i]);
	for (size_t i = 0; i < c->registered_count[TYPE_HOST_GROUP]; i++)
		check_members(c, c->registered[TYPE_HOST_GROUP][i]);
	cluster_check_mac_files(c);
	each(c, TYPE_HOST, count_stray);
	each(c, TYPE_LUCIE_GROUP, check_gateway);
	cluster_check_hosts(c, SHOWN_HOSTS, check_host);
	cluster_check_hosts(c, SHOWN_DATASETS, cluster_check_host_datasets);
	cluster_check_hosts(c, SHOWN_PACKAGES, cluster_check_host_packages);
	each(c, TYPE_LUCIE_GROUP, check_lucie_group);
	cluster_check_interfaces(c);
	each(c, TYPE_LUCIE_GROUP, cluster_check_discover);
	each(c, TYPE_INSTALLER, cluster_check_installer);
	each(c, TYPE_DISK_LAYOUT, cluster_check_layout);
	each(c, TYPE_BASE, check_base);
	each(c, TYPE_BASE, cluster_check_ring_port);
	each(c, TYPE_DATASET, cluster_check_dataset);
	each(c, TYPE_DATASET, cluster_check_ring_port);
	each(c, TYPE_PACKAGE_SERVER, check_package_server);
}
