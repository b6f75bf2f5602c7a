/* Which hosts no error touches, so that what is wrong with their plans is said in the same run. An
 * error taints the object that it stands in, and what has taken a value from there. One that stands in
 * none, as of a file that cannot be included, hides what any host may need. */
#include "host-tools/lib/cluster-internal.h"

#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"

/* The objects that stand in files, by file and line. */
struct index {
	struct object **list;
	size_t count;
};

static int by_place(const void *a, const void *b)
{
	const struct cluster_place *x = &(*(struct object *const *)a)->public.at,
				   *y = &(*(struct object *const *)b)->public.at;
	int order = strcmp(x->file, y->file);

	return order ? order : x->line < y->line ? -1 : x->line > y->line;
}

static struct index index_make(const struct cluster *c)
{
	struct index x = {.list = xcalloc(c->count + 1, sizeof(*x.list))};

	for (size_t i = 0; i < c->count; i++)
		if (!c->objects[i]->range)
			x.list[x.count++] = c->objects[i];
	qsort(x.list, x.count, sizeof(*x.list), by_place);
	return x;
}

/* The one that the place is in; NULL. */
static struct object *object_at(const struct index *x, const struct cluster_place *at)
{
	struct object probe = {.public.at = *at}, *p = &probe, *o;
	size_t from = 0, to = x->count;

	while (from < to) {
		size_t middle = (from + to) / 2;

		if (by_place(&x->list[middle], &p) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	o = from ? x->list[from - 1] : NULL;
	return o && !strcmp(o->public.at.file, at->file) && at->line <= o->last_line ? o : NULL;
}

/* Of the others a plan may have something that no key of the host names. */
static bool is_followed(enum cluster_type type)
{
	return type == TYPE_HOST || type == TYPE_LUCIE_GROUP || type == TYPE_HOST_GROUP ||
	       type == TYPE_INSTALLER || type == TYPE_DISK_LAYOUT || type == TYPE_BASE;
}

static void taint_one(const struct index *x, struct object *o)
{
	o->tainted |= o->broken || (o->range && o->range->tainted);
	for (size_t i = 0; !o->tainted && i < o->public.count; i++) {
		const struct object *origin = object_at(x, &o->public.values[i].at);

		o->tainted = origin && origin->tainted;
	}
}

void cluster_taint(struct cluster *c)
{
	struct index x;

	if (!c->error_total)
		return;
	x = index_make(c);
	c->unsound = c->error_total > c->error_count;
	for (size_t i = 0; i < c->error_count; i++) {
		struct object *o = object_at(&x, &c->errors[i].at);

		c->unsound |= !o || !is_followed(o->public.type);
		if (o)
			o->tainted = true;
	}
	for (size_t i = 0; !c->unsound && i < c->count; i++)
		taint_one(&x, c->objects[i]);
	free(x.list);
}

bool cluster_host_is_sound(const struct cluster *c, const struct cluster_object *host)
{
	static const struct {
		const char *key;
		enum cluster_type type;
	} refs[] = {{"lucie_group", TYPE_LUCIE_GROUP},
		    {"installer", TYPE_INSTALLER},
		    {"disk_layout", TYPE_DISK_LAYOUT},
		    {"base", TYPE_BASE}};
	const struct object *o = (const struct object *)host;
	bool sound = !c->unsound && !o->tainted;

	for (size_t i = 0; sound && i < ARRAY_SIZE(refs); i++) {
		const struct cluster_object *ref =
			cluster_host_ref(c, host, refs[i].key, refs[i].type);

		sound = !ref || !((const struct object *)ref)->tainted;
	}
	for (size_t i = 0; sound && i < o->group_count; i++)
		sound = !o->groups[i]->tainted;
	return sound;
}
