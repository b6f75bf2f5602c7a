/* See own-network.h. */
#include "host-tools/lib/own-network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

static bool has_interface(const struct ifaddrs *all, const char *name)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (!strcmp(i->ifa_name, name))
			return true;
	return false;
}

static bool has_address(const struct ifaddrs *all, const char *text)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1)
		return true;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		const struct sockaddr_in *own = (const void *)i->ifa_addr;

		if (own && own->sin_family == AF_INET && own->sin_addr.s_addr == address.s_addr)
			return true;
	}
	return false;
}

/* "enp1s0, enp2s0": an interface has an AF_PACKET address once, whatever else it has. */
static void add_interfaces(struct strbuf *out, const struct ifaddrs *all)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_PACKET &&
		    !(i->ifa_flags & IFF_LOOPBACK))
			strbuf_addf(out, "%s%s", out->len ? ", " : "", i->ifa_name);
}

static void check_group(const struct cluster_object *group, const struct ifaddrs *all)
{
	const char *interface = cluster_get(group, "dhcp_interface"),
		   *address = cluster_get(group, "server_address");

	if (interface && !has_interface(all, interface)) {
		_cleanup_strbuf_ struct strbuf there = STRBUF_INIT;

		add_interfaces(&there, all);
		log_warn("lucie_group '%s': dhcp_interface '%s' is not here (there are: %s); "
			 "no node will be answered",
			 group->name, interface, there.len ? there.buf : "none");
	}
	if (address && !has_address(all, address))
		log_warn("lucie_group '%s': server_address %s is no address of this machine; its "
			 "nodes will not find it",
			 group->name, address);
}

void own_network_check(const struct cluster *c)
{
	struct ifaddrs *all;

	if (getifaddrs(&all)) {
		log_warn("cannot list the network interfaces: %s", strerror(errno));
		return;
	}
	for (size_t i = 0; i < cluster_count(c, TYPE_LUCIE_GROUP); i++)
		check_group(cluster_at(c, TYPE_LUCIE_GROUP, i), all);
	freeifaddrs(all);
}
