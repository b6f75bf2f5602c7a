/* Checks what travels over rings: the data sets of a definition, the ports of their masters and of
 * those of bases, and that the hosts that have data sets run the module that takes them. */
#include "host-tools/lib/cluster-internal.h"

#include <string.h>
#include <sys/stat.h>

#include "host-tools/lib/rings.h"
#include "init/lib/str.h"

void cluster_check_dataset(struct cluster *c, const struct object *o)
{
	const struct cluster_value *target = cluster_value(&o->public, "target");
	const char *source = cluster_get(&o->public, "source");
	struct stat st;

	cluster_require(c, o, "source", "PATH");
	cluster_require(c, o, "target", "/PATH");
	if (target && source && !c->compiled && str_starts(target->text, "raw:") &&
	    !stat(source, &st) && S_ISDIR(st.st_mode))
		cluster_error(c, &target->at,
			      "'%s' is a folder, which a raw partition cannot hold, expected a "
			      "file or a disk as the source",
			      source);
}

/* Two masters cannot listen on one port. */
void cluster_check_ring_port(struct cluster *c, const struct object *o)
{
	const struct cluster_value *v = cluster_value(&o->public, "port");
	const char *port;
	const struct object *other;

	if (o->broken || !rings_has(&o->public))
		return;
	port = arena_printf(&c->arena, "%u", rings_port(&o->public));
	for (size_t i = 0; i < c->registered_count[TYPE_LUCIE_GROUP]; i++) {
		const struct cluster_object *group = &c->registered[TYPE_LUCIE_GROUP][i]->public;
		const char *http = cluster_get(group, "http_port");

		if (!strcmp(port, http ? http : cluster_default(c, "http_port")))
			cluster_error(c, v ? &v->at : &o->public.at,
				      "the ring of %s '%s' has port %s, the http_port of "
				      "lucie_group '%s', expected 'port' with another one",
				      cluster_type_name(o->public.type), o->public.name, port,
				      group->name);
	}
	other = map_put(&c->ports, port, (void *)o);
	if (other)
		cluster_error(
			c, v ? &v->at : &o->public.at,
			"the ring of %s '%s' has port %s, as that of %s '%s', expected 'port' "
			"with another one",
			cluster_type_name(o->public.type), o->public.name, port,
			cluster_type_name(other->public.type), other->public.name);
}

/* Data sets that no module takes would silently not be there. */
void cluster_check_host_datasets(struct cluster *c, struct object *host)
{
	const struct cluster_object *installer = cluster_host_lacks(c, host, "dolly");

	if (!installer || !cluster_host_get(c, &host->public, "datasets"))
		return;
	cluster_error(c, &host->public.at,
		      "host '%s' has datasets, but its installer '%s' does not run the module "
		      "'dolly', expected one that does, like 'installer data'",
		      host->public.name, installer->name);
}
