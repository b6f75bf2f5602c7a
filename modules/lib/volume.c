/* From the plan to mountable devices; see volume.h. */
#include "modules/lib/volume.h"

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/probe.h"
#include "modules/lib/stack.h"
#include "modules/lib/target.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static void layout_error(unsigned int line, const char *message, void *arg)
{
	(void)arg;
	log_err(0, "layout, line %u of the plan: %s", line, message);
}

int volume_layout(const struct plan *plan, struct layout *l)
{
	return layout_parse(l, plan_section(plan, "layout"), layout_error, NULL);
}

bool volume_plan_runs(const struct plan *plan, const char *module)
{
	const char *list = plan_head(plan, "modules");
	_cleanup_free_ char *copy = list ? strdup(list) : NULL;
	char *rest = copy, *word;

	while (rest && (word = str_word(&rest)))
		if (!strcmp(word, module))
			return true;
	return false;
}

static bool is_other(const char *value, const char *wanted)
{
	return !wanted || strcmp(value, wanted);
}

static int read_stamp(const struct plan *plan, const struct layout_disk *want, const struct disk *d,
		      struct stamp *s)
{
	_cleanup_close_ int fd = open(d->path, O_RDONLY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : stamp_read(fd, s);

	if (ret == -ENODATA) {
		log_err(0, "disk '%s' (%s) carries no stamp: nothing was installed there",
			want->name, d->path);
		return ret;
	}
	if (ret)
		return log_err(ret, "cannot read the stamp of disk '%s' (%s)", want->name, d->path);
	if (is_other(s->site, plan_head(plan, "site")) ||
	    is_other(s->node, plan_head(plan, "node")) || is_other(s->disk, want->name)) {
		log_err(0, "disk '%s' (%s) carries the stamp of disk '%s' of node '%s', site %s",
			want->name, d->path, s->disk, s->node, s->site);
		return -EUCLEAN;
	}
	/* Disks may change their order between two modules: an older one of this node is not it. */
	if (volume_plan_runs(plan, "partition") &&
	    is_other(s->install, plan_head(plan, "install"))) {
		log_err(0, "disk '%s' (%s) carries the stamp of installation '%s', not of this one",
			want->name, d->path, s->install);
		return -EUCLEAN;
	}
	return 0;
}

/* Where partition does not run, what the layout preserves is there: it was new to the stamp if this
 * site made it. */
static void take_line(const struct plan *plan, struct stamp_part *part, const struct layout *l)
{
	for (size_t i = 0; i < l->part_count; i++) {
		if (part->mount[0] != '/' || strcmp(l->parts[i].mount, part->mount) != 0)
			continue;
		strcpy(part->options, l->parts[i].options);
		if (l->parts[i].keep == KEEP_CONTENT && !volume_plan_runs(plan, "partition"))
			part->keep = KEEP_CONTENT;
	}
}

/* What is there is what the stamp says. The swap of a random key is another one at every boot. */
static int check_uuid(const struct volume *vol)
{
	const struct stamp_part *part = &vol->part;
	char uuid[64];
	int ret;

	if (!vol->path[0] || !part->uuid[0] || !strcmp(part->how, "random"))
		return 0;
	ret = probe_uuid(vol->path, uuid, sizeof(uuid));
	if (ret)
		return log_err(ret, "cannot look at '%s'", vol->path);
	if (!strcmp(uuid, part->uuid))
		return 0;
	log_err(0, "'%s' ('%s') holds UUID '%s', the stamp says '%s'", vol->path, part->mount, uuid,
		part->uuid);
	return -EUCLEAN;
}

/* The next in the list; NULL, logged, where it is full. */
static struct volume *new_volume(const struct plan *plan, struct volumes *v, size_t disk,
				 const struct stamp_part *part, const struct layout *l)
{
	struct volume *vol = &v->list[v->count];

	if (v->count == LAYOUT_PARTS_MAX) {
		log_err(-E2BIG, "the stamps name more than %d partitions", LAYOUT_PARTS_MAX);
		return NULL;
	}
	*vol = (struct volume){.disk = disk, .disks = 1U << disk, .part = *part};
	take_line(plan, &vol->part, l);
	return vol;
}

static int add_partition(const struct plan *plan, struct volumes *v, size_t disk,
			 const struct stamp_part *part, const struct layout *l)
{
	struct volume *vol = new_volume(plan, v, disk, part, l);
	int ret =
		vol ? disk_partition(&v->disks[disk], part->start, part->bytes, vol->path) : -E2BIG;

	if (!ret)
		ret = check_uuid(vol);
	v->count += !ret;
	return ret;
}

const struct volume *volume_named(const struct volumes *v, const char *name)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct volume *vol = &v->list[i];
		char title[LAYOUT_TITLE_MAX];

		snprintf(title, sizeof(title), "%s.%u", v->stamps[vol->disk].disk,
			 vol->part.number);
		if (!strcmp(vol->part.kind == PART_DISK ? title : vol->part.name, name))
			return vol;
	}
	return NULL;
}

/* The devices of the members, all of which are in the list by now. */
static int find_members(const struct volumes *v, struct volume *vol,
			const char *paths[LAYOUT_MEMBERS_MAX], size_t *count)
{
	char words[STAMP_MEMBERS_MAX], *rest = words, *word;

	strcpy(words, vol->part.members);
	for (*count = 0; (word = str_word(&rest)); ++*count) {
		const struct volume *member = volume_named(v, word);

		if (!member || *count == LAYOUT_MEMBERS_MAX)
			return log_err(-ENXIO, "'%s' lies on '%s', which no stamp tells of",
				       vol->part.name, word);
		paths[*count] = member->path;
		vol->disks |= member->disks;
	}
	return 0;
}

/* Every disk of a device has it in its stamp. */
static int add_device(const struct plan *plan, struct volumes *v, size_t disk,
		      const struct stamp_part *part, const struct layout *l)
{
	const char *members[LAYOUT_MEMBERS_MAX];
	struct volume *vol;
	size_t count;
	int ret;

	if (volume_named(v, part->name))
		return 0;
	vol = new_volume(plan, v, disk, part, l);
	ret = vol ? find_members(v, vol, members, &count) : -E2BIG;
	if (!ret)
		ret = stack_open(part, plan, members, count, vol->path);
	if (!ret)
		ret = check_uuid(vol);
	v->count += !ret;
	return ret;
}

/* Partitions first: a device may lie on those of any disk. */
static int add_volumes(const struct plan *plan, const struct layout *l, struct volumes *v)
{
	int ret = 0;

	for (int devices = 0; devices <= 1; devices++)
		for (size_t i = 0; i < v->disk_count; i++)
			for (size_t n = 0; !ret && n < v->stamps[i].part_count; n++) {
				const struct stamp_part *part = &v->stamps[i].parts[n];

				if (devices != (part->kind != PART_DISK))
					continue;
				ret = devices ? add_device(plan, v, i, part, l)
					      : add_partition(plan, v, i, part, l);
			}
	return ret;
}

static int in_mount_order(const void *a, const void *b)
{
	return strcmp(((const struct volume *)a)->part.mount,
		      ((const struct volume *)b)->part.mount);
}

static int find_all(const struct plan *plan, const struct layout *l, struct volumes *v)
{
	int ret = disk_select(l, v->disks);

	v->disk_count = l->disk_count;
	for (size_t i = 0; !ret && i < l->disk_count; i++)
		ret = read_stamp(plan, &l->disks[i], &v->disks[i], &v->stamps[i]);
	if (!ret)
		ret = add_volumes(plan, l, v);
	qsort(v->list, v->count, sizeof(v->list[0]), in_mount_order);
	return ret;
}

int volumes_find(const struct plan *plan, struct volumes **out)
{
	_cleanup_free_ struct layout *l = malloc(sizeof(*l));
	_cleanup_free_ struct volumes *v = calloc(1, sizeof(*v));
	int ret;

	if (!l || !v)
		return log_err(-ENOMEM, "cannot look for the file systems of the layout");
	ret = volume_layout(plan, l);
	if (!ret)
		ret = find_all(plan, l, v);
	if (ret)
		return ret;
	*out = v;
	v = NULL;
	return 0;
}

bool volume_is_left_alone(const struct plan *plan, const struct volume *v)
{
	const char *mount = v->part.mount;

	return v->part.keep == KEEP_CONTENT && strcmp(mount, "/") && strcmp(mount, "/boot") &&
	       !layout_is_esp(v->part.fs, mount) &&
	       (volume_plan_runs(plan, "partition") || volume_plan_runs(plan, "extrbase"));
}

int volumes_sync(const struct volumes *v, const char *target)
{
	for (size_t i = 0; i < v->count; i++) {
		const char *inner = v->list[i].part.mount;
		_cleanup_close_ int fd = -1;

		if (inner[0] != '/')
			continue;
		fd = target_open(target, inner, O_RDONLY | O_DIRECTORY);
		if (fd < 0 || syncfs(fd))
			return log_err(fd < 0 ? fd : -errno, "cannot write to '%s' ('%s')",
				       v->list[i].path, inner);
	}
	return 0;
}

const struct volume *volume_raw(const struct volumes *v, const char *label)
{
	const struct volume *found = NULL;

	for (size_t i = 0; i < v->count; i++) {
		if (v->list[i].part.fs != FS_RAW || strcmp(v->list[i].part.options, label) != 0)
			continue;
		if (found)
			return NULL;
		found = &v->list[i];
	}
	return found;
}

const struct volume *volume_of(const struct volumes *v, const char *path)
{
	const struct volume *best = NULL;

	for (size_t i = 0; i < v->count; i++) {
		const char *mount = v->list[i].part.mount;
		size_t n = strlen(mount);

		if (mount[0] == '/' && !strncmp(path, mount, n) &&
		    (n == 1 || !path[n] || path[n] == '/'))
			best = &v->list[i];
	}
	return best;
}
