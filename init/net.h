/* The installer's own network: the address that pxelinux hands over (ip=, BOOTIF=), else DHCP. */
#ifndef LUCIE_NET_H
#define LUCIE_NET_H

#include <net/if.h>

#include "init/lib/cmdline.h"

struct net_config {
	char interface[IF_NAMESIZE];
	char mac[MAC_TEXT];
	char next_server[INET_ADDRSTRLEN]; /* of pxelinux or DHCP; "" : none */
};

/* Brings the network up. Bounded: two minutes at most, and it says what it waits for. 0, or -errno
 * (logged). */
int net_up(struct net_config *net, const struct cmdline *c);

#endif
