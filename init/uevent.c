/* Device announcements of the kernel; see uevent.h. */
#include "init/uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_BUFFER (1 << 20)
#define KERNEL_GROUP  1

int uevent_open(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT),
	    size = SOCKET_BUFFER;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -errno;
	}
	return fd;
}

int uevent_next(int fd, struct uevent *e)
{
	struct sockaddr_nl from;

	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, e->text, UEVENT_MAX, MSG_DONTWAIT,
				     (struct sockaddr *)&from, &size);

		if (n < 0)
			return -errno;
		if (n == 0 || from.nl_pid != 0)
			continue;
		e->len = (size_t)n;
		e->text[n] = '\0';
		return 0;
	}
}

const char *uevent_get(const struct uevent *e, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = e->text; p < e->text + e->len; p += strlen(p) + 1)
		if (!strncmp(p, key, n) && p[n] == '=')
			return p + n + 1;
	return NULL;
}
