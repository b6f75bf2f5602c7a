/* Templates: what an object does not say itself it takes from the objects that it `use`s, in their
 * order, and they from theirs. */
#include "host-tools/lib/cluster-internal.h"

#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/suggest.h"
#include "init/lib/str.h"
#include "modules/lib/layout.h"

struct collector {
	struct cluster_value list[CLUSTER_VALUES_MAX];
	size_t count;
	bool full;
};

static bool has_key(const struct cluster_value *list, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i].key, key))
			return true;
	return false;
}

static bool has_layout_line(const struct cluster_value *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (layout_is_line(list[i].key))
			return true;
	return false;
}

/* The lines of a disk layout depend on each other: an object that has one of its own inherits none.
 */
static bool is_layout_line(const struct object *o, const char *key)
{
	return o->public.type == TYPE_DISK_LAYOUT && layout_is_line(key);
}

static bool is_said(const struct collector *all, size_t count, const struct object *o,
		    const char *key)
{
	if (is_layout_line(o, key))
		return has_layout_line(all->list, count);
	return has_key(all->list, count, key);
}

static void inherit(const struct cluster *c, struct collector *all, const struct object *o,
		    const struct object *parent)
{
	size_t said = all->count;

	if (c->inherited > CLUSTER_INHERITED_MAX) /* reported */
		return;
	for (size_t i = 0; i < parent->public.count; i++) {
		const struct cluster_value *v = &parent->public.values[i];
		const struct key_spec *spec = cluster_key(o->public.type, v->key);

		if ((spec && spec->flags & KEY_OWN) || is_said(all, said, o, v->key))
			continue;
		if (all->count == CLUSTER_VALUES_MAX)
			all->full = true;
		else
			all->list[all->count++] = *v;
	}
}

/* Many objects with many inherited values each: the file is small, what it means is not. */
static bool is_too_much(struct cluster *c, struct object *o, size_t inherited)
{
	c->inherited += inherited;
	if (c->inherited <= CLUSTER_INHERITED_MAX)
		return false;
	if (c->inherited - inherited <= CLUSTER_INHERITED_MAX)
		cluster_error(c, &o->public.at,
			      "more than %u values are taken from templates, expected fewer",
			      CLUSTER_INHERITED_MAX);
	o->broken = true;
	return true;
}

/* An object has this name as a host_name or hostgroup_name, be it registered or not. */
static bool is_called(const struct cluster *c, enum cluster_type type, const char *name)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct object *o = c->objects[i];

		for (size_t k = 0; o->public.type == type && k < o->own_count; k++)
			if (!strcmp(o->own[k].key, cluster_identity_key(type)) &&
			    !strcmp(o->own[k].text, name))
				return true;
	}
	return false;
}

bool cluster_is_template(const struct cluster *c, enum cluster_type type, const char *name,
			 const char **like)
{
	struct suggestion s = suggest_start(name);

	for (size_t i = 0; i < c->count; i++)
		if (c->objects[i]->public.type == type && c->objects[i]->template)
			suggest_offer(&s, c->objects[i]->template);
	*like = s.best;
	return map_get(&c->templates[type], name);
}

static void unknown_template(struct cluster *c, const struct object *o, const char *name,
			     const struct cluster_place *at)
{
	const char *like = NULL, *type = cluster_type_name(o->public.type);

	if (!str_is_name(name) || map_get(&c->untyped, name)) /* reported as such */
		return;
	if (c->error_total < SUGGEST_ERRORS)
		cluster_is_template(c, o->public.type, name, &like);
	if (c->error_total < SUGGEST_ERRORS && is_called(c, o->public.type, name))
		cluster_error(c, at, "%s '%s' is no template, expected 'name %s' in it", type, name,
			      name);
	else if (like)
		cluster_error(c, at, "no %s template is named '%s', expected '%s'", type, name,
			      like);
	else
		cluster_error(c, at,
			      "no %s template is named '%s', expected the `name` of another %s",
			      type, name, type);
}

static void resolve(struct cluster *c, struct object *o, unsigned int depth);

static void use_one(struct cluster *c, struct object *o, struct collector *all, const char *name,
		    const struct cluster_place *at, unsigned int depth)
{
	struct object *parent = map_get(&c->templates[o->public.type], name);

	o->broken |= !parent || parent->resolve == RESOLVE_RUNNING;
	if (!parent) {
		unknown_template(c, o, name, at);
	} else if (parent->resolve == RESOLVE_RUNNING) {
		cluster_error(c, at,
			      "'%s' uses itself in a cycle, expected templates that end somewhere",
			      name);
	} else if (depth >= CLUSTER_USE_DEPTH) {
		cluster_error(c, at, "templates use each other more than %d deep, expected fewer",
			      CLUSTER_USE_DEPTH);
	} else {
		resolve(c, parent, depth + 1);
		o->broken |= parent->broken;
		inherit(c, all, o, parent);
	}
}

static void resolve(struct cluster *c, struct object *o, unsigned int depth)
{
	const struct cluster_value *use = NULL;
	struct collector all;
	char name[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	if (o->resolve == RESOLVE_DONE)
		return;
	o->resolve = RESOLVE_RUNNING;
	all.count = o->own_count;
	all.full = false;
	if (o->own_count)
		memcpy(all.list, o->own, o->own_count * sizeof(o->own[0]));
	for (size_t i = 0; i < o->own_count && !use; i++)
		if (!strcmp(o->own[i].key, "use"))
			use = &o->own[i];
	if (o->range) {
		resolve(c, o->range, depth);
		o->broken |= o->range->broken;
		inherit(c, &all, o, o->range);
	}
	while (use && cluster_list_next(use->text, &pos, name, sizeof(name), &offset)) {
		struct cluster_place at = use->at;

		at.column += (unsigned int)offset;
		use_one(c, o, &all, name, &at, depth);
	}
	if (all.full)
		cluster_error(c, &o->public.at,
			      "more than %d values with the inherited ones, expected fewer",
			      CLUSTER_VALUES_MAX);
	if (is_too_much(c, o, all.count - o->own_count))
		all.count = o->own_count;
	o->public.values = arena_alloc(&c->arena, all.count * sizeof(all.list[0]));
	if (all.count)
		memcpy(o->public.values, all.list, all.count * sizeof(all.list[0]));
	o->public.count = all.count;
	o->resolve = RESOLVE_DONE;
}

void cluster_resolve(struct cluster *c)
{
	for (size_t i = 0; i < c->count; i++)
		resolve(c, c->objects[i], 0);
}
