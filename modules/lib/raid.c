/* mdadm for one array at a time; see raid.h. Its node is /dev/mdN, which the kernel makes; where
 * mdadm puts a name for people, /dev/md/NAME, the module that mounts need not look. */
#include "modules/lib/raid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/layout.h"
#include "modules/lib/probe.h"
#include "modules/lib/takedown.h"
#include "modules/lib/tool.h"

#define MDADM	 "/sbin/mdadm"
#define ADDON	 "raid"
#define LINK_MAX 80

static const char *const drivers[] = {"raid0", "raid1", "raid10", "raid456"};

struct words {
	char link[LINK_MAX], name[48], uuid[48], level[24], devices[32], spares[32], chunk[32],
		metadata[24];
	char *argv[24 + LAYOUT_MEMBERS_MAX];
	size_t count;
};

static void add(struct words *w, char *word)
{
	w->argv[w->count++] = word;
}

static void add_members(struct words *w, const char *const *members, size_t count)
{
	for (size_t i = 0; i < count && i < LAYOUT_MEMBERS_MAX; i++)
		add(w, (char *)members[i]);
}

/* As mdadm writes it: 12345678:9abcdef0:... */
static int uuid_option(char out[48], const char *uuid)
{
	unsigned int a, b, c, d, e, f;

	if (sscanf(uuid, "%8x-%4x-%4x-%4x-%4x%8x", &a, &b, &c, &d, &e, &f) != 6)
		return log_err(-EINVAL, "'%s' is no UUID for an array", uuid);
	snprintf(out, 48, "--uuid=%08x:%04x%04x:%04x%04x:%08x", a, b, c, d, e, f);
	return 0;
}

/* The array that runs on any of these members; "" where there is none. One that missed a degraded
 * start is old, and in no array. */
static void running_on(const char *const *members, size_t count, char path[DISK_PATH_MAX])
{
	path[0] = '\0';
	for (size_t i = 0; i < count && !path[0]; i++) {
		char name[DISK_NAME_MAX], holder[TAKEDOWN_NAME_MAX] = "";

		if (disk_kernel_name(members[i], name))
			takedown_holder(name, holder);
		if (str_starts(holder, "md"))
			snprintf(path, DISK_PATH_MAX, "/dev/%s", holder);
	}
}

static int run(struct words *w, const char *name)
{
	return tool_run(&(struct tool){.argv = w->argv, .addon = ADDON, .device = name});
}

static int find_started(const char *name, const char *const *members, size_t count,
			char path[DISK_PATH_MAX])
{
	running_on(members, count, path);
	return path[0] ? 0 : log_err(-ENXIO, "array '%s' does not run after its start", name);
}

/* What mdadm says is not believed: the first member carries the UUID, and the array runs. */
static int check_made(const struct raid *r)
{
	char uuid[64];
	int ret = probe_uuid(r->members[0], uuid, sizeof(uuid));

	if (!ret && strcasecmp(uuid, r->uuid))
		ret = -EIO;
	return ret ? log_err(ret, "'%s' does not read back as a member of array '%s'",
			     r->members[0], r->name)
		   : 0;
}

int raid_create(const struct raid *r, char path[DISK_PATH_MAX])
{
	struct words w = {.argv = {MDADM, "--create", w.link, "--run", "--homehost=any", w.metadata,
				   w.level, w.devices, w.name, w.uuid},
			  .count = 10};
	int ret = uuid_option(w.uuid, r->uuid);

	if (ret)
		return ret;
	if (r->count > LAYOUT_MEMBERS_MAX || r->spares >= r->count)
		return log_err(-EINVAL, "array '%s' of %zu members", r->name, r->count);
	snprintf(w.link, sizeof(w.link), "/dev/md/%s", r->name);
	snprintf(w.metadata, sizeof(w.metadata), "--metadata=%s", r->metadata);
	snprintf(w.level, sizeof(w.level), "--level=%u", r->level);
	snprintf(w.devices, sizeof(w.devices), "--raid-devices=%zu", r->count - r->spares);
	snprintf(w.name, sizeof(w.name), "--name=%s", r->name);
	snprintf(w.spares, sizeof(w.spares), "--spare-devices=%zu", r->spares);
	snprintf(w.chunk, sizeof(w.chunk), "--chunk=%lluK", (unsigned long long)r->chunk >> 10);
	if (r->spares)
		add(&w, w.spares);
	if (r->chunk && r->level != 1)
		add(&w, w.chunk);
	add_members(&w, r->members, r->count);
	tool_load(drivers, ARRAY_SIZE(drivers));
	ret = run(&w, r->name);
	if (!ret)
		ret = check_made(r);
	if (!ret)
		ret = find_started(r->name, r->members, r->count, path);
	return ret ? ret : takedown_erase(path, 0, 0);
}

int raid_assemble(const char *name, const char *uuid, const char *const *members, size_t count,
		  char path[DISK_PATH_MAX])
{
	struct words w = {.argv = {MDADM, "--assemble", w.link, "--run", w.uuid}, .count = 5};
	int ret = uuid_option(w.uuid, uuid);

	if (ret)
		return ret;
	running_on(members, count, path);
	if (path[0])
		return 0;
	if (!count)
		return log_err(-ENODEV, "array '%s' has no member here", name);
	snprintf(w.link, sizeof(w.link), "/dev/md/%s", name);
	add_members(&w, members, count);
	tool_load(drivers, ARRAY_SIZE(drivers));
	ret = run(&w, name);
	return ret ? ret : find_started(name, members, count, path);
}
