/* Whether this machine is the server that a definition describes. */
#ifndef LUCIE_OWN_NETWORK_H
#define LUCIE_OWN_NETWORK_H

#include "host-tools/lib/cluster.h"

/* Warns of each dhcp_interface that is not here, and of each server_address that no interface has:
 * nodes would get no answer. No error, for both may come while the server runs. */
void own_network_check(const struct cluster *c);

#endif
