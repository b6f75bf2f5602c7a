/* Interfaces: what network cards hosts have besides the one that they boot from, and what is made
 * of cards: bonds and VLANs. One object is for as many hosts as name it in `interfaces`: its lists
 * of addresses and cards have one item for each of them, in the order of the definition. */
#include "host-tools/lib/cluster-internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/lib/die.h"

#define BOOT "boot" /* in `parent` and `bond`: the card that the host boots from */

struct expansion {
	struct cluster *c;
	struct cluster_list *list;
	const struct key_spec *spec;
	struct cluster_place at;
};

static int add_item(const char *item, void *arg)
{
	struct expansion *x = arg;
	struct cluster_list *l = x->list;
	const char **grown;

	if (!x->spec->valid(item)) {
		cluster_check_item(x->c, x->spec, item, &x->at);
		return -ECANCELED;
	}
	if (!(l->count & (l->count - 1))) {
		grown = arena_alloc(&x->c->arena, (l->count ? l->count * 2 : 1) * sizeof(*grown));
		if (l->count)
			memcpy(grown, l->items, l->count * sizeof(*grown));
		l->items = grown;
	}
	l->items[l->count++] = arena_strdup(&x->c->arena, item);
	return 0;
}

/* The items of a list, ranges in addresses counting as what they stand for. The form of each is
 * that of the same key of a host. */
static void expand(struct cluster *c, struct object *o, const char *key, struct cluster_list *list)
{
	const struct cluster_value *v = cluster_value(&o->public, key);
	struct expansion x = {.c = c, .list = list, .spec = cluster_key(TYPE_HOST, key)};
	char item[CLUSTER_ITEM_MAX], why[160];
	size_t pos = 0, offset;
	int ret = 0;

	while (!ret && v && cluster_list_next(v->text, &pos, item, sizeof(item), &offset)) {
		x.at = v->at;
		x.at.column += (unsigned int)offset;
		ret = cluster_pattern_each(item, add_item, &x, why, sizeof(why));
		if (ret == -EINVAL)
			cluster_error(c, &x.at, "'%.80s': %s", item, why);
	}
	o->broken |= ret != 0;
}

/* --- one interface --- */

const char *cluster_interface_device(const struct cluster_object *interface)
{
	const char *device = cluster_get(interface, "device");

	return device ? device : interface->name;
}

/* Its role is to carry the data of rings. */
static bool is_for_data(const struct cluster_object *interface)
{
	return cluster_get(interface, "role");
}

/* `bond` or `parent`: interfaces or "boot". */
static void check_others(struct cluster *c, const struct object *o, const char *key)
{
	const struct cluster_value *v = cluster_value(&o->public, key);
	char name[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (v && cluster_list_next(v->text, &pos, name, sizeof(name), &offset)) {
		struct cluster_place at = v->at;
		const struct cluster_object *other = cluster_find(c, TYPE_INTERFACE, name);

		at.column += (unsigned int)offset;
		if (!str_is_name(name) || !strcmp(name, BOOT))
			continue;
		if (!other)
			cluster_dangling(c, TYPE_INTERFACE, name, &at);
		else if (other == &o->public ||
			 (!strcmp(key, "bond") && cluster_get(other, "bond")))
			cluster_error(c, &at, "'%s' cannot be in a bond, expected a card", name);
		else if (!strcmp(key, "bond") && cluster_get(other, "address"))
			cluster_error(c, &at,
				      "'%s' is in a bond and has addresses, expected them in the "
				      "bond '%s'",
				      name, o->public.name);
	}
}

/* Keys that do not go together: the first one of a pair where the second one is, or is not. */
static void check_kind(struct cluster *c, const struct object *o)
{
	static const struct {
		const char *key, *other;
		bool needed;
	} pairs[] = {
		{"vlan", "parent", true},	{"parent", "vlan", true},
		{"bond_mode", "bond", true},	{"bond", "vlan", false},
		{"mac_address", "bond", false}, {"mac_address", "vlan", false},
		{"address", "subnet", true},	{"gateway", "address", true},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct cluster_value *v = cluster_value(&o->public, pairs[i].key);

		if (v && !cluster_value(&o->public, pairs[i].other) == pairs[i].needed)
			cluster_error(c, &v->key_at, "%s %s %s, expected %s", pairs[i].key,
				      pairs[i].needed ? "without" : "with", pairs[i].other,
				      pairs[i].needed ? "both" : "one of them");
	}
}

/* All addresses are of machines of one network, in which the gateway is. */
static void check_addresses(struct cluster *c, const struct object *o)
{
	const struct cluster_value *v = cluster_value(&o->public, "address"),
				   *gateway = cluster_value(&o->public, "gateway");
	uint32_t mask, first = 0, a;

	if (!v || !cluster_netmask(&o->public, &mask))
		return;
	for (size_t i = 0; i < o->addresses.count; i++) {
		const char *text = o->addresses.items[i];

		cluster_address(text, &a);
		first = i ? first : a;
		if ((a & mask) != (first & mask))
			cluster_error(c, &v->at,
				      "address %s is not in the network of %s, expected all of "
				      "interface '%s' in one",
				      text, o->addresses.items[0], o->public.name);
		else if (mask < 0xfffffffe && (!(a & ~mask) || (a & ~mask) == ~mask))
			cluster_error(c, &v->at,
				      "address %s means a whole network, expected one of a host",
				      text);
		else
			continue;
		return;
	}
	if (gateway && cluster_address(gateway->text, &a) && (a & mask) != (first & mask))
		cluster_error(c, &gateway->at,
			      "gateway %s is not in the network of interface '%s', expected one "
			      "like %s",
			      gateway->text, o->public.name, v->text);
}

static bool has_boot(const struct cluster_object *interface)
{
	const char *list = cluster_get(interface, "bond");
	char name[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (list && cluster_list_next(list, &pos, name, sizeof(name), &offset))
		if (!strcmp(name, BOOT))
			return true;
	return false;
}

static void check_interface(struct cluster *c, struct object *o)
{
	const char *device = cluster_interface_device(&o->public);

	expand(c, o, "address", &o->addresses);
	expand(c, o, "mac_address", &o->macs);
	check_kind(c, o);
	check_others(c, o, "bond");
	check_others(c, o, "parent");
	check_addresses(c, o);
	if (!cluster_key(TYPE_INTERFACE, "device")->valid(device))
		cluster_error(
			c, &o->public.at,
			"interface '%s' cannot be called so on a node, expected 'device' with "
			"at most 15 letters",
			o->public.name);
	if (is_for_data(&o->public) &&
	    (!cluster_value(&o->public, "address") || cluster_value(&o->public, "bond") ||
	     cluster_value(&o->public, "vlan")))
		cluster_error(c, &cluster_value(&o->public, "role")->key_at,
			      "role of interface '%s', expected it in a card with addresses: the "
			      "installer makes no bonds and VLANs",
			      o->public.name);
	if (!strcmp(o->public.name, BOOT))
		cluster_error(c, &o->public.at,
			      "interface '" BOOT "' is every host's own, expected another name");
	if (has_boot(&o->public) && cluster_value(&o->public, "address"))
		cluster_error(c, &cluster_value(&o->public, "address")->key_at,
			      "address of a bond that '" BOOT
			      "' is in, expected none: it has that of "
			      "its host");
}

/* --- of the hosts --- */

static void link_host(struct cluster *c, struct object *host)
{
	const char *list = cluster_host_get(c, &host->public, "interfaces");
	struct cluster_link links[CLUSTER_LINKS_MAX];
	char name[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset, n = 0;

	while (list && n < CLUSTER_LINKS_MAX &&
	       cluster_list_next(list, &pos, name, sizeof(name), &offset)) {
		struct object *o = map_get(&c->by_name[TYPE_INTERFACE], name);
		size_t i = o ? o->users++ : 0;

		if (o)
			links[n++] = (struct cluster_link){
				.interface = &o->public,
				.address = i < o->addresses.count ? o->addresses.items[i] : NULL,
				.mac = i < o->macs.count ? o->macs.items[i] : NULL};
	}
	if (list && n == CLUSTER_LINKS_MAX &&
	    cluster_list_next(list, &pos, name, sizeof(name), &offset))
		cluster_error(c, &host->public.at,
			      "host '%s' has more than %d interfaces, expected "
			      "fewer",
			      host->public.name, CLUSTER_LINKS_MAX);
	if (!n)
		return;
	host->links = arena_alloc(&c->arena, n * sizeof(*links));
	memcpy(host->links, links, n * sizeof(*links));
	host->link_count = n;
}

static void check_count(struct cluster *c, const struct object *o, const char *key, size_t count)
{
	const struct cluster_value *v = cluster_value(&o->public, key);

	if (v && !o->broken && count != o->users)
		cluster_error(c, &v->at,
			      "%s stands for %zu, expected %zu, one for each host that names "
			      "interface '%s'",
			      key, count, o->users, o->public.name);
}

static void taken(struct cluster *c, const struct cluster_link *link, const struct object *host,
		  const char *key, const char *text, const struct object *other)
{
	cluster_error(c, &cluster_value(link->interface, key)->at,
		      "%s %s of interface '%s' belongs to host '%s' already, expected one of host "
		      "'%s'",
		      key, text, link->interface->name, other->public.name, host->public.name);
}

static bool has_link(const struct object *host, const char *name)
{
	for (size_t i = 0; i < host->link_count; i++)
		if (!strcmp(host->links[i].interface->name, name))
			return true;
	return !strcmp(name, BOOT);
}

/* What a bond or VLAN is made of, the host has too. */
static void check_parts(struct cluster *c, const struct object *host,
			const struct cluster_object *interface, const char *key)
{
	const char *list = cluster_get(interface, key);
	char name[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (list && cluster_list_next(list, &pos, name, sizeof(name), &offset))
		if (cluster_find(c, TYPE_INTERFACE, name) && !has_link(host, name))
			cluster_error(c, &host->public.at,
				      "host '%s' has interface '%s' without its '%s', expected it "
				      "in interfaces",
				      host->public.name, interface->name, name);
}

/* Two cards with one name, two networks for data. */
static void check_pair(struct cluster *c, const struct object *host, const struct cluster_object *a,
		       const struct cluster_object *b)
{
	const char *device = cluster_interface_device(a);

	if (!strcmp(device, cluster_interface_device(b)))
		cluster_error(c, &host->public.at,
			      "interfaces '%s' and '%s' of host '%s' are both called '%s', "
			      "expected another 'device'",
			      a->name, b->name, host->public.name, device);
	if (is_for_data(a) && is_for_data(b))
		cluster_error(c, &host->public.at,
			      "host '%s' has two interfaces with 'role data', expected one",
			      host->public.name);
}

static void check_links(struct cluster *c, struct object *host)
{
	for (size_t i = 0; i < host->link_count; i++) {
		const struct cluster_link *link = &host->links[i];
		const struct object *other = NULL;
		char mac[MAC_TEXT];

		if (link->address)
			other = map_put(&c->addresses, link->address, host);
		if (other)
			taken(c, link, host, "address", link->address, other);
		other = link->mac && !str_to_mac(link->mac, mac)
				? map_put(&c->link_macs, arena_strdup(&c->arena, mac), host)
				: NULL;
		if (!other && link->mac)
			other = map_get(&c->macs, mac);
		if (other)
			taken(c, link, host, "mac_address", mac, other);
		check_parts(c, host, link->interface, "bond");
		check_parts(c, host, link->interface, "parent");
		for (size_t k = 0; k < i; k++)
			check_pair(c, host, host->links[k].interface, link->interface);
	}
}

void cluster_check_interfaces(struct cluster *c)
{
	for (size_t i = 0; i < c->registered_count[TYPE_INTERFACE]; i++)
		check_interface(c, c->registered[TYPE_INTERFACE][i]);
	for (size_t i = 0; i < c->registered_count[TYPE_HOST]; i++)
		link_host(c, c->registered[TYPE_HOST][i]);
	for (size_t i = 0; i < c->registered_count[TYPE_INTERFACE]; i++) {
		const struct object *o = c->registered[TYPE_INTERFACE][i];

		check_count(c, o, "address", o->addresses.count);
		check_count(c, o, "mac_address", o->macs.count);
	}
	cluster_check_hosts(c, SHOWN_LINKS, check_links);
}

const struct cluster_link *cluster_host_link(const struct cluster_object *host, size_t index)
{
	const struct object *o = object_of(host);

	return index < o->link_count ? &o->links[index] : NULL;
}
