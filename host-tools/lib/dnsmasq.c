/* See dnsmasq.h. Each lucie_group is a tag, so that several networks can hang on one server. No
 * DNS, no router advertisements. */
#include "host-tools/lib/dnsmasq.h"

#include <arpa/inet.h>
#include <string.h>

#include "host-tools/lib/arena.h"
#include "host-tools/lib/map.h"
#include "init/lib/cleanup.h"

#define LEASES_SPARE 100
#define TFTP_MAX     1000 /* transfers at once; 50, the default, loses nodes of a boot storm */

static size_t lease_count(const struct cluster *c)
{
	size_t count = cluster_count(c, TYPE_HOST) + LEASES_SPARE;
	uint32_t first, last;

	for (size_t i = 0; i < cluster_count(c, TYPE_LUCIE_GROUP); i++)
		if (cluster_discover_range(cluster_at(c, TYPE_LUCIE_GROUP, i), &first, &last))
			count += last - first + 1;
	return count;
}

static void write_head(struct strbuf *out, const struct cluster *c, const char *state_dir)
{
	strbuf_adds(out, "# Written by lucie setup, and again by the next one.\n"
			 "port=0\nno-hosts\nno-resolv\nbind-dynamic\nexcept-interface=lo\n");
	strbuf_addf(out, "dhcp-leasefile=%s/dnsmasq.leases\n", state_dir);
	strbuf_addf(out, "dhcp-lease-max=%zu\n", lease_count(c));
	if (!cluster_discovers(c))
		strbuf_adds(out, "# Only the hosts below are answered.\ndhcp-ignore=tag:!known\n");
	else
		strbuf_adds(out, "# Nobody has an address of a discover_range. To ask each of them "
				 "first holds all machines up for 3 s.\nno-ping\n");
	strbuf_addf(out, "enable-tftp\ntftp-root=%s/tftp\ntftp-max=%d\n", state_dir, TFTP_MAX);
	strbuf_adds(out, "# A block fits in one Ethernet frame, also where this server's interface "
			 "has jumbo frames.\ntftp-mtu=1500\n");
	strbuf_adds(out, "# UEFI machines: 7 and 9 are what they call themselves; all others have "
			 "a BIOS.\ndhcp-match=set:efi64,option:client-arch,7\n"
			 "dhcp-match=set:efi64,option:client-arch,9\n");
}

/* An option without a value: nothing is sent, where dnsmasq would send itself. */
static void write_option(struct strbuf *out, const char *group, const char *option,
			 const char *value)
{
	strbuf_addf(out, "dhcp-option=tag:%s,option:%s%s%s\n", group, option, value ? "," : "",
		    value ? value : "");
}

static void write_dns(struct strbuf *out, const struct cluster_object *group)
{
	static const char *const keys[] = {"dns1", "dns2", "dns3"};
	_cleanup_strbuf_ struct strbuf list = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *dns = cluster_get(group, keys[i]);

		if (dns)
			strbuf_addf(&list, "%s%s", list.len ? "," : "", dns);
	}
	write_option(out, group->name, "dns-server", list.buf);
}

/* The network of the group's hosts; "" where nothing tells. */
static void group_network(const struct cluster *c, const struct cluster_object *group,
			  char network[INET_ADDRSTRLEN])
{
	struct in_addr mask, a;
	uint32_t first, last;

	network[0] = '\0';
	if (inet_pton(AF_INET, cluster_get(group, "subnet"), &mask) != 1)
		return;
	if (cluster_discover_range(group, &first, &last)) {
		a.s_addr = htonl(first) & mask.s_addr;
		inet_ntop(AF_INET, &a, network, INET_ADDRSTRLEN);
		return;
	}
	for (size_t i = 0; i < cluster_count(c, TYPE_HOST); i++) {
		const struct cluster_object *host = cluster_at(c, TYPE_HOST, i);

		if (cluster_host_ref(c, host, "lucie_group", TYPE_LUCIE_GROUP) != group ||
		    inet_pton(AF_INET, cluster_get(host, "address"), &a) != 1)
			continue;
		a.s_addr &= mask.s_addr;
		inet_ntop(AF_INET, &a, network, INET_ADDRSTRLEN);
		return;
	}
}

/* For machines that no host is: they wait to be named. */
static void write_discover_range(struct strbuf *out, const struct cluster_object *group)
{
	char from[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN];
	uint32_t first, last;

	if (!cluster_discover_range(group, &first, &last))
		return;
	inet_ntop(AF_INET, &(struct in_addr){htonl(first)}, from, sizeof(from));
	inet_ntop(AF_INET, &(struct in_addr){htonl(last)}, to, sizeof(to));
	strbuf_addf(out, "dhcp-range=tag:!known,set:%s,%s,%s,%s,1h\n", group->name, from, to,
		    cluster_get(group, "subnet"));
}

static void write_loader(struct strbuf *out, const struct cluster_object *group, const char *tag,
			 const char *file)
{
	const char *server = cluster_get(group, "server_address");

	strbuf_addf(out, "dhcp-boot=tag:%s,tag:%s,%s%s%s\n", group->name, tag, file,
		    server ? ",," : "", server ? server : "");
}

/* The site's own DHCP server answers, and this one beside it. 0: what there is to boot is taken at
 * once, without a menu. */
static void write_proxy(struct strbuf *out, const struct cluster_object *group, const char *network)
{
	static const char *const machines[][2] = {
		{"x86PC", "lpxelinux.0"}, {"X86-64_EFI", "shimx64.efi"}, {"BC_EFI", "shimx64.efi"}};
	const char *server = cluster_get(group, "server_address");

	strbuf_addf(out, "dhcp-range=%s,proxy,%s\n", network, cluster_get(group, "subnet"));
	strbuf_addf(out, "pxe-prompt=tag:%s,\"Lucie\",0\n", group->name);
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		strbuf_addf(out, "pxe-service=tag:%s,%s,\"Lucie\",%s%s%s\n", group->name,
			    machines[i][0], machines[i][1], server ? "," : "",
			    server ? server : "");
}

static void write_addresses(struct strbuf *out, const struct cluster_object *group,
			    const char *network, bool first)
{
	if (first)
		strbuf_addf(out, "dhcp-range=%s,static,%s\n", network,
			    cluster_get(group, "subnet"));
	write_discover_range(out, group);
	write_option(out, group->name, "netmask", cluster_get(group, "subnet"));
	write_option(out, group->name, "router", cluster_get(group, "gateway"));
	write_dns(out, group);
	if (cluster_get(group, "domain_name"))
		write_option(out, group->name, "domain-name", cluster_get(group, "domain_name"));
	write_loader(out, group, "!efi64", "lpxelinux.0");
	write_loader(out, group, "efi64", "shimx64.efi");
}

static void write_group(struct strbuf *out, const struct cluster *c,
			const struct cluster_object *group, struct map *seen, struct arena *arena)
{
	const char *interface = cluster_get(group, "dhcp_interface");
	char network[INET_ADDRSTRLEN];
	bool first;

	group_network(c, group, network);
	if (!network[0])
		return;
	strbuf_addf(out, "\n# lucie_group %s\n", group->name);
	if (interface && !map_put(seen, arena_strdup(arena, interface), out))
		strbuf_addf(out, "interface=%s\n", interface);
	first = !map_put(seen, arena_strdup(arena, network), out);
	if (dhcp_is_foreign(group))
		write_proxy(out, group, network);
	else
		write_addresses(out, group, network, first);
}

static void write_host(struct strbuf *out, const struct cluster *c,
		       const struct cluster_object *host)
{
	const struct cluster_object *group =
		cluster_host_ref(c, host, "lucie_group", TYPE_LUCIE_GROUP);
	const char *macs = cluster_get(host, "mac_address");
	char item[CLUSTER_ITEM_MAX], mac[MAC_TEXT];
	size_t pos = 0, offset;

	strbuf_adds(out, "dhcp-host=");
	while (cluster_list_next(macs, &pos, item, sizeof(item), &offset))
		if (!str_to_mac(item, mac))
			strbuf_addf(out, "%s,", mac);
	strbuf_addf(out, "set:%s,%s,%s\n", group->name, cluster_get(host, "address"), host->name);
}

int dnsmasq_write(struct strbuf *out, const struct cluster *c, const char *state_dir)
{
	struct map seen = {0}; /* networks and interfaces: each is said once */
	struct arena arena = {0};

	write_head(out, c, state_dir);
	for (size_t i = 0; i < cluster_count(c, TYPE_LUCIE_GROUP); i++)
		write_group(out, c, cluster_at(c, TYPE_LUCIE_GROUP, i), &seen, &arena);
	strbuf_adds(out, "\n# hosts\n");
	for (size_t i = 0; i < cluster_count(c, TYPE_HOST); i++)
		write_host(out, c, cluster_at(c, TYPE_HOST, i));
	map_free(&seen);
	arena_free(&arena);
	return out->error;
}
