/* DHCP and TFTP for a cluster: for the hosts of the definition and, where it lets unknown machines
 * wait, for those. A site's own DHCP server (`dhcp_server` names neither lucie_server nor
 * server_address) keeps giving out the addresses: dnsmasq only adds what there is to boot then
 * (proxy-DHCP). */
#ifndef LUCIE_DNSMASQ_H
#define LUCIE_DNSMASQ_H

#include "host-tools/lib/cluster.h"

/* dnsmasq's configuration. state_dir is absolute. Appended to out; its error. */
int dnsmasq_write(struct strbuf *out, const struct cluster *c, const char *state_dir);

bool dhcp_is_foreign(const struct cluster_object *group);
/* What the site's own server may be told instead, for ISC dhcpd and for Kea. */
int dhcp_foreign_isc(struct strbuf *out, const struct cluster *c);
int dhcp_foreign_kea(struct strbuf *out, const struct cluster *c);

#endif
