/* What a plan says about that which nodes fetch: the base, the data sets, and their rings. */
#include "host-tools/lib/plan-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "host-tools/lib/rings.h"
#include "host-tools/lib/store.h"

#define NO_ROOT "0000000000000000000000000000000000000000000000000000000000000000"

/* --- rings --- */

/* "HOST:PORT" of the ring's master: the host from which the node gets everything else first. */
static int ring_master(struct plan_maker *m, const struct cluster_object *o, char *out, size_t len)
{
	const char *url = m->order->servers ? m->order->servers[0] : NULL;
	size_t n;

	if (!url || !str_starts(url, "http://"))
		return plan_refuse(m, -EINVAL,
				   "%s '%s' travels over a ring, but lucie_group '%s' has no "
				   "server_address",
				   cluster_type_name(o->type), o->name, m->group->name);
	url += strlen("http://");
	n = *url == '[' ? strcspn(url, "]") + 1 : strcspn(url, ":/");
	snprintf(out, len, "%.*s:%u", (int)n, url, rings_port(o));
	return 0;
}

static int ring_key(struct plan_maker *m, const struct cluster_object *o, const char *root,
		    char out[2 * RINGS_KEY_LEN + 1])
{
	uint8_t key[RINGS_KEY_LEN] = {0};
	int ret = m->order->state_dir ? rings_key(m->order->state_dir, root, key) : 0;

	str_to_hex(key, sizeof(key), out);
	sodium_memzero(key, sizeof(key));
	return ret ? plan_refuse(m, ret, "the key of the ring of %s '%s' cannot be read: %s",
				 cluster_type_name(o->type), o->name, strerror(-ret))
		   : 0;
}

static int write_base_ring(struct plan_maker *m, const struct cluster_object *base,
			   const char *root)
{
	char master[300], key[2 * RINGS_KEY_LEN + 1];
	int ret = ring_master(m, base, master, sizeof(master));

	if (!ret)
		ret = ring_key(m, base, root, key);
	if (ret)
		return ret;
	plan_write(m->out, "ring", master);
	plan_write(m->out, "ring_key", key);
	return 0;
}

static int write_dataset(struct plan_maker *m, const struct cluster_object *o)
{
	char master[300], key[2 * RINGS_KEY_LEN + 1];
	struct store_blob blob = {.root = NO_ROOT};
	int ret = m->order->state_dir ? store_dataset(m->order->state_dir, o->name, &blob) : 0;

	if (ret == -ENOENT)
		return plan_refuse(m, ret, "dataset '%s' is not made yet, `lucie data %s` does it",
				   o->name, o->name);
	if (ret)
		return plan_refuse(m, ret, "dataset '%s': its manifest cannot be read: %s", o->name,
				   strerror(-ret));
	ret = ring_master(m, o, master, sizeof(master));
	if (!ret)
		ret = ring_key(m, o, blob.root, key);
	if (!ret)
		plan_writef(m->out, "dataset", "%s %s %s %s", o->name, blob.root, master,
			    cluster_get(o, "target"));
	if (!ret)
		plan_writef(m->out, "ring_key", "%s %s", o->name, key);
	return ret;
}

/* The interface with `role data`: the installer brings it up for the ring, which knows it by its
 * address. */
static void write_card(struct plan_maker *m)
{
	const struct cluster_link *l;
	uint32_t mask;

	for (size_t i = 0; (l = cluster_host_link(m->host, i)); i++) {
		const char *mtu = cluster_get(l->interface, "mtu");
		char mac[MAC_TEXT];

		if (!cluster_get(l->interface, "role") || !l->address ||
		    !cluster_address(cluster_get(l->interface, "subnet"), &mask))
			continue;
		plan_writef(m->out, "card", "%s %s/%d%s%s",
			    l->mac && !str_to_mac(l->mac, mac)
				    ? mac
				    : cluster_interface_device(l->interface),
			    l->address, __builtin_popcount(mask), mtu ? " " : "", mtu ? mtu : "");
		if (!cluster_host_owner(m->c, m->host, "dolly.interface"))
			plan_write(m->out, "interface", l->address);
	}
}

int plan_write_dolly(struct plan_maker *m)
{
	const char *list = plan_host_get(m, "datasets");
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	write_card(m);
	while (list && cluster_list_next(list, &pos, item, sizeof(item), &offset)) {
		const struct cluster_object *o = cluster_find(m->c, TYPE_DATASET, item);
		int ret = o ? write_dataset(m, o)
			    : plan_refuse(m, -EINVAL, "no dataset is named '%s'", item);

		if (ret)
			return ret;
	}
	return 0;
}

/* --- base --- */

/* One line for each item of a list. */
void plan_write_items(struct plan_maker *m, const char *key, const char *list)
{
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (list && cluster_list_next(list, &pos, item, sizeof(item), &offset))
		plan_write(m->out, key, item);
}

/* The base of the host, or what a base is like where there is no state directory to ask. */
static int find_base(struct plan_maker *m, const struct cluster_object **base,
		     struct store_blob *blob)
{
	const char *dir = m->order->state_dir;
	int ret;

	*base = cluster_host_ref(m->c, m->host, "base", TYPE_BASE);
	*blob = (struct store_blob){.root = NO_ROOT, .bytes = 1, .format = "tar.zst"};
	if (!*base)
		return plan_refuse(m, -EINVAL, "host '%s' has no base", m->host->name);
	ret = dir ? store_base(dir, (*base)->name, blob) : 0;
	if (ret == -ENOENT)
		return plan_refuse(m, ret,
				   "base '%s' is not there yet, `lucie base build %s` makes it",
				   (*base)->name, (*base)->name);
	return ret ? plan_refuse(m, ret, "base '%s': its manifest cannot be read: %s",
				 (*base)->name, strerror(-ret))
		   : 0;
}

int plan_write_extrbase(struct plan_maker *m)
{
	const struct cluster_object *base;
	struct store_blob blob;
	int ret = find_base(m, &base, &blob);

	if (ret)
		return ret;
	plan_write(m->out, "base", base->name);
	plan_writef(m->out, "blob", "%s %llu", blob.root, (unsigned long long)blob.bytes);
	plan_write(m->out, "format", blob.format);
	plan_write_items(m, "source", cluster_get(base, "source"));
	return rings_has(base) ? write_base_ring(m, base, blob.root) : 0;
}

/* --- what the base consists of --- */

/* -ENOENT without a reason: bases that were taken in by an earlier version have none. */
static int write_listing(struct plan_maker *m, const char *base, const char *root)
{
	struct store_blob listing = {.root = NO_ROOT, .bytes = 1};
	int ret = m->order->state_dir ? store_listing(m->order->state_dir, base, &listing) : 0;

	if (ret)
		return ret;
	plan_write(m->out, "root", root);
	plan_writef(m->out, "listing", "%s %llu", listing.root, (unsigned long long)listing.bytes);
	return 0;
}

int plan_write_verify(struct plan_maker *m)
{
	const struct cluster_object *base;
	struct store_blob blob;
	int ret = find_base(m, &base, &blob);

	if (ret)
		return ret;
	ret = write_listing(m, base->name, blob.root);
	return ret ? plan_refuse(m, ret,
				 "base '%s' has no listing: take it in or build it anew, then "
				 "install the node",
				 base->name)
		   : 0;
}

int plan_write_restore(struct plan_maker *m)
{
	int ret = plan_write_extrbase(m);

	return ret ? ret : plan_write_verify(m);
}

/* For the record of what was changed; none where the base has no listing. */
int plan_write_record(struct plan_maker *m)
{
	const struct cluster_object *base = cluster_host_ref(m->c, m->host, "base", TYPE_BASE);
	struct store_blob blob = {.root = NO_ROOT};
	int ret = base && m->order->state_dir ? store_base(m->order->state_dir, base->name, &blob)
					      : 0;

	if (base && !ret)
		write_listing(m, base->name, blob.root);
	return 0;
}
