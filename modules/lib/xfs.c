/* mkfs.xfs and xfs_repair; see xfs.h. Exit codes are xfs_repair(8)'s. */
#include "modules/lib/xfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "modules/lib/probe.h"
#include "modules/lib/tool.h"

#define ADDON	       "xfs"
#define REPLAY_AT      "/run/lucie/xfs"
#define REPAIR_SECONDS (6 * 3600)
#define REPAIR_DIRTY   2 /* the log has to be replayed first */
#define REPAIR_MENDED  4

void xfs_load(void)
{
	static const char *const drivers[] = {"xfs"};

	tool_load(drivers, ARRAY_SIZE(drivers));
}

int xfs_make(const char *path, const char *uuid, const char *label)
{
	char with_uuid[64], found[64];
	char *argv[] = {"/sbin/mkfs.xfs", "-f", "-q", "-m", with_uuid, NULL, NULL, NULL, NULL};
	size_t n = 5;
	int ret;

	snprintf(with_uuid, sizeof(with_uuid), "uuid=%s", uuid);
	if (label[0]) {
		argv[n++] = "-L";
		argv[n++] = (char *)label;
	}
	argv[n] = (char *)path;
	ret = tool_run(&(struct tool){.argv = argv, .addon = ADDON, .device = path});
	if (ret)
		return ret;
	ret = probe_uuid(path, found, sizeof(found));
	if (!ret && strcasecmp(found, uuid))
		ret = -EIO;
	return ret ? log_err(ret, "the xfs of '%s' does not read back", path) : 0;
}

/* Only the kernel replays the log. */
static int replay(const char *path)
{
	int ret = mkdir_path(REPLAY_AT, 0700);

	xfs_load();
	if (!ret && mount(path, REPLAY_AT, "xfs", MS_NOATIME, "nouuid"))
		ret = -errno;
	if (!ret && umount2(REPLAY_AT, UMOUNT_NOFOLLOW))
		ret = -errno;
	return ret ? log_err(ret, "cannot replay the log of '%s'", path) : 0;
}

static int repair(const char *path, char words[TOOL_WORDS_MAX])
{
	char *const argv[] = {"/sbin/xfs_repair", "-e", (char *)path, NULL};

	return tool_exit(
		&(struct tool){
			.argv = argv, .addon = ADDON, .device = path, .seconds = REPAIR_SECONDS},
		words);
}

int xfs_mend(const char *path, char *why, size_t len)
{
	char words[TOOL_WORDS_MAX];
	int ret = repair(path, words);

	if (ret == REPAIR_DIRTY) {
		ret = replay(path);
		if (!ret)
			ret = repair(path, words);
	}
	snprintf(why, len, "%s", words);
	if (ret <= 0)
		return ret;
	if (ret == REPAIR_MENDED)
		return 1;
	log_err(0, "xfs_repair cannot mend '%s' (exit code %d): %s", path, ret, words);
	return -EUCLEAN;
}
