/* dnsmasq's configuration for a cluster: DHCP for the hosts of the definition and for nobody else,
 * and TFTP of the boot files. */
#ifndef LUCIE_DNSMASQ_H
#define LUCIE_DNSMASQ_H

#include "host-tools/lib/cluster.h"

/* state_dir is absolute. Appended to out; its error. */
int dnsmasq_write(struct strbuf *out, const struct cluster *c, const char *state_dir);

#endif
