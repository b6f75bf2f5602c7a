/* Where the HTTP server listens; see http-server.h. The socket is made before the server's processes
 * are, while there are still rights to it. */
#include "host-tools/lib/http-server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/lib/log.h"

#define LISTEN_BACKLOG 4096 /* thousands of nodes that begin within one second */

/* The first IPv4 address of a network interface. */
static int address_of_interface(const char *name, char *address, size_t len)
{
	struct ifaddrs *list, *i;
	int ret;

	if (getifaddrs(&list))
		return log_err(-errno, "cannot list the network interfaces");
	for (i = list; i; i = i->ifa_next)
		if (!strcmp(i->ifa_name, name) && i->ifa_addr && i->ifa_addr->sa_family == AF_INET)
			break;
	ret = i ? 0
		: log_err(-EADDRNOTAVAIL, "'%s' is no address, and no interface with one", name);
	if (i)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)i->ifa_addr)->sin_addr, address,
			  (socklen_t)len);
	freeifaddrs(list);
	return ret;
}

int http_listen(const char *place, uint16_t port)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				 .ai_socktype = SOCK_STREAM};
	struct addrinfo *ai;
	char service[8], address[INET6_ADDRSTRLEN];
	int one = 1, fd, ret = 0;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(place, service, &hints, &ai)) {
		ret = address_of_interface(place, address, sizeof(address));
		if (ret)
			return ret;
		if (getaddrinfo(address, service, &hints, &ai))
			return log_err(-EINVAL, "'%s' is not an address to listen on", address);
	}
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, LISTEN_BACKLOG))
		ret = log_err(-errno, "cannot listen on %s port %u", place, port);
	freeaddrinfo(ai);
	if (ret && fd >= 0)
		close(fd);
	return ret ? ret : fd;
}

uint16_t http_port(int listen_fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(listen_fd, (struct sockaddr *)&sa, &len))
		return 0;
	return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
					      : ((struct sockaddr_in *)&sa)->sin_port);
}
