/* See nfs-source.h. The options are those of the kernel's own parser (nfs(5) describes them for
 * mount.nfs, which adds addr= itself): with them no helper program is needed, version 3's MOUNT
 * protocol included. */
#include "init/lib/nfs-source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/str.h"

#define NFS_PORT 2049

int nfs_version_check(const char *version)
{
	static const char *const known[] = {"3", "4.1", "4.2"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(version, known[i]))
			return 0;
	return -EINVAL;
}

int nfs_path_check(const char *path)
{
	size_t n = strlen(path);

	if (*path != '/' || n >= NFS_PATH_MAX || !str_is_text(path, n) || strpbrk(path, ", \t"))
		return -EINVAL;
	return 0;
}

static int port_parse(const char *text, unsigned int *port)
{
	uint64_t v;

	if (str_to_u64(text, &v) || v < 1 || v > 65535)
		return -EINVAL;
	*port = (unsigned int)v;
	return 0;
}

static int option_parse(struct nfs_source *s, const char *option)
{
	if (str_starts(option, "port="))
		return port_parse(option + 5, &s->port);
	if (str_starts(option, "mountport="))
		return port_parse(option + 10, &s->mount_port);
	if (!str_starts(option, "vers=") || nfs_version_check(option + 5))
		return -EINVAL;
	snprintf(s->version, sizeof(s->version), "%.3s", option + 5);
	return 0;
}

static int source_parse(struct nfs_source *s, char *value)
{
	char *options = strchr(value, ','), *path = strchr(value, ':'), *option;
	struct in_addr a;

	if (options)
		*options++ = '\0';
	if (!path || (options && path > options))
		return -EINVAL;
	*path++ = '\0';
	if (inet_pton(AF_INET, value, &a) != 1 || !a.s_addr || nfs_path_check(path))
		return -EINVAL;
	inet_ntop(AF_INET, &a, s->server, sizeof(s->server));
	snprintf(s->path, sizeof(s->path), "%s", path);
	while ((option = strsep(&options, ",")))
		if (option_parse(s, option))
			return -EINVAL;
	return 0;
}

int nfs_source_parse(struct nfs_source *s, char *value)
{
	*s = (struct nfs_source){.version = "4.1", .port = NFS_PORT};
	if (!source_parse(s, value))
		return 0;
	*s = (struct nfs_source){.server = ""};
	return -EINVAL;
}

void nfs_source_name(const struct nfs_source *s, char out[NFS_SOURCE_MAX])
{
	snprintf(out, NFS_SOURCE_MAX, "%s:%s", s->server, s->path);
}

/* nolock: the root is read-only, and a lock daemon would have to run before it. */
void nfs_source_options(const struct nfs_source *s, char out[NFS_OPTIONS_MAX])
{
	int n = snprintf(out, NFS_OPTIONS_MAX, "vers=%s,addr=%s,proto=tcp,port=%u,hard,nolock",
			 s->version, s->server, s->port);

	if (*s->version != '3')
		return;
	n += snprintf(out + n, NFS_OPTIONS_MAX - (size_t)n, ",mountproto=tcp,mountaddr=%s",
		      s->server);
	if (s->mount_port)
		snprintf(out + n, NFS_OPTIONS_MAX - (size_t)n, ",mountport=%u", s->mount_port);
}
