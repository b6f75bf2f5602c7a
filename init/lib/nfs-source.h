/* Where a root over NFS lies: "SERVER:/path[,vers=3|4.1][,port=N][,mountport=N]", what
 * `lucie.nfsroot=` says on the kernel command line; and the same as the kernel's mount(2) wants it.
 * The server is a numeric IPv4 address: no resolver runs before the root is there. Pure. */
#ifndef LUCIE_NFS_SOURCE_H
#define LUCIE_NFS_SOURCE_H

#include <netinet/in.h>

#define NFS_PATH_MAX	256
#define NFS_SOURCE_MAX	(INET_ADDRSTRLEN + NFS_PATH_MAX)
#define NFS_OPTIONS_MAX 256

struct nfs_source {
	char server[INET_ADDRSTRLEN]; /* "" : none */
	char path[NFS_PATH_MAX];
	char version[4];	 /* "3", "4.1" or "4.2" */
	unsigned int port;	 /* 2049 unless said otherwise */
	unsigned int mount_port; /* of version 3's mount daemon; 0: its portmapper knows */
};

/* Splits value, in place. 0 or -EINVAL, *s is empty then. */
int nfs_source_parse(struct nfs_source *s, char *value);
/* "3" or "4.1": a version that nfs_source_parse() takes. */
int nfs_version_check(const char *version);
/* An absolute path that nfs_source_parse() takes. 0 or -EINVAL. */
int nfs_path_check(const char *path);

/* "SERVER:/path" and the options of mount(2). */
void nfs_source_name(const struct nfs_source *s, char out[NFS_SOURCE_MAX]);
void nfs_source_options(const struct nfs_source *s, char out[NFS_OPTIONS_MAX]);

#endif
