/* Tests that need to be root in a root directory of their own: as an ordinary user they become root
 * of a user namespace. In either case what is mounted is mounted for the test alone. */
#ifndef LUCIE_TEST_AS_ROOT_H
#define LUCIE_TEST_AS_ROOT_H

#include "init/lib/io.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static inline int write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = -1;

	if (fd >= 0) {
		ret = write_full(fd, text, strlen(text));
		close(fd);
	}
	return ret;
}

static inline int become_root(void)
{
	unsigned int uid = geteuid(), gid = getegid();
	char uids[64], gids[64];

	if (uid == 0 && !unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 0;
	snprintf(uids, sizeof(uids), "0 %u 1", uid);
	snprintf(gids, sizeof(gids), "0 %u 1", gid);
	if (uid && !unshare(CLONE_NEWUSER | CLONE_NEWNS) &&
	    !write_proc("/proc/self/uid_map", uids) &&
	    !write_proc("/proc/self/setgroups", "deny") && !write_proc("/proc/self/gid_map", gids))
		return 0;
	perror("cannot become root in namespaces of the test's own");
	return -1;
}

#endif
