/* See target-network.h.
 *
 * Cards are found by their hardware address, so that the name that the installed kernel gives them
 * does not matter. Where another interface is made of a card it needs a name: udev gives it that
 * (systemd.link(5)).
 */
#include "modules/lib/target-network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "modules/lib/link.h"
#include "modules/lib/target.h"

#define FILE_MAX   ((size_t)1 << 20)
#define INTERFACES "/etc/network/interfaces"
#define NETWORKD   "/lib/systemd/system/systemd-networkd"
#define UNITS	   "/etc/systemd/system"
#define FOLDER	   "/etc/systemd/network"
#define BOOT_CARD  "lan0" /* what the card that the node boots from is called, if it needs a name */

struct network {
	const char *target;
	const struct plan_section *section;
	struct links links;
	const char *mac;	 /* of the card that the node boots from; NULL: known by name */
	const char *name;	 /* its name; NULL: any */
	char address[24];	 /* with its prefix; "": DHCP */
	const char *gateway;	 /* NULL: none */
	const struct link *bond; /* that it is a part of, and that has its address; NULL */
};

static const char *get(const struct network *n, const char *key)
{
	return plan_get(n->section, key);
}

static int write_text(const struct network *n, const char *path, const struct strbuf *text)
{
	if (text->error)
		return log_err(text->error, "cannot write '%s' in the target", path);
	return target_write(n->target, path, text->buf ? text->buf : "", text->len, 0644);
}

int target_prefix_length(const char *netmask)
{
	struct in_addr a;
	uint32_t bits, length;

	if (!netmask || inet_pton(AF_INET, netmask, &a) != 1)
		return -EINVAL;
	bits = ntohl(a.s_addr);
	length = (uint32_t)__builtin_popcount(bits);
	return length && bits != UINT32_MAX << (32 - length) ? -EINVAL : (int)length;
}

/* What a part of a bond, or what lies below a VLAN, is called. */
static const char *part_name(const struct network *n, const char *part)
{
	return strcmp(part, LINK_BOOT) ? part : n->name;
}

/* --- names of cards --- */

static int name_card(const struct network *n, const char *name, const char *mac)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char path[96];

	snprintf(path, sizeof(path), FOLDER "/10-lucie-%s.link", name);
	strbuf_addf(&text, "[Match]\nType=ether\nPermanentMACAddress=%s\n\n[Link]\nName=%s\n", mac,
		    name);
	return write_text(n, path, &text);
}

static int name_cards(const struct network *n)
{
	int ret = n->mac && n->name ? name_card(n, n->name, n->mac) : 0;

	for (size_t i = 0; !ret && i < n->links.count; i++)
		if (*n->links.list[i].mac)
			ret = name_card(n, n->links.list[i].name, n->links.list[i].mac);
	return ret;
}

/* --- ifupdown --- */

static void ifupdown_address(struct strbuf *out, const char *address, const char *gateway)
{
	if (*address)
		strbuf_addf(out, "\taddress %s\n", address);
	if (*address && gateway && *gateway)
		strbuf_addf(out, "\tgateway %s\n", gateway);
}

/* Of the card that the node boots from. */
static void ifupdown_boot(struct strbuf *out, const struct network *n)
{
	const char *name = n->name ? n->name : "lan";

	if (n->name)
		strbuf_addf(out, "auto %s\n", name);
	else
		strbuf_addf(out, "auto mac/%s=lan\n", n->mac);
	strbuf_addf(out, "iface %s inet %s\n", name,
		    n->bond	  ? "manual"
		    : *n->address ? "static"
				  : "dhcp");
	if (!n->bond)
		ifupdown_address(out, n->address, n->gateway);
}

static void ifupdown_link(struct strbuf *out, const struct network *n, const struct link *l)
{
	bool main = l == n->bond;
	const char *address = main ? n->address : l->address;

	strbuf_addf(out, "\nauto %s\niface %s inet %s\n", l->name, l->name,
		    *address ? "static"
		    : main   ? "dhcp"
			     : "manual");
	ifupdown_address(out, address, main ? n->gateway : l->gateway);
	if (l->mtu)
		strbuf_addf(out, "\tmtu %u\n", l->mtu);
	if (l->vlan)
		strbuf_addf(out, "\tvlan-raw-device %s\n\tvlan-id %u\n", part_name(n, l->parent),
			    l->vlan);
	for (size_t i = 0; i < l->part_count; i++)
		strbuf_addf(out, "%s%s", i ? " " : "\tbond-slaves ", part_name(n, l->parts[i]));
	if (l->part_count)
		strbuf_addf(out, "\n\tbond-mode %s\n\tbond-miimon 100\n", l->mode);
}

static int write_ifupdown(const struct network *n)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ char *main_file = NULL;
	bool bonds = false;
	int ret = target_read(n->target, INTERFACES, FILE_MAX, &main_file);

	if (ret && ret != -ENOENT)
		return ret;
	if (!main_file || !strstr(main_file, "interfaces.d"))
		ret = target_write_text(
			n->target, INTERFACES,
			"auto lo\niface lo inet loopback\n\nsource " INTERFACES ".d/*\n", 0644);
	else
		ret = 0;
	ifupdown_boot(&text, n);
	for (size_t i = 0; i < n->links.count; i++) {
		ifupdown_link(&text, n, &n->links.list[i]);
		bonds |= n->links.list[i].part_count > 0;
	}
	if (bonds && !target_exists(n->target, "/sbin/ifenslave"))
		log_warn(
			"ifupdown needs the package ifenslave for bonds, which the system does not "
			"have");
	return ret ? ret : write_text(n, INTERFACES ".d/lucie", &text);
}

/* --- systemd-networkd --- */

static int enable_networkd(const struct network *n)
{
	int ret = target_symlink(n->target, NETWORKD ".service",
				 UNITS "/multi-user.target.wants/systemd-networkd.service");

	if (ret)
		return ret;
	return target_symlink(n->target, NETWORKD ".socket",
			      UNITS "/sockets.target.wants/systemd-networkd.socket");
}

/* VLANs on it, and the bond that it is a part of. */
static void networkd_uses(struct strbuf *out, const struct network *n, const char *part)
{
	const struct link *bond = links_bond_of(&n->links, part);

	if (bond)
		strbuf_addf(out, "Bond=%s\n", bond->name);
	for (size_t i = 0; i < n->links.count; i++)
		if (!strcmp(n->links.list[i].parent, part))
			strbuf_addf(out, "VLAN=%s\n", n->links.list[i].name);
}

/* What the node has at its own address, be it a card or a bond. */
static void networkd_main(struct strbuf *out, const struct network *n)
{
	const char *domain = get(n, "domain");

	strbuf_addf(out, *n->address ? "Address=%s\n" : "DHCP=yes\n", n->address);
	if (*n->address && n->gateway)
		strbuf_addf(out, "Gateway=%s\n", n->gateway);
	plan_for_each (line, n->section, "dns")
		strbuf_addf(out, "DNS=%s\n", line->value);
	if (domain)
		strbuf_addf(out, "Domains=%s\n", domain);
}

static int networkd_boot(const struct network *n)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	if (n->name)
		strbuf_addf(&text, "[Match]\nName=%s\n", n->name);
	else
		strbuf_addf(&text, "[Match]\nType=ether\nMACAddress=%s\n", n->mac);
	strbuf_adds(&text, "\n[Network]\n");
	networkd_uses(&text, n, LINK_BOOT);
	if (!n->bond)
		networkd_main(&text, n);
	return write_text(n, FOLDER "/10-lucie.network", &text);
}

static int networkd_network(const struct network *n, const struct link *l)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char path[96];

	strbuf_addf(&text, "[Match]\nName=%s\n", l->name);
	if (l->mtu)
		strbuf_addf(&text, "\n[Link]\nMTUBytes=%u\n", l->mtu);
	strbuf_adds(&text, "\n[Network]\n");
	networkd_uses(&text, n, l->name);
	if (l == n->bond)
		networkd_main(&text, n);
	if (*l->address)
		strbuf_addf(&text, "Address=%s\n", l->address);
	if (*l->gateway)
		strbuf_addf(&text, "Gateway=%s\n", l->gateway);
	snprintf(path, sizeof(path), FOLDER "/20-lucie-%s.network", l->name);
	return write_text(n, path, &text);
}

/* What is made of other interfaces. */
static int networkd_device(const struct network *n, const struct link *l)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char path[96];

	strbuf_addf(&text, "[NetDev]\nName=%s\nKind=%s\n", l->name, l->vlan ? "vlan" : "bond");
	if (l->vlan)
		strbuf_addf(&text, "\n[VLAN]\nId=%u\n", l->vlan);
	else
		strbuf_addf(&text, "\n[Bond]\nMode=%s\nMIIMonitorSec=100ms\n", l->mode);
	snprintf(path, sizeof(path), FOLDER "/20-lucie-%s.netdev", l->name);
	return write_text(n, path, &text);
}

static int write_networkd(const struct network *n)
{
	int ret = networkd_boot(n);

	for (size_t i = 0; !ret && i < n->links.count; i++) {
		const struct link *l = &n->links.list[i];

		ret = networkd_network(n, l);
		if (!ret && (l->vlan || l->part_count))
			ret = networkd_device(n, l);
	}
	return ret ? ret : enable_networkd(n);
}

/* --- both --- */

static int read_section(struct network *n)
{
	const char *interface = get(n, "interface"), *address = get(n, "address"), *wrong = "";
	bool by_mac = get(n, "mac") && (!interface || !strcmp(interface, "auto"));
	int prefix = target_prefix_length(get(n, "netmask")),
	    ret = links_parse(&n->links, n->section, &wrong);

	if (ret)
		return log_err(ret, "the link '%s' of the plan cannot be used", wrong);
	if (address && prefix < 0)
		return log_err(-EINVAL, "the plan has an address without a usable netmask");
	if (!by_mac && !interface)
		return log_err(-EINVAL, "the plan names no network interface");
	if (address)
		snprintf(n->address, sizeof(n->address), "%s/%d", address, prefix);
	n->gateway = get(n, "gateway");
	n->mac = by_mac ? get(n, "mac") : NULL;
	n->name = !by_mac ? interface : links_use(&n->links, LINK_BOOT) ? BOOT_CARD : NULL;
	n->bond = links_bond_of(&n->links, LINK_BOOT);
	return 0;
}

int target_network(const char *target, const struct plan_section *section)
{
	struct network n = {.target = target, .section = section};
	int ret = read_section(&n);

	if (!ret)
		ret = name_cards(&n);
	if (ret)
		return ret;
	if (target_exists(target, "/sbin/ifup"))
		return write_ifupdown(&n);
	if (target_exists(target, NETWORKD ".service"))
		return write_networkd(&n);
	log_warn("the base system has neither ifupdown nor systemd-networkd: its network is left "
		 "as it is");
	return 0;
}
