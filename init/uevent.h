/* The kernel's announcements of devices (NETLINK_KOBJECT_UEVENT): "ACTION@PATH" and KEY=VALUE
 * strings, each with its NUL. Only what the kernel itself sends is believed. */
#ifndef LUCIE_UEVENT_H
#define LUCIE_UEVENT_H

#include <stddef.h>
#include <sys/types.h>

#define UEVENT_MAX 8192

struct uevent {
	char text[UEVENT_MAX + 1];
	size_t len;
};

/* A socket that hears all announcements from now on, or -errno. */
int uevent_open(void);
/* The next one without waiting: 0, -EAGAIN when there is none, -ENOBUFS when some were lost. */
int uevent_next(int fd, struct uevent *e);
/* The value of a key, NULL if it has none; valid as long as e. */
const char *uevent_get(const struct uevent *e, const char *key);

#endif
