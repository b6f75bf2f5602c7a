/* Host ranges: one `define host{` with a host_name like cnode[000-111] stands for that many hosts.
 * Each gets its own name, its part of the list of addresses and its card, from a list or from a
 * mac_file; everything else it takes from the range as from a template. Works on what was read,
 * before templates are resolved (cluster.c). */
#include "host-tools/lib/cluster-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"

struct range {
	struct cluster *c;
	struct object *o;
	struct object **hosts;
	size_t count;
	/* while a list is given out */
	const struct cluster_value *list;
	struct cluster_place at; /* of the list's item */
	size_t next;
};

static const struct cluster_value *own(const struct object *o, const char *key)
{
	for (size_t i = 0; i < o->own_count; i++)
		if (!strcmp(o->own[i].key, key))
			return &o->own[i];
	return NULL;
}

bool cluster_is_range(const struct object *o)
{
	const struct cluster_value *name = own(o, "host_name");

	return o->public.type == TYPE_HOST && name &&
	       (strpbrk(name->text, "[]") || own(o, "mac_file"));
}

bool cluster_is_range_key(const char *key)
{
	return !strcmp(key, "host_name") || !strcmp(key, "address") || !strcmp(key, "mac_address");
}

static bool is_good(struct range *r, const char *key, const char *item,
		    const struct cluster_place *at)
{
	size_t errors = r->c->error_total;

	cluster_check_item(r->c, cluster_key(TYPE_HOST, key), item, at);
	return r->c->error_total == errors;
}

/* --- the hosts --- */

static void put(struct object *host, const char *key, const char *text, struct cluster_place key_at,
		struct cluster_place at)
{
	host->own[host->own_count++] = (struct cluster_value){key, text, key_at, at};
}

static int add_host(const char *name, void *arg)
{
	struct range *r = arg;
	struct object *host;

	if (!is_good(r, "host_name", name, &r->list->at))
		return -ECANCELED;
	if (r->c->made_hosts == CLUSTER_HOSTS_MAX)
		cluster_error(r->c, &r->list->at, "more than %d hosts in ranges, expected fewer",
			      CLUSTER_HOSTS_MAX);
	if (r->c->made_hosts++ >= CLUSTER_HOSTS_MAX)
		return -ECANCELED;
	host = cluster_object_add(r->c, TYPE_HOST, r->o->public.at);
	host->range = r->o;
	host->own_cap = 3; /* host_name, address, mac_address */
	host->own = xcalloc(host->own_cap, sizeof(*host->own));
	put(host, "host_name", arena_strdup(&r->c->arena, name), r->list->key_at, r->list->at);
	if (!(r->count & (r->count - 1)))
		r->hosts = xrealloc(r->hosts, r->count ? r->count * 2 : 1, sizeof(*r->hosts));
	r->hosts[r->count++] = host;
	return 0;
}

static void make_hosts(struct range *r)
{
	char why[160];
	int ret;

	r->list = own(r->o, "host_name");
	ret = cluster_pattern_each(r->list->text, add_host, r, why, sizeof(why));
	if (ret == -EINVAL)
		cluster_error(r->c, &r->list->at, "'%.80s': %s", r->list->text, why);
	r->o->broken |= ret != 0;
}

/* --- addresses and cards from a list --- */

static int give(const char *item, void *arg)
{
	struct range *r = arg;

	if (!is_good(r, r->list->key, item, &r->at))
		return -ECANCELED;
	if (r->next < r->count)
		put(r->hosts[r->next], r->list->key, arena_strdup(&r->c->arena, item),
		    r->list->key_at, r->at);
	r->next++;
	return 0;
}

/* Gives each host one item of its list. Ranges in it count as what they stand for where `ranges`
 * says so. */
static void give_list(struct range *r, const char *key, bool ranges)
{
	char item[CLUSTER_ITEM_MAX], why[160];
	size_t pos = 0, offset;
	int ret = 0;

	r->list = own(r->o, key);
	r->next = 0;
	while (!ret && r->list &&
	       cluster_list_next(r->list->text, &pos, item, sizeof(item), &offset)) {
		r->at = r->list->at;
		r->at.column += (unsigned int)offset;
		ret = ranges ? cluster_pattern_each(item, give, r, why, sizeof(why))
			     : give(item, r);
		if (ret == -EINVAL)
			cluster_error(r->c, &r->at, "'%.80s': %s", item, why);
	}
	if (!ret && r->list && r->next != r->count)
		cluster_error(r->c, &r->list->at,
			      "%s stands for %zu, expected %zu, one for each host of '%.64s'", key,
			      r->next, r->count, own(r->o, "host_name")->text);
	r->o->broken |= ret || (r->list && r->next != r->count);
}

/* --- cards from a file --- */

static void put_card(struct range *r, struct object *host, const struct mac_line *line)
{
	const char *text = line->mac;

	for (const struct mac_line *l = line->same; l; l = l->same)
		text = arena_printf(&r->c->arena, "%s, %s", text, l->mac);
	put(host, "mac_address", text, line->at, line->mac_at);
}

static void give_named(struct range *r, const struct mac_file *f)
{
	const char *missing = NULL;

	for (size_t i = 0; i < r->count; i++) {
		const char *name = r->hosts[i]->own[0].text;
		const struct mac_line *line = map_get(&f->by_name, name);

		if (line)
			put_card(r, r->hosts[i], line);
		else if (!missing)
			missing = name;
	}
	r->o->broken |= missing != NULL;
	if (missing)
		cluster_error(r->c, &r->list->at,
			      "no line in '%s' for host '%s', expected '%s xx:xx:xx:xx:xx:xx'",
			      r->list->text, missing, missing);
}

static void give_in_order(struct range *r, const struct mac_file *f)
{
	const struct mac_line *line = f->first;

	for (size_t i = 0; line && i < r->count; i++, line = line->next)
		put_card(r, r->hosts[i], line);
	r->o->broken |= f->count != r->count;
	if (f->count != r->count)
		cluster_error(r->c, &r->list->at,
			      "'%s' has %zu lines, expected %zu, one for each host of '%.64s'",
			      r->list->text, f->count, r->count, own(r->o, "host_name")->text);
}

static void give_file(struct range *r)
{
	const struct mac_file *f;

	r->list = own(r->o, "mac_file");
	if (!r->list)
		return;
	if (own(r->o, "mac_address")) {
		cluster_error(r->c, &r->list->key_at,
			      "mac_address and mac_file in one host, expected one of them");
		return;
	}
	f = cluster_mac_file(r->c, r->list);
	r->o->broken |= !f || f->broken;
	if (r->o->broken)
		return;
	if (f->named)
		give_named(r, f);
	else
		give_in_order(r, f);
}

/* What the hosts have got is not inherited by those that `use` the range. */
static void take_out(struct object *o)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->own_count; i++)
		if (!cluster_is_range_key(o->own[i].key) && strcmp(o->own[i].key, "mac_file"))
			o->own[kept++] = o->own[i];
	o->own_count = kept;
}

void cluster_make_range(struct cluster *c, struct object *o)
{
	const struct cluster_value *reg = own(o, "register");
	struct range r = {.c = c, .o = o};

	if (!reg || strcmp(reg->text, "0"))
		make_hosts(&r);
	if (r.count && !o->broken) {
		give_list(&r, "address", true);
		give_list(&r, "mac_address", false);
		give_file(&r);
	}
	take_out(o);
	o->ranged = true;
	free(r.hosts);
}
