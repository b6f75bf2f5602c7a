/* Nodes whose root is over NFS (an installer's `boot nfsroot`): which they are, what their kernel is
 * told, and the configuration of the NFS server. */
#ifndef LUCIE_NFS_ROOT_H
#define LUCIE_NFS_ROOT_H

#include "host-tools/lib/cluster.h"
#include "init/lib/str.h"

/* Whether the installer of this name boots it. */
bool nfs_root_booted(const struct cluster *c, const char *installer);
/* Whether any installer does: any host may be told to run any of them. */
bool nfs_root_used(const struct cluster *c);

/* " lucie.nfsroot=SERVER:PATH/BOARD,vers=V" of a host; -errno (logged). */
int nfs_root_arg(struct strbuf *out, const struct cluster *c, const struct cluster_object *host);

/* exports(5) for the kernel's server, and a file to be included by nfs-ganesha's configuration;
 * read-only, for the networks of the definition's hosts. */
int nfs_root_exports(struct strbuf *out, const struct cluster *c);
int nfs_root_ganesha(struct strbuf *out, const struct cluster *c);

#endif
