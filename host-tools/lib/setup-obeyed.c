/* What root's own programs obey: the definition, whose power_command an administrator's `lucie power`
 * runs, dnsmasq's configuration, which may name programs too, and the files for the system's services. The web process writes in the state directory, in its
 * generations too, but not in STATE/key (serve-confine.c): so there is a copy of each, made of what
 * this setup has in its memory, and that one is used.
 */
#include "host-tools/lib/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

static const char *const names[] = {
	"definition",
	"dnsmasq.conf",
	"fragments/lucie-serve.service",
	"fragments/exports",
	"fragments/ganesha.conf",
	"fragments/dhcpd.conf",
	"fragments/kea-dhcp4.conf",
};

static char *copy_path(const struct setup *s, const char *name, const char *suffix)
{
	return xasprintf("%s/" OBEYED "/%s%s", s->dir, name, suffix);
}

static bool has_content(const char *path, const void *data, size_t len)
{
	_cleanup_free_ char *old = NULL;
	size_t n;

	return !file_read(path, len, &old, &n) && n == len && !memcmp(old, data, len);
}

static int sync_path(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

static int write_synced(const char *path, const void *data, size_t len, mode_t mode)
{
	int ret = file_write(path, data, len, mode);

	return ret ? ret : sync_path(path);
}

/* Beside the one in force, so that a full disk is noticed before anything is switched over. */
static int stage(const struct setup *s, const char *name, const void *data, size_t len, mode_t mode)
{
	_cleanup_free_ char *path = copy_path(s, name, ""), *staged = copy_path(s, name, "~"),
			    *folder = copy_path(s, "fragments", "");
	int ret = mkdir_path(folder, 0700);

	if (!ret && has_content(path, data, len))
		ret = unlink(staged) && errno != ENOENT ? -errno : 0;
	else if (!ret)
		ret = write_synced(staged, data, len, mode);
	return ret ? log_err(ret, "cannot write '%s'", staged) : 0;
}

int setup_obeyed(struct setup *s, const char *name, const void *data, size_t len, mode_t mode)
{
	int ret = setup_update(s, name, data, len, mode);

	return ret ? ret : stage(s, name, data, len, mode);
}

static int take_out(const char *path)
{
	return unlink(path) && errno != ENOENT ? log_err(-errno, "cannot remove '%s'", path) : 0;
}

static int switch_one(const struct setup *s, const char *name)
{
	_cleanup_free_ char *path = copy_path(s, name, ""), *staged = copy_path(s, name, "~");
	int ret;

	if (map_get(&s->g.files, name))
		return rename(staged, path) && errno != ENOENT
			       ? log_err(-errno, "cannot replace '%s'", path)
			       : 0;
	ret = take_out(staged);
	return ret ? ret : take_out(path);
}

static int sync_folder(const struct setup *s, const char *name)
{
	_cleanup_free_ char *path = copy_path(s, name, "");
	int ret = sync_path(path);

	return ret ? log_err(ret, "cannot sync '%s'", path) : 0;
}

int setup_obey(const struct setup *s)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(names); i++)
		ret = switch_one(s, names[i]);
	if (!ret)
		ret = sync_folder(s, "fragments");
	return ret ? ret : sync_folder(s, "");
}
