/* What the processes that face the network give up before they hear a stranger; see serve.h.
 *
 * The web process needs the state directory, the folders of packages and the files that the
 * definition names, but never the site key: in a mount namespace of its own the key's folder is
 * empty. As a user of its own, without the capabilities of root, it cannot undo that, nor look into
 * the signer or the supervisor; and Landlock lets it run no program and write nowhere but where the
 * state changes. The master of a ring may read any file, as its source may be anybody's; so Landlock
 * lets it read that one and what it needs of the state: else it would have the key by way of the disk
 * that the key lies on. An ordinary user gets the namespace by way of a user namespace.
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host-tools/lib/generation.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define WRITES                                                                                     \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                           \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |                            \
	 LANDLOCK_ACCESS_FS_MAKE_REG)
#define READS	 (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define OF_FILES (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE)
#define FORBIDDEN                                                                                  \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                               \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SOCK |                            \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM)

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

/* All but one: what is still root's writes into a state directory of somebody else by it, and a master
 * reads a source of anybody. The server's own user writes in what is its. */
static int drop_capabilities(const struct server_user *user, const char *source)
{
	int keep_one = source ? CAP_DAC_READ_SEARCH : CAP_DAC_OVERRIDE;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2], keep[2] = {{0}};

	if (syscall(SYS_capget, &header, data))
		return -errno;
	if (!user->own || source)
		keep[0].permitted = keep[0].effective = data[0].permitted & 1U << keep_one;
	return syscall(SYS_capset, &header, keep) ? -errno : 0;
}

/* What is not there needs no rule. */
static int allow(int ruleset, const char *path, uint64_t access)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= OF_FILES;
	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0)
		       ? -errno
		       : 0;
}

static int allow_each(int ruleset, const char *state_dir, const char *const *names, size_t count,
		      uint64_t access)
{
	char path[PATH_MAX];
	int ret = 0;

	for (size_t i = 0; !ret && i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", state_dir, names[i]);
		ret = allow(ruleset, path, access);
	}
	return ret;
}

/* The database is there, with its side files (state_prepare()); folders are named one by one, because
 * each may be a link to where there is room. Boot files of the generations to come are below
 * generations/. */
static int allow_web(int ruleset, const char *state_dir)
{
	static const char *const written[] = {"installs",    GENERATIONS, "tftp/pxelinux.cfg",
					      "tftp/grub",   "state.db",  "state.db-wal",
					      "state.db-shm"};

	return allow_each(ruleset, state_dir, written, ARRAY_SIZE(written), WRITES);
}

/* The time zone is for what it says. */
static int allow_master(int ruleset, const char *state_dir, const char *source)
{
	static const char *const read[] = {"datasets", "bases", "ring.key"};
	int ret = allow_each(ruleset, state_dir, read, ARRAY_SIZE(read), READS);

	if (!ret)
		ret = allow(ruleset, "/etc/localtime", READS);
	return ret ? ret : allow(ruleset, source, READS);
}

/* What no rule allows of that which the ruleset handles is forbidden. */
static int restrict_files(const char *state_dir, const char *source)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs =
						     FORBIDDEN | WRITES | (source ? READS : 0)};
	_cleanup_close_ int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	int ret = fd < 0 ? -errno : 0;

	if (!ret)
		ret = source ? allow_master(fd, state_dir, source) : allow_web(fd, state_dir);
	if (!ret && syscall(SYS_landlock_restrict_self, fd, 0))
		ret = -errno;
	return ret;
}

int confine(const char *who, const char *state_dir, const struct server_user *user,
	    const char *source)
{
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s/key", state_dir);
	ret = hide_folder(path);
	if (ret)
		log_warn("%s is not kept from '%s': %s", who, path, strerror(-ret));
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* Only root may: the change of the user leaves no capability in effect. */
	for (int c = 0; c <= CAP_LAST_CAP; c++)
		prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	ret = server_user_become(user, true);
	if (ret)
		return log_err(ret, "%s cannot become the user %u", who, user->uid);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	ret = drop_capabilities(user, source);
	if (ret)
		log_warn("%s keeps its capabilities: %s", who, strerror(-ret));
	ret = restrict_files(state_dir, source);
	if (ret)
		log_warn("%s may run programs, read and write everywhere: %s", who, strerror(-ret));
	return 0;
}
