/* Checks the installers of a definition: every module is known, and stands where what it says of
 * itself (`after`, `needs`) allows; and the hosts that have packages run the module that takes
 * them. */
#include "host-tools/lib/cluster-internal.h"

#include <string.h>

#include "host-tools/lib/suggest.h"
#include "init/lib/str.h"

#define INSTALLER_MODULES_MAX 64

struct module_list {
	const struct module_info *info[INSTALLER_MODULES_MAX];
	struct cluster_place at[INSTALLER_MODULES_MAX];
	size_t count;
};

static size_t list_position(const struct module_list *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->count && strcmp(l->info[i]->name, name); i++)
		;
	return i;
}

/* A file where a name is expected: "site.sh" of module site. */
static void file_as_module(struct cluster *c, const char *file, const struct cluster_place *at)
{
	char *name = arena_strndup(&c->arena, file, strlen(file) - strlen(".sh"));

	if (modules_find(&c->modules, name))
		cluster_error(c, at, "no module is named '%.64s', expected '%s'", file, name);
	else
		cluster_error(c, at,
			      "no module is named '%.64s', expected '%s' and a file modules/%s",
			      file, name, file);
}

static void unknown_module(struct cluster *c, const char *name, const struct cluster_place *at)
{
	struct suggestion s = suggest_start(name);

	for (size_t i = 0; i < c->modules.count; i++)
		if (strcmp(c->modules.list[i]->name, ERASER) != 0)
			suggest_offer(&s, c->modules.list[i]->name);
	if (str_ends(name, ".sh"))
		file_as_module(c, name, at);
	else if (s.best)
		cluster_error(c, at, "no module is named '%.64s', expected '%s'", name, s.best);
	else
		cluster_error(c, at,
			      "no module is named '%.64s', expected a built-in one or "
			      "modules/%s.sh",
			      name, name);
}

static void add_module(struct cluster *c, struct module_list *l, const char *name,
		       const struct cluster_place *at)
{
	const struct module_info *info = modules_find(&c->modules, name);

	if (!info)
		unknown_module(c, name, at);
	else if (list_position(l, name) < l->count)
		cluster_error(c, at, "module '%s' is in the list already, expected it once", name);
	else if (l->count == INSTALLER_MODULES_MAX)
		cluster_error(c, at, "more than %d modules in one installer, expected fewer",
			      INSTALLER_MODULES_MAX);
	else {
		l->info[l->count] = info;
		l->at[l->count++] = *at;
	}
}

/* One of the words of `after` or `needs` of the module at index. */
static void check_order(struct cluster *c, const struct module_list *l, size_t index,
			const char *other, bool needed)
{
	size_t at = list_position(l, other);
	const char *name = l->info[index]->name;

	if (at == l->count && needed)
		cluster_error(c, &l->at[index],
			      "module '%s' needs '%s', expected '%s' before it in the list", name,
			      other, other);
	else if (at < l->count && at > index)
		cluster_error(c, &l->at[index], "module '%s' runs before '%s', expected it after",
			      name, other);
}

static void check_orders(struct cluster *c, const struct module_list *l, size_t index,
			 const char *words, bool needed)
{
	char *rest = arena_strdup(&c->arena, words), *word;

	while ((word = str_word(&rest)))
		check_order(c, l, index, word, needed);
}

void cluster_check_installer(struct cluster *c, const struct object *o)
{
	const struct cluster_value *v = cluster_value(&o->public, "modules");
	struct module_list l = {.count = 0};
	char name[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset, errors = c->error_total;

	cluster_require(c, o, "modules", "NAME, NAME, ...");
	while (v && cluster_list_next(v->text, &pos, name, sizeof(name), &offset)) {
		struct cluster_place at = v->at;

		at.column += (unsigned int)offset;
		if (str_is_name(name))
			add_module(c, &l, name, &at);
	}
	if (c->error_total > errors) /* an order of what is not known says nothing */
		return;
	for (size_t i = 0; i < l.count; i++) {
		check_orders(c, &l, i, l.info[i]->after, false);
		check_orders(c, &l, i, l.info[i]->needs, true);
	}
}

const struct cluster_object *cluster_host_lacks(const struct cluster *c, const struct object *host,
						const char *module)
{
	const struct cluster_object *installer =
		cluster_host_ref(c, &host->public, "installer", TYPE_INSTALLER);

	return installer && !host->broken &&
			       !cluster_list_has(cluster_get(installer, "modules"), module)
		       ? installer
		       : NULL;
}

/* What brings the host packages of its own: "packages", or a service by its name; NULL: nothing. */
static const char *brings_packages(const struct cluster *c, const struct object *host)
{
	const char *services = cluster_host_get(c, &host->public, "services");
	char name[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	if (cluster_host_get(c, &host->public, "packages"))
		return "packages";
	while (services && cluster_list_next(services, &pos, name, sizeof(name), &offset)) {
		const struct cluster_object *service = cluster_find(c, TYPE_SERVICE, name);

		if (service && cluster_get(service, "packages"))
			return service->name;
	}
	return NULL;
}

/* Packages that no module takes would silently not be there. */
void cluster_check_host_packages(struct cluster *c, struct object *host)
{
	const struct cluster_object *installer = cluster_host_lacks(c, host, "install");
	const char *by = installer ? brings_packages(c, host) : NULL;

	if (!by)
		return;
	cluster_error(c, &host->public.at,
		      "host '%s' has %s%s, but its installer '%s' does not run the module "
		      "'install', expected one that does, like 'installer full'",
		      host->public.name, strcmp(by, "packages") ? "packages of service " : "", by,
		      installer->name);
}
