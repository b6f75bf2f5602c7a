/* The definition as a whole: loading, collecting its errors, and looking things up in it; see
 * cluster.h. */
#include "host-tools/lib/cluster-internal.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

/* --- errors --- */

static size_t file_index(const struct cluster *c, const char *file)
{
	size_t i;

	for (i = 0; i < c->file_count && c->files[i] != file; i++)
		;
	return i;
}

void cluster_error(struct cluster *c, const struct cluster_place *at, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	struct cluster_error *e;
	va_list ap;

	if (c->error_total++ >= CLUSTER_ERRORS_MAX)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	c->errors = xrealloc(c->errors, c->error_count + 1, sizeof(*c->errors));
	e = &c->errors[c->error_count++];
	*e = (struct cluster_error){
		.at = *at, .file = file_index(c, at->file), .text = arena_strdup(&c->arena, text)};
}

static int by_place(const void *a, const void *b)
{
	const struct cluster_error *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->at.file != y->at.file && strcmp(x->at.file, y->at.file))
		return strcmp(x->at.file, y->at.file);
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->at.column != y->at.column)
		return x->at.column < y->at.column ? -1 : 1;
	return strcmp(x->text, y->text);
}

/* What stands in a template is wrong once, however many use it. */
static int report_errors(struct cluster *c, cluster_error_fn *error, void *arg)
{
	size_t shown = 0;

	if (c->error_count)
		qsort(c->errors, c->error_count, sizeof(*c->errors), by_place);
	for (size_t i = 0; i < c->error_count; i++) {
		const struct cluster_error *e = &c->errors[i];
		_cleanup_free_ char *line = NULL;

		if (i && !by_place(e, e - 1))
			continue;
		line = xasprintf("%s:%u:%u: %s", e->at.file, e->at.line, e->at.column, e->text);
		error(line, arg);
		shown++;
	}
	if (c->error_total > c->error_count) {
		_cleanup_free_ char *line =
			xasprintf("and %zu more errors", c->error_total - c->error_count);

		error(line, arg);
	}
	return (int)(shown + c->error_total - c->error_count);
}

static void module_error(const char *path, unsigned int line, const char *message, void *arg)
{
	struct cluster *c = arg;

	cluster_error(c, &(struct cluster_place){arena_strdup(&c->arena, path), line, 1}, "%s",
		      message);
}

/* --- loading --- */

static void add_object(struct cluster *c, struct object *o)
{
	if (!(c->count & (c->count - 1)))
		c->objects = xrealloc(c->objects, c->count ? c->count * 2 : 1, sizeof(*c->objects));
	c->objects[c->count++] = o;
}

struct object *cluster_object_add(struct cluster *c, enum cluster_type type,
				  struct cluster_place at)
{
	struct object *o = arena_alloc(&c->arena, sizeof(*o));

	o->public = (struct cluster_object){
		.type = type, .name = "", .registered = true, .builtin = c->in_builtins, .at = at};
	add_object(c, o);
	return o;
}

static const struct cluster_value *own_value(const struct object *o, const char *key)
{
	for (size_t i = 0; i < o->own_count; i++)
		if (!strcmp(o->own[i].key, key))
			return &o->own[i];
	return NULL;
}

static void defined_twice(struct cluster *c, struct object *o, const struct object *first,
			  const struct cluster_value *name)
{
	if (o->range && o->range->shown & SHOWN_NAMES)
		return;
	if (o->range)
		o->range->shown |= SHOWN_NAMES;
	cluster_error(c, &name->at, "%s '%s' is defined at %s:%u already, expected another name",
		      cluster_type_name(o->public.type), name->text, first->public.at.file,
		      first->public.at.line);
}

/* Enters an object under its names. */
static void index_object(struct cluster *c, struct object *o)
{
	enum cluster_type type = o->public.type;
	const char *key = cluster_identity_key(type);
	const struct cluster_value *reg = own_value(o, "register"), *name = own_value(o, "name"),
				   *identity = own_value(o, key);
	struct object *first;

	if (name)
		o->template = name->text;
	o->public.registered = !reg || strcmp(reg->text, "0");
	if (!identity && o->public.registered && !o->broken && !o->ranged)
		cluster_error(c, &o->public.at, "'%s' without a name, expected '%s NAME'",
			      cluster_type_name(type), key);
	o->public.registered = o->public.registered && identity;
	o->public.name = o->public.registered ? identity->text : name ? name->text : "";

	first = name ? map_put(&c->templates[type], name->text, o) : NULL;
	if (first && o->public.builtin)
		o->public.registered = false;
	else if (first)
		defined_twice(c, o, first, name);
	if (!o->public.registered)
		return;
	first = map_put(&c->by_name[type], o->public.name, o);
	if (first && identity != name)
		defined_twice(c, o, first, identity);
	if (first)
		return;
	if (!c->registered[type])
		c->registered[type] = xcalloc(c->count, sizeof(*c->registered[type]));
	c->registered[type][c->registered_count[type]++] = o;
}

/* Each range is followed by the hosts that it stands for. */
static void check_and_make(struct cluster *c)
{
	struct object **read = c->objects;
	size_t count = c->count;

	c->objects = NULL;
	c->count = 0;
	for (size_t i = 0; i < count; i++) {
		cluster_check_values(c, read[i]);
		add_object(c, read[i]);
		if (cluster_is_range(read[i]))
			cluster_make_range(c, read[i]);
	}
	free(read);
}

static int load(struct cluster **out, const char *name, const char *dir, const char *text,
		size_t len, cluster_error_fn *error, void *arg)
{
	struct cluster *c = xcalloc(1, sizeof(*c));
	_cleanup_free_ char *real = dir ? realpath(*dir ? dir : ".", NULL) : NULL;

	c->dir = real ? arena_strdup(&c->arena, real) : NULL;
	modules_load(&c->modules, dir ? arena_printf(&c->arena, "%smodules", dir) : NULL,
		     module_error, c);
	cluster_read_text(c, name, dir, text, len);
	c->in_builtins = true;
	cluster_read_text(c, "(defaults)", NULL, cluster_builtins, strlen(cluster_builtins));
	c->in_builtins = false;
	check_and_make(c);
	for (size_t i = 0; i < c->count; i++)
		index_object(c, c->objects[i]);
	cluster_resolve(c);
	cluster_check_objects(c);
	cluster_taint(c);
	*out = c;
	return report_errors(c, error, arg);
}

int cluster_load_beside(struct cluster **out, const char *path, const char *dir,
			cluster_error_fn *error, void *arg)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int ret = file_read(path, CLUSTER_FILE_MAX, &text, &len);

	*out = NULL;
	return ret ? log_err(ret, "cannot read the definition '%s'", path)
		   : load(out, path, dir, text, len, error, arg);
}

int cluster_load(struct cluster **out, const char *path, cluster_error_fn *error, void *arg)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = xasprintf("%.*s", slash ? (int)(slash - path) + 1 : 0, path);

	return cluster_load_beside(out, path, dir, error, arg);
}

int cluster_load_text(struct cluster **out, const char *name, const char *text, size_t len,
		      cluster_error_fn *error, void *arg)
{
	return load(out, name, NULL, text, len, error, arg);
}

int cluster_check_grammar(const char *name, const char *text, size_t len, cluster_error_fn *error,
			  void *arg)
{
	struct cluster *c = xcalloc(1, sizeof(*c));
	int errors;

	c->alone = true;
	cluster_read_text(c, name, NULL, text, len);
	errors = report_errors(c, error, arg);
	cluster_free(c);
	return errors;
}

void cluster_free(struct cluster *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++) {
		free(c->objects[i]->own);
		free(c->objects[i]->groups);
	}
	for (int t = 0; t < TYPE_COUNT; t++) {
		free(c->registered[t]);
		map_free(&c->by_name[t]);
		map_free(&c->templates[t]);
	}
	cluster_free_mac_files(c);
	map_free(&c->macs);
	map_free(&c->link_macs);
	map_free(&c->addresses);
	map_free(&c->host_names);
	map_free(&c->untyped);
	map_free(&c->ports);
	modules_free(&c->modules);
	free(c->objects);
	free(c->errors);
	arena_free(&c->arena);
	free(c);
}

/* --- looking up --- */

size_t cluster_count(const struct cluster *c, enum cluster_type type)
{
	return c->registered_count[type];
}

const struct cluster_object *cluster_at(const struct cluster *c, enum cluster_type type,
					size_t index)
{
	return index < c->registered_count[type] ? &c->registered[type][index]->public : NULL;
}

const struct cluster_object *cluster_find(const struct cluster *c, enum cluster_type type,
					  const char *name)
{
	return map_get(&c->by_name[type], name);
}

const struct cluster_object *cluster_host_by_mac(const struct cluster *c, const char *mac)
{
	char canonical[MAC_TEXT], item[CLUSTER_ITEM_MAX], own[MAC_TEXT];
	const struct cluster_object *host;
	size_t pos = 0, offset;

	host = str_to_mac(mac, canonical) ? NULL : map_get(&c->macs, canonical);
	while (host && cluster_list_next(cluster_get(host, "mac_address"), &pos, item, sizeof(item),
					 &offset))
		if (!str_to_mac(item, own) && !strcmp(own, canonical))
			return host;
	return NULL; /* or one that it had before cluster_replace_macs() */
}

const struct modules *cluster_modules(const struct cluster *c)
{
	return &c->modules;
}

const struct cluster_value *cluster_value(const struct cluster_object *o, const char *key)
{
	for (size_t i = 0; i < o->count; i++)
		if (!strcmp(o->values[i].key, key))
			return &o->values[i];
	return NULL;
}

const char *cluster_get(const struct cluster_object *o, const char *key)
{
	const struct cluster_value *v = cluster_value(o, key);

	return v ? v->text : NULL;
}

/* The host or the first of its host_groups that says key; NULL. */
static const struct cluster_object *near_owner(const struct object *host, const char *key)
{
	if (cluster_value(&host->public, key))
		return &host->public;
	for (size_t i = 0; i < host->group_count; i++)
		if (cluster_value(&host->groups[i]->public, key))
			return &host->groups[i]->public;
	return NULL;
}

const struct cluster_object *cluster_host_owner(const struct cluster *c,
						const struct cluster_object *host, const char *key)
{
	const struct cluster_object *owner = near_owner(object_of(host), key), *group;

	if (owner || !strcmp(key, "lucie_group"))
		return owner;
	group = cluster_host_ref(c, host, "lucie_group", TYPE_LUCIE_GROUP);
	return group && cluster_value(group, key) ? group : NULL;
}

const char *cluster_default(const struct cluster *c, const char *key)
{
	const struct key_spec *spec;

	if (!strcmp(key, "files"))
		return c->default_files;
	for (size_t i = 0; (spec = cluster_key_at(i)); i++)
		if (!strcmp(spec->name, key))
			return spec->fallback;
	return NULL;
}

const char *cluster_host_get(const struct cluster *c, const struct cluster_object *host,
			     const char *key)
{
	const struct cluster_object *owner = cluster_host_owner(c, host, key);

	return owner ? cluster_get(owner, key) : cluster_default(c, key);
}

const struct cluster_object *cluster_host_ref(const struct cluster *c,
					      const struct cluster_object *host, const char *key,
					      enum cluster_type type)
{
	const char *list = cluster_host_get(c, host, key);
	char name[64];
	size_t pos = 0, offset;

	return list && cluster_list_next(list, &pos, name, sizeof(name), &offset)
		       ? cluster_find(c, type, name)
		       : NULL;
}

const struct cluster_object *cluster_host_group(const struct cluster_object *host, size_t index)
{
	const struct object *o = object_of(host);

	return index < o->group_count ? &o->groups[index]->public : NULL;
}
