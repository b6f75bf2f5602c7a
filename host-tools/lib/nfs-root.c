/* See nfs-root.h. A lucie_group says where the server is (nfs_server, nfs_path, nfs_version); where
 * it says nothing, it is the Lucie server, and setup fills in the path. In there each board has a
 * folder. */
#include "host-tools/lib/nfs-root.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/lib/arena.h"
#include "host-tools/lib/map.h"
#include "init/lib/cleanup.h"
#include "init/lib/log.h"

#define NETWORK_TEXT (2 * INET_ADDRSTRLEN)

static bool boots_it(const struct cluster_object *installer)
{
	const char *boot = installer ? cluster_get(installer, "boot") : NULL;

	return boot && !strcmp(boot, "nfsroot");
}

bool nfs_root_booted(const struct cluster *c, const char *installer)
{
	return boots_it(cluster_find(c, TYPE_INSTALLER, installer));
}

bool nfs_root_used(const struct cluster *c)
{
	for (size_t i = 0; i < cluster_count(c, TYPE_INSTALLER); i++)
		if (boots_it(cluster_at(c, TYPE_INSTALLER, i)))
			return true;
	return false;
}

int nfs_root_arg(struct strbuf *out, const struct cluster *c, const struct cluster_object *host)
{
	const struct cluster_object *group =
		cluster_host_ref(c, host, "lucie_group", TYPE_LUCIE_GROUP);
	const char *server = group ? cluster_get(group, "nfs_server") : NULL;
	const char *version = group ? cluster_get(group, "nfs_version") : NULL;
	const char *path = group ? cluster_get(group, "nfs_path") : NULL;

	if (!server && group)
		server = cluster_get(group, "server_address");
	if (!server || !path)
		return log_err(0,
			       "host '%s' boots a root over NFS, but has no lucie_group that "
			       "names its server",
			       host->name);
	return strbuf_addf(out, " lucie.nfsroot=%s:%s/%s,vers=%s", server, path,
			   cluster_host_get(c, host, "board"),
			   version ? version : cluster_default(c, "nfs_version"));
}

/* --- the server's configuration --- */

/* "192.168.10.0/255.255.255.0" of a host; false where its group gives no netmask. */
static bool network_of(const struct cluster_object *host, const struct cluster_object *group,
		       char out[NETWORK_TEXT])
{
	const char *address = cluster_get(host, "address");
	const char *netmask = group ? cluster_get(group, "subnet") : NULL;
	char network[INET_ADDRSTRLEN];
	struct in_addr a, m;

	if (!address || !netmask || inet_pton(AF_INET, address, &a) != 1 ||
	    inet_pton(AF_INET, netmask, &m) != 1)
		return false;
	a.s_addr &= m.s_addr;
	inet_ntop(AF_INET, &a, network, sizeof(network));
	snprintf(out, NETWORK_TEXT, "%s/%s", network, netmask);
	return true;
}

typedef int export_fn(struct strbuf *out, const char *path, const char *network, unsigned int n);

/* Calls add() for each folder and network once; n counts from 1. */
static int each_export(struct strbuf *out, const struct cluster *c, export_fn *add)
{
	struct arena arena = {0};
	struct map seen = {0};
	unsigned int n = 0;
	int ret = 0;

	for (size_t i = 0; !ret && i < cluster_count(c, TYPE_HOST); i++) {
		const struct cluster_object *host = cluster_at(c, TYPE_HOST, i);
		const struct cluster_object *group =
			cluster_host_ref(c, host, "lucie_group", TYPE_LUCIE_GROUP);
		const char *path = group ? cluster_get(group, "nfs_path") : NULL;
		char network[NETWORK_TEXT];

		if (path && network_of(host, group, network) &&
		    !map_put(&seen, arena_printf(&arena, "%s %s", path, network), (void *)host))
			ret = add(out, path, network, ++n);
	}
	map_free(&seen);
	arena_free(&arena);
	return ret;
}

/* subtree_check: the folder is a part of a file system that holds more. */
static int export_line(struct strbuf *out, const char *path, const char *network, unsigned int n)
{
	(void)n;
	return strbuf_addf(out, "%s %s(ro,subtree_check)\n", path, network);
}

int nfs_root_exports(struct strbuf *out, const struct cluster *c)
{
	strbuf_adds(out, "# The nodes' root over NFS. For the kernel's NFS server:\n"
			 "#	ln -s THIS-FILE /etc/exports.d/lucie.exports && exportfs -r\n");
	return each_export(out, c, export_line);
}

/* nfs-ganesha wants 192.168.10.0/24. */
static unsigned int prefix_length(const char *netmask)
{
	struct in_addr m;

	return inet_pton(AF_INET, netmask, &m) == 1 ? (unsigned int)__builtin_popcount(m.s_addr)
						    : 32;
}

/* Ids of a site's own exports are likely to be small. */
static int ganesha_block(struct strbuf *out, const char *path, const char *network, unsigned int n)
{
	size_t len = strcspn(network, "/");

	return strbuf_addf(
		out,
		"EXPORT {\n\tExport_Id = %u;\n\tPath = %s;\n\tPseudo = %s;\n\tAccess_Type = None;\n"
		"\tSquash = Root_Squash;\n\tSecType = sys;\n\tProtocols = 3, 4;\n"
		"\tTransports = TCP;\n"
		"\tCLIENT { Clients = %.*s/%u; Access_Type = RO; }\n\tFSAL { Name = VFS; }\n}\n",
		800 + n, path, path, (int)len, network, prefix_length(network + len + 1));
}

int nfs_root_ganesha(struct strbuf *out, const struct cluster *c)
{
	strbuf_adds(out,
		    "# The nodes' root over NFS. For nfs-ganesha, in /etc/ganesha/ganesha.conf:\n"
		    "#	%include THIS-FILE\n");
	return each_export(out, c, ganesha_block);
}
