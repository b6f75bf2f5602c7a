/* lvm for one group at a time; see lvm.h. What it would ask udev for it finds itself. */
#include "modules/lib/lvm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/layout.h"
#include "modules/lib/takedown.h"
#include "modules/lib/tool.h"

#define LVM   "/sbin/lvm"
#define ADDON "lvm"
#define CONFIG                                                                                     \
	"devices{obtain_device_list_from_udev=0 external_device_info_source=\"none\" "             \
	"hints=\"none\"} "                                                                         \
	"activation{udev_sync=0 udev_rules=0 monitoring=0} backup{backup=0 archive=0} "            \
	"global{use_lvmpolld=0 event_activation=0}"

static const char *const drivers[] = {"dm_mod"};

struct words {
	char *argv[24 + 3 * LAYOUT_MEMBERS_MAX];
	size_t count;
};

static void add(struct words *w, const char *word)
{
	w->argv[w->count++] = (char *)word;
}

/* A command that looks at these members only; more words may follow. */
static void command(struct words *w, const char *verb, const char *const *members, size_t count)
{
	add(w, LVM);
	add(w, verb);
	add(w, "--config");
	add(w, CONFIG);
	for (size_t i = 0; i < count && i < LAYOUT_MEMBERS_MAX; i++) {
		add(w, "--devices");
		add(w, members[i]);
	}
}

static int run(struct words *w, const char *vg, void (*line)(const char *, void *), void *arg)
{
	tool_load(drivers, ARRAY_SIZE(drivers));
	return tool_run(&(struct tool){
		.argv = w->argv, .addon = ADDON, .device = vg, .line = line, .arg = arg});
}

static int with_members(struct words *w, const char *vg, const char *const *members, size_t count)
{
	for (size_t i = 0; i < count && i < LAYOUT_MEMBERS_MAX; i++)
		add(w, members[i]);
	return run(w, vg, NULL, NULL);
}

int lvm_create_vg(const char *vg, const char *const *members, size_t count)
{
	struct words pv = {.count = 0}, group = {.count = 0};
	int ret;

	if (!count || count > LAYOUT_MEMBERS_MAX)
		return log_err(-EINVAL, "volume group '%s' of %zu members", vg, count);
	command(&pv, "pvcreate", members, count);
	add(&pv, "-ff");
	add(&pv, "-y");
	ret = with_members(&pv, vg, members, count);
	if (ret)
		return ret;
	command(&group, "vgcreate", members, count);
	add(&group, "-y");
	add(&group, "--physicalextentsize");
	add(&group, "4m");
	add(&group, vg);
	return with_members(&group, vg, members, count);
}

int lvm_create_lv(const char *vg, const char *lv, uint64_t bytes, const char *const *members,
		  size_t count, char path[DISK_PATH_MAX])
{
	struct words w = {.count = 0};
	char size[32];
	int ret;

	snprintf(size, sizeof(size), "%llub", (unsigned long long)bytes);
	command(&w, "lvcreate", members, count);
	add(&w, "-y");
	add(&w, "-Wn");
	add(&w, "-L");
	add(&w, size);
	add(&w, "-n");
	add(&w, lv);
	add(&w, vg);
	ret = run(&w, vg, NULL, NULL);
	if (ret)
		return ret;
	lvm_path(vg, lv, path);
	return takedown_erase(path, 0, 0);
}

static void read_bytes(const char *line, void *arg)
{
	const char *digits = line + strspn(line, " ");

	str_to_u64(digits, arg);
}

int lvm_vg_bytes(const char *vg, const char *const *members, size_t count, uint64_t *bytes)
{
	static const char *const rest[] = {"--noheadings", "--nosuffix", "--units", "b",
					   "-o",	   "vg_free"};
	struct words w = {.count = 0};
	int ret;

	*bytes = UINT64_MAX;
	command(&w, "vgs", members, count);
	for (size_t i = 0; i < ARRAY_SIZE(rest); i++)
		add(&w, rest[i]);
	add(&w, vg);
	ret = run(&w, vg, read_bytes, bytes);
	if (!ret && *bytes == UINT64_MAX)
		ret = log_err(-EIO, "lvm does not say how large group '%s' is", vg);
	return ret;
}

int lvm_activate(const char *vg, const char *const *members, size_t count)
{
	struct words w = {.count = 0};

	command(&w, "vgchange", members, count);
	add(&w, "-ay");
	add(&w, vg);
	return run(&w, vg, NULL, NULL);
}

/* dm's names: a '-' of its own is doubled, a single one parts group and volume. */
static void add_name(char *to, size_t len, const char *name)
{
	size_t n = strlen(to);

	for (; *name && n + 2 < len; name++) {
		if (*name == '-')
			to[n++] = '-';
		to[n++] = *name;
	}
	to[n] = '\0';
}

void lvm_path(const char *vg, const char *lv, char path[DISK_PATH_MAX])
{
	strcpy(path, "/dev/mapper/");
	add_name(path, DISK_PATH_MAX, vg);
	if (strlen(path) + 1 < DISK_PATH_MAX)
		strcat(path, "-");
	add_name(path, DISK_PATH_MAX, lv);
}
