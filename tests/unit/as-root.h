/* Tests that need to be root in a root directory of their own: as an ordinary user they become root
 * of a user namespace. */
#ifndef LUCIE_TEST_AS_ROOT_H
#define LUCIE_TEST_AS_ROOT_H

#include "init/lib/io.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static inline int become_root(void)
{
	char map[64];

	if (geteuid() == 0)
		return 0;
	snprintf(map, sizeof(map), "0 %u 1", geteuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) ||
	    file_write("/proc/self/uid_map", map, strlen(map), 0) ||
	    file_write("/proc/self/setgroups", "deny", 4, 0)) {
		perror("cannot become root of a user namespace");
		return -1;
	}
	snprintf(map, sizeof(map), "0 %u 1", getegid());
	return file_write("/proc/self/gid_map", map, strlen(map), 0);
}

#endif
