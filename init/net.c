/* Interfaces, addresses, DHCP; see net.h. Interfaces appear while the devices process loads
 * drivers, so everything here polls in short steps: the ioctl costs less than a step, and no event
 * can be missed. */
#include "init/net.h"
#include "init/devices.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define STEP_MS		  10
#define INTERFACE_WAIT_MS 60000
#define CARRIER_WAIT_MS	  30000
#define SAY_AFTER_MS	  3000
#define DHCP_WAIT_MS	  60000
#define CANDIDATES_MAX	  16

struct candidate {
	char name[IF_NAMESIZE];
	char mac[MAC_TEXT];
	pid_t dhcp; /* udhcpc; 0: none */
	bool link;  /* when it was last looked at */
};

/* --- one interface ------------------------------------------------------------------- */

static int net_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? log_err(-errno, "cannot open a socket") : fd;
}

static struct ifreq request_for(const char *interface)
{
	struct ifreq q = {0};

	snprintf(q.ifr_name, sizeof(q.ifr_name), "%s", interface);
	return q;
}

static int set_up(int fd, const char *interface)
{
	struct ifreq q = request_for(interface);

	if (ioctl(fd, SIOCGIFFLAGS, &q))
		return -errno;
	q.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &q) ? -errno : 0;
}

/* IFF_RUNNING may come a second after the link, and a packet that is sent in the very moment of the
 * link is dropped (the queue is not attached yet): a link that was there a step ago is one. */
static bool has_carrier(struct candidate *c)
{
	char path[64], text[2] = "";
	_cleanup_close_ int fd = -1;
	bool before = c->link;

	snprintf(path, sizeof(path), "/sys/class/net/%s/carrier", c->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	c->link = fd >= 0 && read(fd, text, 1) == 1 && *text == '1';
	return before && c->link;
}

static bool is_ethernet(int fd, const char *interface, char mac[MAC_TEXT])
{
	struct ifreq q = request_for(interface);
	const unsigned char *a = (unsigned char *)q.ifr_hwaddr.sa_data;

	if (ioctl(fd, SIOCGIFHWADDR, &q) || q.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return false;
	snprintf(mac, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4],
		 a[5]);
	return true;
}

static int set_address(int fd, const char *interface, unsigned long what, struct in_addr address)
{
	struct ifreq q = request_for(interface);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = address};

	memcpy(&q.ifr_addr, &a, sizeof(a));
	return ioctl(fd, what, &q) ? -errno : 0;
}

static int set_gateway(int fd, struct in_addr gateway)
{
	struct sockaddr_in to = {.sin_family = AF_INET},
			   via = {.sin_family = AF_INET, .sin_addr = gateway};
	struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};

	memcpy(&route.rt_dst, &to, sizeof(to));
	memcpy(&route.rt_genmask, &to, sizeof(to));
	memcpy(&route.rt_gateway, &via, sizeof(via));
	return ioctl(fd, SIOCADDRT, &route) && errno != EEXIST ? -errno : 0;
}

/* --- which interfaces ---------------------------------------------------------------- */

struct candidates {
	struct candidate list[CANDIDATES_MAX];
	size_t count;
};

/* Ethernet cards; with a MAC that one alone. In the order of the kernel's numbers. */
static void find_interfaces(int fd, const char *mac, struct candidates *found)
{
	struct if_nameindex *all = if_nameindex();
	struct candidate c = {.dhcp = 0};

	found->count = 0;
	for (struct if_nameindex *i = all; i && i->if_index && found->count < CANDIDATES_MAX; i++) {
		snprintf(c.name, sizeof(c.name), "%s", i->if_name);
		if (is_ethernet(fd, c.name, c.mac) && (!*mac || !strcmp(c.mac, mac)))
			found->list[found->count++] = c;
	}
	if (all)
		if_freenameindex(all);
}

/* Waits until test() is true; says so once when it takes long. */
static bool wait_for(bool (*test)(void *arg), void *arg, int64_t limit_ms, const char *what)
{
	int64_t start = now_ms(), waited;
	bool said = false;

	while (!test(arg)) {
		waited = now_ms() - start;
		if (waited > limit_ms)
			return false;
		if (!said && waited > SAY_AFTER_MS) {
			log_info("waiting for %s (at most %d s)", what, (int)(limit_ms / 1000));
			said = true;
		}
		sleep_ms(STEP_MS);
	}
	return true;
}

struct search {
	int fd;
	const char *mac;
	struct candidates found;
	struct candidate *ready; /* has a carrier, or a lease */
};

/* Without BOOTIF= it takes all drivers to know which cards there are. */
static bool any_interface(void *arg)
{
	struct search *s = arg;

	find_interfaces(s->fd, s->mac, &s->found);
	return s->found.count && (*s->mac || !access(DEVICES_READY, F_OK));
}

static bool any_carrier(void *arg)
{
	struct search *s = arg;

	for (size_t i = 0; i < s->found.count && !s->ready; i++)
		if (has_carrier(&s->found.list[i]))
			s->ready = &s->found.list[i];
	return s->ready;
}

/* --- ip= ----------------------------------------------------------------------------- */

static int configure(int fd, const char *interface, const struct cmdline *c)
{
	int ret = set_address(fd, interface, SIOCSIFADDR, c->address);

	if (!ret)
		ret = set_address(fd, interface, SIOCSIFNETMASK, c->netmask);
	if (!ret && c->gateway.s_addr)
		ret = set_gateway(fd, c->gateway);
	return ret ? log_err(ret, "cannot give '%s' the address of ip=", interface) : 0;
}

static int use_fixed(struct search *s, struct net_config *net, const struct cmdline *c)
{
	if (!wait_for(any_carrier, s, CARRIER_WAIT_MS, "a link (is the cable plugged in?)"))
		log_warn("no link on '%s' for %d s; going on", s->found.list[0].name,
			 CARRIER_WAIT_MS / 1000);
	if (!s->ready)
		s->ready = &s->found.list[0];
	if (c->next_server.s_addr)
		inet_ntop(AF_INET, &c->next_server, net->next_server, sizeof(net->next_server));
	return configure(s->fd, s->ready->name, c);
}

/* --- DHCP ---------------------------------------------------------------------------- */

static void lease_path(const struct candidate *c, char path[64])
{
	snprintf(path, 64, "/run/lucie/lease.%s", c->name);
}

/* udhcpc stays and renews the lease; its script (/usr/share/udhcpc/default.script) configures the
 * card and writes lease.NAME. */
static void start_dhcp(struct candidate *c)
{
	char *const argv[] = {"/bin/busybox", "udhcpc", "-f", "-i", c->name, "-t",
			      "20",	      "-T",	"2",  "-n", "-R",    NULL};

	c->dhcp = fork();
	if (c->dhcp)
		return;
	setsid(); /* it outlives this process */
	execv(argv[0], argv);
	_exit(127);
}

static bool any_lease(void *arg)
{
	struct search *s = arg;
	char path[64];

	for (size_t i = 0; i < s->found.count && !s->ready; i++) {
		struct candidate *c = &s->found.list[i];

		lease_path(c, path);
		if (!access(path, R_OK))
			s->ready = c;
		else if (!c->dhcp && has_carrier(c))
			start_dhcp(c);
	}
	return s->ready;
}

static int use_dhcp(struct search *s, struct net_config *net)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	struct in_addr a;
	bool leased = wait_for(any_lease, s, DHCP_WAIT_MS, "an answer to DHCP");

	for (size_t i = 0; i < s->found.count; i++)
		if (s->found.list[i].dhcp > 0 && &s->found.list[i] != s->ready)
			kill(s->found.list[i].dhcp, SIGTERM);
	if (!leased)
		return log_err(-ETIMEDOUT, "no DHCP server answered on any of %zu interfaces",
			       s->found.count);
	lease_path(s->ready, path);
	if (!file_read(path, 64, &text, NULL) && inet_pton(AF_INET, str_trim(text), &a) == 1)
		inet_ntop(AF_INET, &a, net->next_server, sizeof(net->next_server));
	return 0;
}

int net_up(struct net_config *net, const struct cmdline *c)
{
	_cleanup_close_ int fd = net_socket();
	struct search s = {.fd = fd, .mac = c->bootif};
	char what[64];
	int ret;

	*net = (struct net_config){.mac = ""};
	if (fd < 0)
		return fd;
	set_up(fd, "lo");
	snprintf(what, sizeof(what), "the network card %s", *c->bootif ? c->bootif : "");
	if (!wait_for(any_interface, &s, INTERFACE_WAIT_MS, what) && !s.found.count)
		return log_err(-ENODEV, "%s did not appear: is its driver in this image?", what);
	for (size_t i = 0; i < s.found.count; i++)
		if ((ret = set_up(fd, s.found.list[i].name)))
			log_warn("cannot switch '%s' on: %s", s.found.list[i].name, strerror(-ret));
	ret = c->has_address ? use_fixed(&s, net, c) : use_dhcp(&s, net);
	if (ret)
		return ret;
	snprintf(net->interface, sizeof(net->interface), "%s", s.ready->name);
	snprintf(net->mac, sizeof(net->mac), "%s", s.ready->mac);
	return 0;
}
