/* TCP sockets of the ring; see sock.h. IPv4 addresses are used as such, so that a kernel without
 * IPv6 serves too. */
#include "ring/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "init/lib/log.h"

#define BACKLOG	    512
#define CONGESTION  "cubic"
#define NOTSENT_MAX (128 << 10) /* bytes that wait in the kernel without having been sent */
#define SEND_BUFFER                                                                                \
	(512 << 10) /* not acknowledged included; doubled by the kernel: 10 Gbit/s at 0.8 ms */

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_mapped(const struct ring_address *a)
{
	return !memcmp(a->ip, mapped_prefix, sizeof(mapped_prefix));
}

bool sock_is_any(const struct ring_address *a)
{
	static const uint8_t zero[16];

	return !memcmp(a->ip, zero, sizeof(zero));
}

const char *sock_text(const struct ring_address *a, char *buf)
{
	char ip[INET6_ADDRSTRLEN];

	if (is_mapped(a))
		inet_ntop(AF_INET, a->ip + 12, ip, sizeof(ip));
	else
		inet_ntop(AF_INET6, a->ip, ip, sizeof(ip));
	snprintf(buf, SOCK_TEXT, is_mapped(a) ? "%s:%u" : "[%s]:%u", ip, a->port);
	return buf;
}

static socklen_t to_sockaddr(const struct ring_address *a, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (is_mapped(a)) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip + 12, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(a->port);
	memcpy(&in6->sin6_addr, a->ip, 16);
	return sizeof(*in6);
}

static int from_sockaddr(const struct sockaddr *sa, struct ring_address *out)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

		memcpy(out->ip, mapped_prefix, sizeof(mapped_prefix));
		memcpy(out->ip + 12, &in->sin_addr, 4);
		out->port = ntohs(in->sin_port);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

		memcpy(out->ip, &in6->sin6_addr, 16);
		out->port = ntohs(in6->sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

/* Splits "HOST:PORT", "[ADDRESS6]:PORT", "ADDRESS6", "HOST". */
static int split_host(const char *text, char *host, size_t size, uint16_t *port)
{
	const char *colon = strrchr(text, ':'), *end = text + strlen(text);
	uint64_t n;

	if (*text == '[') {
		end = strchr(++text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		colon = end[1] ? end + 1 : NULL;
	} else if (colon && strchr(text, ':') != colon) {
		colon = NULL;
	} else if (colon) {
		end = colon;
	}
	if (end == text || (size_t)(end - text) >= size)
		return -EINVAL;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	if (!colon)
		return 0;
	if (str_to_u64(colon + 1, &n) || n == 0 || n > 65535)
		return -EINVAL;
	*port = (uint16_t)n;
	return 0;
}

int sock_resolve(const char *text, uint16_t default_port, struct ring_address *out)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list;
	char host[256];
	uint16_t port = default_port;
	int n = 0, ret;

	if (split_host(text, host, sizeof(host), &port))
		return log_err(-EINVAL, "'%s' is not HOST[:PORT]", text);
	ret = getaddrinfo(host, NULL, &hints, &list);
	if (ret) {
		log_err(0, "cannot resolve '%s': %s", host, gai_strerror(ret));
		return -EHOSTUNREACH;
	}
	for (struct addrinfo *a = list; a && n < SOCK_ADDRESSES; a = a->ai_next)
		if (!from_sockaddr(a->ai_addr, &out[n]))
			out[n++].port = port;
	freeaddrinfo(list);
	return n ? n : -EHOSTUNREACH;
}

static bool is_usable(const struct ifaddrs *i, const char *name)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)i->ifa_addr;

	if (!i->ifa_addr || strcmp(i->ifa_name, name))
		return false;
	return i->ifa_addr->sa_family == AF_INET ||
	       (i->ifa_addr->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr));
}

int sock_local(const char *name, struct ring_address *out)
{
	struct in6_addr in6;
	struct in_addr in;
	struct ifaddrs *list;
	int ret = -EADDRNOTAVAIL;

	*out = (struct ring_address){0};
	if (inet_pton(AF_INET, name, &in) == 1) {
		memcpy(out->ip, mapped_prefix, sizeof(mapped_prefix));
		memcpy(out->ip + 12, &in, 4);
		return 0;
	}
	if (inet_pton(AF_INET6, name, &in6) == 1) {
		memcpy(out->ip, &in6, 16);
		return 0;
	}
	if (getifaddrs(&list))
		return log_err(-errno, "cannot list the network interfaces");
	for (struct ifaddrs *i = list; i && ret; i = i->ifa_next)
		if (is_usable(i, name))
			ret = from_sockaddr(i->ifa_addr, out);
	freeifaddrs(list);
	out->port = 0;
	return ret ? log_err(ret, "'%s' is no address and no interface with one", name) : 0;
}

/* With our congestion control whatever the machine has for the internet (docs/ring-protocol.md),
 * unless it is unknown or not allowed here. Before there is a connection: one that has begun with BBR
 * keeps its timers. What is accepted has it from the listener. */
static int new_socket(sa_family_t family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, CONGESTION, sizeof(CONGESTION) - 1);
	return fd;
}

static int listen_on(const struct sockaddr_storage *sa, socklen_t len)
{
	int fd = new_socket(sa->ss_family), one = 1, zero = 0, ret;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (sa->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (!bind(fd, (const struct sockaddr *)sa, len) && !listen(fd, BACKLOG))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

int sock_listen(const struct ring_address *local, uint16_t *port)
{
	struct ring_address any = {.port = *port}, got;
	struct sockaddr_storage sa;
	socklen_t len;
	int fd;

	if (local)
		memcpy(any.ip, local->ip, sizeof(any.ip));
	len = to_sockaddr(&any, &sa);
	fd = listen_on(&sa, len);
	if (fd == -EAFNOSUPPORT && !local) {
		memcpy(any.ip, mapped_prefix, sizeof(mapped_prefix));
		len = to_sockaddr(&any, &sa);
		fd = listen_on(&sa, len);
	}
	len = sizeof(sa);
	if (fd >= 0 && !getsockname(fd, (struct sockaddr *)&sa, &len) &&
	    !from_sockaddr((struct sockaddr *)&sa, &got))
		*port = got.port;
	return fd;
}

int sock_accept(int listener, struct ring_address *peer)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = accept4(listener, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC),
	    one = 1;

	if (fd < 0)
		return errno == EINTR || errno == ECONNABORTED ? -EAGAIN : -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (peer)
		from_sockaddr((struct sockaddr *)&sa, peer);
	return fd;
}

int sock_connect(const struct ring_address *to, const struct ring_address *local)
{
	struct sockaddr_storage sa, from;
	socklen_t len = to_sockaddr(to, &sa), from_len;
	int fd = new_socket(sa.ss_family), one = 1, ret;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (local && is_mapped(local) == is_mapped(to)) {
		from_len = to_sockaddr(local, &from);
		if (bind(fd, (struct sockaddr *)&from, from_len))
			goto fail;
	}
	if (!connect(fd, (struct sockaddr *)&sa, len) || errno == EINPROGRESS)
		return fd;
fail:
	ret = -errno;
	close(fd);
	return ret;
}

int sock_connected(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
		return -errno;
	return -error;
}

void sock_tune(int fd, uint32_t detect_ms)
{
	int notsent = NOTSENT_MAX, buffer = SEND_BUFFER;
	unsigned int timeout = detect_ms * 2;

	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &notsent, sizeof(notsent));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
}

void sock_pack(int fd, bool on)
{
	int at_once = !on;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
}

int sock_set_blocking(int fd, unsigned int tick_ms)
{
	struct timeval tick = {.tv_sec = tick_ms / 1000, .tv_usec = (tick_ms % 1000) * 1000};
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof(tick)))
		return -errno;
	return 0;
}
