/* From the initramfs into a root over NFS; see nfsroot.h.
 *
 * What may wait for a server is done by children, which can be killed: the network, then the mounts
 * (they are PID 1's too, as children share its mount namespace). The last steps are PID 1's own: the
 * pseudo file systems move along, the new root is moved over the old one, and /init is executed.
 * An administrator's folder is exported read-only to all nodes; what a node writes goes into RAM.
 */
#include "init/nfsroot.h"
#include "init/console.h"
#include "init/devices.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/net.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define HERE		 "/run/lucie/nfsroot" /* exists in the new root */
#define NFS		 "/nfs"
#define LAYER		 "/layer"
#define NEW_ROOT	 "/newroot"
#define LAYER_SIZE	 "25%" /* of RAM: the bound of what may be written outside of /target */
#define NETWORK_LIMIT_MS (4 * 60 * 1000) /* beyond every wait in net_up() */
#define MOUNT_LIMIT_MS	 30000
#define TRIES		 10
#define PAUSE_MS	 5000
#define SITE_FILE_MAX	 ((size_t)4 << 20)

bool nfsroot_is_there(void)
{
	return !access(HERE, F_OK);
}

/* --- network ------------------------------------------------------------------------- */

/* A server of NFS 4 tells its clients apart by their host names, and no plan gave this one yet. */
static int set_own_name(const struct net_config *net)
{
	char name[16 + MAC_TEXT];

	snprintf(name, sizeof(name), "lucie-%s", net->mac);
	for (char *p = name; *p; p++)
		if (*p == ':')
			*p = '-';
	return sethostname(name, strlen(name)) ? log_err(-errno, "cannot set the host name") : 0;
}

static int network_main(void *arg)
{
	struct net_config net;

	return net_up(&net, arg) || set_own_name(&net) ? 1 : 0;
}

/* --- mounts -------------------------------------------------------------------------- */

/* The text of what the kernel only has a number for. */
static const char *nfs_cause(int err)
{
	switch (err) {
	case ENOENT:
		return "the server exports no such path";
	case EACCES:
	case EPERM:
		return "the server does not export it to this machine";
	case EPROTONOSUPPORT:
	case EOPNOTSUPP: /* of version 3, its portmapper knows none */
		return "the server does not speak this version of NFS";
	case ENODEV:
		return "this image has no NFS client for the kernel that runs";
	default:
		return strerror(err);
	}
}

static int mount_nfs(const struct nfs_source *s)
{
	char name[NFS_SOURCE_MAX], options[NFS_OPTIONS_MAX];

	nfs_source_name(s, name);
	nfs_source_options(s, options);
	if (mount(name, NFS, "nfs", MS_RDONLY | MS_NOATIME, options))
		return log_err(0, "cannot mount the root '%s' (NFS %s, port %u): %s", name,
			       s->version, s->port, nfs_cause(errno));
	if (access(NFS "/init", X_OK))
		return log_err(-errno, "'%s' is no root for a node: its /init", name);
	return 0;
}

static int mount_layer(void)
{
	if (mount("tmpfs", LAYER, "tmpfs", MS_NODEV, "mode=0755,size=" LAYER_SIZE))
		return log_err(-errno, "cannot mount a tmpfs over the root");
	if (mkdir(LAYER "/upper", 0755) || mkdir(LAYER "/work", 0755))
		return log_err(-errno, "cannot make a folder in '%s'", LAYER);
	if (mount("overlay", NEW_ROOT, "overlay", 0,
		  "lowerdir=" NFS ",upperdir=" LAYER "/upper,workdir=" LAYER "/work"))
		return log_err(-errno, "cannot mount a writable layer (overlay) over the root");
	return 0;
}

/* Modules of another kernel would not load, and nothing else would say why. */
static void check_modules(void)
{
	struct utsname u;
	char path[PATH_MAX];

	uname(&u);
	snprintf(path, sizeof(path), NFS "/lib/modules/%s", u.release);
	if (access(path, F_OK))
		log_warn("the root over NFS has no modules for the kernel that runs, %s",
			 u.release);
}

/* What an archive behind the image brought (the site's key and shell modules): the image itself has
 * nothing there. */
static int carry_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	_cleanup_free_ char *data = NULL;
	char to[PATH_MAX];
	size_t len;
	int ret;

	(void)walk;
	if (snprintf(to, sizeof(to), NEW_ROOT "%s", path) >= (int)sizeof(to))
		return -ENAMETOOLONG;
	if (type == FTW_D)
		ret = mkdir_path(to, st->st_mode & 07777);
	else if (type != FTW_F)
		return 0;
	else if (!(ret = file_read(path, SITE_FILE_MAX, &data, &len)))
		ret = file_write(to, data, len, st->st_mode & 07777);
	return ret ? log_err(ret, "cannot take '%s' into the root over NFS", path) : 0;
}

static int carry_site(void)
{
	static const char *const folders[] = {"/etc", "/lib/lucie"};
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(folders); i++)
		if (!access(folders[i], F_OK))
			ret = nftw(folders[i], carry_one, 16, FTW_PHYS | FTW_MOUNT);
	return ret;
}

static int mount_main(void *arg)
{
	const struct cmdline *c = arg;
	int ret = mount_nfs(&c->nfsroot);

	if (!ret)
		ret = mount_layer();
	if (ret)
		return 1;
	check_modules();
	return carry_site() ? 1 : 0;
}

/* Of a try that went half the way. */
static void unmount_all(void)
{
	static const char *const places[] = {NEW_ROOT, LAYER, NFS};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		umount2(places[i], MNT_DETACH);
}

static int mount_root(struct cmdline *c)
{
	struct child child = {.name = "nfsroot", .line = child_log_line};
	char why[96], name[NFS_SOURCE_MAX];
	int ret;

	nfs_source_name(&c->nfsroot, name);
	for (int try = 1;; try++) {
		ret = child_run(&child, mount_main, c, MOUNT_LIMIT_MS, why, sizeof(why));
		if (!ret || ret == -EINTR)
			break;
		unmount_all();
		if (*why)
			log_err(0, "cannot mount the root '%s' (NFS %s, port %u): %s", name,
				c->nfsroot.version, c->nfsroot.port,
				ret == -ETIMEDOUT ? "the server does not answer" : why);
		if (try == TRIES)
			break;
		console_line("the root over NFS: try %d of %d failed, again in %d s", try, TRIES,
			     PAUSE_MS / 1000);
		for (int64_t end = now_ms() + PAUSE_MS; now_ms() < end && !loop_signalled();)
			loop_wait(200);
	}
	return ret;
}

/* --- into it ------------------------------------------------------------------------- */

static int move_mounts(void)
{
	static const char *const places[] = {"/dev", "/proc", "/sys", "/run", "/tmp"};
	char to[32];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(to, sizeof(to), NEW_ROOT "%s", places[i]);
		mkdir(to, 0755);
		if (mount(places[i], to, NULL, MS_MOVE, NULL))
			return log_err(-errno, "cannot move '%s' into the root over NFS",
				       places[i]);
	}
	return 0;
}

/* RAM that nobody will want. The DHCP client stays in the old root, with its program and script, and
 * goes on to renew the address. */
static void free_initramfs(void)
{
	remove_tree("/lib/modules");
	remove_tree("/lib/firmware");
	unlink("/init");
}

static int execute_init(void)
{
	char *const argv[] = {"/init", NULL}, *const envp[] = {"TERM=linux", NULL};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(argv[0], argv, envp);
	return log_err(-errno, "cannot execute '/init' of the root over NFS");
}

static int switch_root(void)
{
	int ret = file_write(HERE, "", 0, 0644);

	if (ret)
		return log_err(ret, "cannot write '%s'", HERE);
	ret = move_mounts();
	if (ret)
		return ret;
	free_initramfs();
	if (chdir(NEW_ROOT) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		return log_err(-errno, "cannot make the root over NFS the root");
	return execute_init();
}

int nfsroot_enter(struct cmdline *c, struct child *devices)
{
	struct child network = {.name = "network", .line = child_log_line};
	char why[96], name[NFS_SOURCE_MAX];
	int ret = child_run(&network, network_main, c, NETWORK_LIMIT_MS, why, sizeof(why));

	if (ret)
		return *why ? log_err(0, "no network: %s", why) : ret;
	mkdir(NFS, 0755);
	mkdir(LAYER, 0755);
	mkdir(NEW_ROOT, 0755);
	ret = mount_root(c);
	if (ret)
		return ret;
	nfs_source_name(&c->nfsroot, name);
	console_line("root over NFS %s: %s", c->nfsroot.version, name);
	child_stop(devices, CHILD_GRACE_MS);
	unlink(DEVICES_READY);
	return switch_root();
}
