/* What the web process gives up before it hears a stranger; see serve.h.
 *
 * It needs the state directory, the folders of packages and the files that the definition names,
 * but never the site key: in a mount namespace of its own the key's folder is empty. Without the
 * capabilities of root it cannot undo that, nor look into the signer or the supervisor; and
 * Landlock lets it run no program. An ordinary user gets the namespace by way of a user namespace.
 */
#include "host-tools/lib/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

static int write_proc(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : write_full(fd, text, strlen(text));
}

/* Ids stay what they are. */
static int user_namespace(void)
{
	char uids[64], gids[64];
	int ret;

	snprintf(uids, sizeof(uids), "%u %u 1", geteuid(), geteuid());
	snprintf(gids, sizeof(gids), "%u %u 1", getegid(), getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	ret = write_proc("/proc/self/setgroups", "deny");
	if (!ret)
		ret = write_proc("/proc/self/uid_map", uids);
	if (!ret)
		ret = write_proc("/proc/self/gid_map", gids);
	return ret;
}

/* Mounts that the system makes later are still seen here; this one is seen nowhere else. */
static int hide_folder(const char *path)
{
	int ret = unshare(CLONE_NEWNS) ? -errno : 0;

	if (ret == -EPERM)
		ret = user_namespace();
	if (ret)
		return ret;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) ||
	    mount("none", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "size=4k,mode=0500"))
		return -errno;
	return 0;
}

/* All but the one that lets root write into a state directory of somebody else. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2], keep[2] = {{0}};

	for (int c = 0; c <= CAP_LAST_CAP; c++)
		prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	if (syscall(SYS_capget, &header, data))
		return -errno;
	keep[0].permitted = keep[0].effective = data[0].permitted & 1U << CAP_DAC_OVERRIDE;
	return syscall(SYS_capset, &header, keep) ? -errno : 0;
}

/* No rule allows what the ruleset handles. */
static int forbid_programs(void)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE |
								  LANDLOCK_ACCESS_FS_MAKE_CHAR |
								  LANDLOCK_ACCESS_FS_MAKE_BLOCK};
	_cleanup_close_ int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	return fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) ? -errno : 0;
}

void web_confine(const char *state_dir)
{
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s/key", state_dir);
	ret = hide_folder(path);
	if (ret)
		log_warn("the web process is not kept from '%s': %s", path, strerror(-ret));
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	ret = drop_capabilities();
	if (ret)
		log_warn("the web process keeps its capabilities: %s", strerror(-ret));
	ret = forbid_programs();
	if (ret)
		log_warn("the web process may run programs: %s", strerror(-ret));
}
