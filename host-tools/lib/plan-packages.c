/* What a plan says about packages: where they come from, whose keys count, and which ones. */
#include "host-tools/lib/plan-internal.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"

/* The file on one line, so that armored and binary keys are alike. */
static int write_key(struct plan_maker *m, const struct cluster_object *server)
{
	_cleanup_free_ char *text = NULL, *encoded = NULL;
	const char *path = cluster_get(server, "key");
	size_t len, room;
	int ret = path ? file_read(path, PLAN_KEY_FILE_MAX, &text, &len) : 0;

	if (!path)
		return 0;
	if (ret)
		return plan_refuse(m, ret, "cannot read the key '%s' of package_server '%s': %s",
				   path, server->name, strerror(-ret));
	room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	encoded = xcalloc(1, room);
	sodium_bin2base64(encoded, room, (const unsigned char *)text, len,
			  sodium_base64_VARIANT_ORIGINAL);
	plan_write(m->out, "repository_key", encoded);
	return 0;
}

static int write_repository(struct plan_maker *m, const struct cluster_object *server)
{
	const char *uri = cluster_get(server, "uri"),
		   *components = cluster_get(server, "components");
	const char *trusted = cluster_get(server, "trusted");
	const char *const *servers = m->order->servers;
	_cleanup_free_ char *own = NULL;

	if (!uri && (!servers || !servers[0]))
		return plan_refuse(
			m, -EINVAL,
			"package_server '%s' is this server's own, but lucie_group '%s' has "
			"no server_address",
			server->name, m->group->name);
	if (!uri)
		uri = own = xasprintf("%s/packages/%s", servers[0], server->name);
	plan_writef(m->out, "repository", "%s %s%s%s", uri, cluster_get(server, "suite"),
		    components ? " " : "", components ? components : "");
	if (trusted && !strcmp(trusted, "yes"))
		plan_write(m->out, "trusted", "yes");
	return write_key(m, server);
}

static void write_packages(struct plan_maker *m, struct map *seen, struct arena *arena,
			   const char *list)
{
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (list && cluster_list_next(list, &pos, item, sizeof(item), &offset))
		if (!map_put(seen, arena_strdup(arena, item), m))
			plan_write(m->out, "package", item);
}

/* The host's own packages and those of its services. A service that is not defined is only a name.
 */
static void write_all_packages(struct plan_maker *m)
{
	struct map seen = {0};
	struct arena arena = {0};
	const char *services = plan_host_get(m, "services");
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	write_packages(m, &seen, &arena, plan_host_get(m, "packages"));
	while (services && cluster_list_next(services, &pos, item, sizeof(item), &offset)) {
		const struct cluster_object *service = cluster_find(m->c, TYPE_SERVICE, item);

		if (service)
			write_packages(m, &seen, &arena, cluster_get(service, "packages"));
	}
	map_free(&seen);
	arena_free(&arena);
}

int plan_write_install(struct plan_maker *m)
{
	const char *list = plan_host_get(m, "package_server");
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (list && cluster_list_next(list, &pos, item, sizeof(item), &offset)) {
		const struct cluster_object *server = cluster_find(m->c, TYPE_PACKAGE_SERVER, item);
		int ret = server ? write_repository(m, server)
				 : plan_refuse(m, -EINVAL, "no package_server is named '%s'", item);

		if (ret)
			return ret;
	}
	write_all_packages(m);
	return 0;
}
