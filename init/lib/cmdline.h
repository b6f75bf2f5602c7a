/* The kernel command line, as far as it is ours: lucie.* and what pxelinux adds (ip=, BOOTIF=;
 * SYSAPPEND 3). Whoever answers the node's DHCP request writes it, so it is hostile: everything is
 * bounded and checked. Pure. */
#ifndef LUCIE_CMDLINE_H
#define LUCIE_CMDLINE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "init/lib/nfs-source.h"
#include "init/lib/str.h"

#define CMDLINE_MAX	    4096
#define CMDLINE_SERVERS_MAX 8
#define CMDLINE_BREAKS_MAX  8
#define CMDLINE_VALUE_MAX   256
#define SERVER_PORT	    8077 /* where no lucie.server= says another one */

struct cmdline {
	char servers[CMDLINE_SERVERS_MAX]
		    [CMDLINE_VALUE_MAX]; /* http://..., without a slash at the end */
	size_t server_count;
	char plan_file[CMDLINE_VALUE_MAX];   /* "" : the plan is asked for */
	bool shell;			     /* before anything else */
	bool discover;			     /* a machine without a plan waits for one */
	char breaks[CMDLINE_BREAKS_MAX][64]; /* modules before which a shell is opened */
	size_t break_count;
	bool has_address; /* the four below hold */
	struct in_addr address, netmask, gateway /* 0: none */, next_server /* 0: none */;
	char bootif[MAC_TEXT];	   /* "" : not given */
	struct nfs_source nfsroot; /* its server "" : none */
	char wrong[160];	   /* the first word that is ours and cannot be used; "" : none */
};

void cmdline_parse(struct cmdline *c, const char *text, size_t len);
bool cmdline_breaks_at(const struct cmdline *c, const char *module);

#endif
