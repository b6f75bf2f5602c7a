/* Disks that vanish while they are in use; see disk-watch.h. */
#include "init/disk-watch.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "init/loop.h"
#include "init/uevent.h"

#include <stdio.h>
#include <string.h>

#define TABLE_MAX 65536

static char gone[64];

/* Whether a line of the table (mounts, swaps) begins with the device. */
static bool is_listed(const char *table, const char *device)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line, *word;

	if (file_read(table, TABLE_MAX, &text, NULL))
		return false;
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if ((word = str_word(&line)) && !strcmp(word, device))
			return true;
	return false;
}

static void on_uevents(int fd, void *arg)
{
	static struct uevent e;
	char device[sizeof(gone)];

	(void)arg;
	while (!uevent_next(fd, &e)) {
		const char *subsystem = uevent_get(&e, "SUBSYSTEM"),
			   *name = uevent_get(&e, "DEVNAME");

		if (!str_starts(e.text, "remove@") || !subsystem || strcmp(subsystem, "block") ||
		    !name)
			continue;
		snprintf(device, sizeof(device), "/dev/%s", name);
		if (is_listed("/proc/self/mounts", device) || is_listed("/proc/swaps", device))
			strcpy(gone, device);
	}
}

void disk_watch_start(void)
{
	int fd = uevent_open(), ret = fd < 0 ? fd : loop_watch(fd, on_uevents, NULL);

	if (ret)
		log_err(ret, "cannot watch for disks that vanish");
}

const char *disk_watch_gone(void)
{
	return *gone ? gone : NULL;
}
