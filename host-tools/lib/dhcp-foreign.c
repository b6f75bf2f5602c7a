/* What a site's own DHCP server has to know, for ISC dhcpd and for Kea: which hosts there are, and
 * which boot loader each kind of machine gets from here. See dnsmasq.h. */
#include "host-tools/lib/dnsmasq.h"

#include <string.h>

#define CARDS 16

bool dhcp_is_foreign(const struct cluster_object *group)
{
	const char *list = cluster_get(group, "dhcp_server"),
		   *own = cluster_get(group, "lucie_server"),
		   *address = cluster_get(group, "server_address");
	char server[CLUSTER_ITEM_MAX], name[CLUSTER_ITEM_MAX];
	size_t pos = 0, at, offset;

	while (list && cluster_list_next(list, &pos, server, sizeof(server), &offset)) {
		if (address && !strcmp(server, address))
			return false;
		at = 0;
		while (own && cluster_list_next(own, &at, name, sizeof(name), &offset))
			if (!strcmp(server, name))
				return false;
	}
	return list;
}

/* Where no group names another server, a site that has one runs `lucie serve --no-dhcp`. */
static bool is_all_ours(const struct cluster *c)
{
	for (size_t i = 0; i < cluster_count(c, TYPE_LUCIE_GROUP); i++)
		if (dhcp_is_foreign(cluster_at(c, TYPE_LUCIE_GROUP, i)))
			return false;
	return true;
}

/* Calls write() for each card of each host whose group has a DHCP server of its own; of all hosts
 * where no group has. number: of the card, from 1. */
static void for_each_card(struct strbuf *out, const struct cluster *c,
			  void (*write)(struct strbuf *out, const struct cluster_object *host,
					const struct cluster_object *group, const char *mac,
					unsigned int number))
{
	bool all = is_all_ours(c);

	for (size_t i = 0; i < cluster_count(c, TYPE_HOST); i++) {
		const struct cluster_object *host = cluster_at(c, TYPE_HOST, i);
		const struct cluster_object *group =
			cluster_host_ref(c, host, "lucie_group", TYPE_LUCIE_GROUP);
		const char *macs = cluster_get(host, "mac_address");
		char item[CLUSTER_ITEM_MAX], mac[MAC_TEXT];
		size_t pos = 0, offset;
		unsigned int number = 1;

		while (macs && group && (all || dhcp_is_foreign(group)) && number <= CARDS &&
		       cluster_list_next(macs, &pos, item, sizeof(item), &offset))
			if (!str_to_mac(item, mac))
				write(out, host, group, mac, number++);
	}
}

static const char *next_server(const struct cluster_object *group)
{
	const char *address = cluster_get(group, "server_address");

	return address ? address : "0.0.0.0";
}

static void isc_host(struct strbuf *out, const struct cluster_object *host,
		     const struct cluster_object *group, const char *mac, unsigned int number)
{
	strbuf_addf(out, "\thost %s-%u { hardware ethernet %s; fixed-address %s; ", host->name,
		    number, mac, cluster_get(host, "address"));
	strbuf_addf(out, "option host-name \"%s\"; next-server %s; }\n", host->name,
		    next_server(group));
}

int dhcp_foreign_isc(struct strbuf *out, const struct cluster *c)
{
	strbuf_adds(out,
		    "# For the site's ISC dhcpd: include it in dhcpd.conf, behind its subnets.\n"
		    "option lucie-arch code 93 = unsigned integer 16;\n"
		    "group {\n"
		    "\tif option lucie-arch = 00:07 or option lucie-arch = 00:09 {\n"
		    "\t\tfilename \"shimx64.efi\";\n"
		    "\t} else {\n"
		    "\t\tfilename \"lpxelinux.0\";\n"
		    "\t}\n");
	for_each_card(out, c, isc_host);
	return strbuf_adds(out, "}\n");
}

static void kea_host(struct strbuf *out, const struct cluster_object *host,
		     const struct cluster_object *group, const char *mac, unsigned int number)
{
	(void)number;
	strbuf_addf(out, "%s\n\t\t\t{ \"hw-address\": \"%s\", \"ip-address\": \"%s\", ",
		    str_ends(out->buf, "[") ? "" : ",", mac, cluster_get(host, "address"));
	strbuf_addf(out, "\"hostname\": \"%s\", \"next-server\": \"%s\" }", host->name,
		    next_server(group));
}

int dhcp_foreign_kea(struct strbuf *out, const struct cluster *c)
{
	strbuf_adds(out, "{\n\t\"Dhcp4\": {\n\t\t\"reservations-global\": true,\n"
			 "\t\t\"client-classes\": [\n"
			 "\t\t\t{ \"name\": \"lucie-efi64\", \"test\": \"member('KNOWN') and "
			 "(option[93].hex == 0x0007 or option[93].hex == 0x0009)\", "
			 "\"boot-file-name\": \"shimx64.efi\" },\n"
			 "\t\t\t{ \"name\": \"lucie-bios\", \"test\": \"member('KNOWN') and not "
			 "member('lucie-efi64')\", \"boot-file-name\": \"lpxelinux.0\" }\n"
			 "\t\t],\n\t\t\"reservations\": [");
	for_each_card(out, c, kea_host);
	return strbuf_adds(out, "\n\t\t]\n\t}\n}\n");
}
