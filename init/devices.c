/* Cold plug and hot plug; see devices.h.
 *
 * The kernel announces every device with its modalias. The socket is opened first, then what is
 * there already is read from sysfs; what the loaded drivers bring forth (a virtio bus, the disks of
 * a controller) comes through the socket, in order and without a second walk.
 */
#include "init/devices.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/kmod.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "init/uevent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#define BOARD_LIST "/etc/lucie/modules-load"
static void load_device(struct kmod *k, int bus, const char *device)
{
	char path[512], alias[1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "devices/%s/modalias", device);
	fd = openat(bus, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, alias, sizeof(alias) - 1);
	close(fd);
	if (n <= 0)
		return;
	alias[n] = '\0';
	kmod_load_alias(k, str_trim(alias));
}

static void load_bus(struct kmod *k, const char *name)
{
	_cleanup_closedir_ DIR *devices = NULL;
	_cleanup_close_ int bus = -1;
	struct dirent *d;
	char path[512];

	snprintf(path, sizeof(path), "/sys/bus/%s", name);
	bus = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/sys/bus/%s/devices", name);
	devices = opendir(path);
	if (bus < 0 || !devices)
		return;
	while ((d = readdir(devices)))
		if (*d->d_name != '.')
			load_device(k, bus, d->d_name);
}

static void load_present(struct kmod *k)
{
	_cleanup_closedir_ DIR *buses = opendir("/sys/bus");
	struct dirent *d;

	while (buses && (d = readdir(buses)))
		if (*d->d_name != '.')
			load_bus(k, d->d_name);
}

static void load_board_list(struct kmod *k)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	if (file_read(BOARD_LIST, 65536, &text, NULL))
		return;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		char *name = str_word(&line);

		if (name && *name != '#' && kmod_load(k, name) == -ENOENT)
			log_warn("kernel module '%s' of '%s' is not in this image", name,
				 BOARD_LIST);
	}
}

/* Handles what has been announced, waiting for more at most so long (-1: for ever). */
static void handle_uevents(struct kmod *k, int fd, int milliseconds)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct uevent e;
	const char *alias;
	int ret;

	while (poll(&p, 1, milliseconds) > 0) {
		while (!(ret = uevent_next(fd, &e))) {
			alias = uevent_get(&e, "MODALIAS");
			if (str_starts(e.text, "add@") && alias)
				kmod_load_alias(k, alias);
		}
		if (ret == -ENOBUFS)
			load_present(k); /* some were lost */
	}
}

int devices_main(void *arg)
{
	struct kmod *k = NULL;
	int fd, ret;

	(void)arg;
	ret = kmod_open(&k, NULL);
	if (ret == -ENOENT)
		log_info("no kernel modules in this image for the kernel that runs");
	else if (ret)
		log_err(ret, "cannot read the list of kernel modules");
	fd = ret ? -1 : uevent_open();
	if (k) {
		load_present(k);
		if (fd >= 0)
			handle_uevents(k, fd, 0);
		load_board_list(k);
		if (fd >= 0)
			handle_uevents(k, fd, 0);
	}
	file_write(DEVICES_READY, "", 0, 0644);
	if (fd < 0)
		return 0;
	for (;;)
		handle_uevents(k, fd, -1);
}
