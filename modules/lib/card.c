/* See card.h. */
#include "modules/lib/card.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"

static int parse_address(struct card *c, char *text)
{
	char *slash = strchr(text, '/');
	uint64_t bits;

	if (!slash)
		return -EINVAL;
	*slash = '\0';
	if (inet_pton(AF_INET, text, &c->address) != 1 || str_to_u64(slash + 1, &bits) || !bits ||
	    bits > 32)
		return -EINVAL;
	c->netmask.s_addr = htonl(UINT32_MAX << (32 - bits));
	return 0;
}

int card_parse(struct card *c, const char *text)
{
	char copy[96], *rest = copy, *which, *address, *mtu;
	uint64_t v = 0;

	memset(c, 0, sizeof(*c));
	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return -EINVAL;
	which = str_word(&rest);
	address = str_word(&rest);
	mtu = str_word(&rest);
	if (!which || !address || (mtu && (str_to_u64(mtu, &v) || v > 65535)))
		return -EINVAL;
	c->mtu = (unsigned int)v;
	if (str_to_mac(which, c->mac)) {
		if (strlen(which) >= sizeof(c->name))
			return -EINVAL;
		snprintf(c->name, sizeof(c->name), "%s", which);
	}
	return parse_address(c, address);
}

static bool has_mac(int fd, const char *name, const char *mac)
{
	struct ifreq q = {0};
	const unsigned char *a = (unsigned char *)q.ifr_hwaddr.sa_data;
	char text[MAC_TEXT];

	snprintf(q.ifr_name, sizeof(q.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFHWADDR, &q) || q.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return false;
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4],
		 a[5]);
	return !strcmp(text, mac);
}

static int find(int fd, const struct card *c, char name[IF_NAMESIZE])
{
	struct if_nameindex *all = *c->name ? NULL : if_nameindex();

	snprintf(name, IF_NAMESIZE, "%s", c->name);
	for (struct if_nameindex *i = all; i && i->if_index && !*name; i++)
		if (has_mac(fd, i->if_name, c->mac))
			snprintf(name, IF_NAMESIZE, "%s", i->if_name);
	if (all)
		if_freenameindex(all);
	return *name && if_nametoindex(name) ? 0 : -ENODEV;
}

static int set_address(int fd, const char *name, unsigned long what, struct in_addr address)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = address};
	struct ifreq q = {0};

	snprintf(q.ifr_name, sizeof(q.ifr_name), "%s", name);
	memcpy(&q.ifr_addr, &a, sizeof(a));
	return ioctl(fd, what, &q) ? -errno : 0;
}

static int switch_on(int fd, const char *name, unsigned int mtu)
{
	struct ifreq q = {0};

	snprintf(q.ifr_name, sizeof(q.ifr_name), "%s", name);
	q.ifr_mtu = (int)mtu;
	if (mtu && ioctl(fd, SIOCSIFMTU, &q))
		return -errno;
	if (ioctl(fd, SIOCGIFFLAGS, &q))
		return -errno;
	q.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &q) ? -errno : 0;
}

int card_up(const struct card *c)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const char *which = *c->name ? c->name : c->mac;
	char name[IF_NAMESIZE];
	int ret = fd < 0 ? -errno : find(fd, c, name);

	if (!ret)
		ret = set_address(fd, name, SIOCSIFADDR, c->address);
	if (!ret)
		ret = set_address(fd, name, SIOCSIFNETMASK, c->netmask);
	if (!ret)
		ret = switch_on(fd, name, c->mtu);
	if (ret)
		return log_err(ret, "cannot bring up the card for the data '%s'", which);
	log_info("the card for the data is %s", name);
	return 0;
}
