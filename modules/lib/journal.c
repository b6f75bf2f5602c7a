/* Reading and writing the journal; see journal.h. */
#include "modules/lib/journal.h"

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "modules/lib/disk.h"
#include "modules/lib/volume.h"

#include <blake3.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The disks of a layout with their stamps. */
struct found {
	struct layout layout;
	struct disk disks[LAYOUT_DISKS_MAX];
	struct stamp stamps[LAYOUT_DISKS_MAX];
};

/* --- the work --- */

/* New in every plan of the same work. */
static bool is_of_one_plan(const struct plan_section *s, const char *key)
{
	static const char *const head[] = {"install", "nonce", "resume", "time", "token", "wipe"};

	if (*s->name)
		return !strcmp(s->name, "configure") && !strcmp(key, "identity");
	for (size_t i = 0; i < ARRAY_SIZE(head); i++)
		if (!strcmp(key, head[i]))
			return true;
	return false;
}

int journal_work(const struct plan *plan, char work[STAMP_WORK_TEXT])
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	uint8_t hash[BLAKE3_OUT_LEN];
	blake3_hasher hasher;

	plan_write_start(&text);
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_section *s = &plan->sections[i];

		if (*s->name)
			plan_write_section(&text, s->name);
		for (size_t n = 0; n < s->count; n++)
			if (!is_of_one_plan(s, s->lines[n].key))
				plan_write(&text, s->lines[n].key, s->lines[n].value);
	}
	if (text.error)
		return text.error;
	blake3_hasher_init(&hasher);
	blake3_hasher_update(&hasher, text.buf, text.len);
	blake3_hasher_finalize(&hasher, hash, sizeof(hash));
	str_to_hex(hash, sizeof(hash), work);
	return 0;
}

/* --- reading and writing --- */

/* The first `count` disks; 0: all. -ENODATA: one has no stamp, not logged. */
static int find(const struct plan *plan, size_t count, struct found **out)
{
	_cleanup_free_ struct found *f = calloc(1, sizeof(*f));
	int ret = f ? volume_layout(plan, &f->layout) : log_err(-ENOMEM, "the journal");

	if (!ret)
		ret = disk_select(&f->layout, f->disks);
	for (size_t i = 0; !ret && i < (count ? count : f->layout.disk_count); i++) {
		_cleanup_close_ int fd = open(f->disks[i].path, O_RDONLY | O_CLOEXEC);

		ret = fd < 0 ? -errno : stamp_read(fd, &f->stamps[i]);
		if (ret && ret != -ENODATA)
			log_err(ret, "cannot read the journal of '%s'", f->disks[i].path);
	}
	if (ret)
		return ret;
	*out = f;
	f = NULL;
	return 0;
}

static int write_one(const struct found *f, size_t i)
{
	const char *path = f->disks[i].path;
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	int ret = fd < 0 ? -errno : stamp_write(fd, &f->stamps[i]);

	return ret ? log_err(ret, "cannot write the journal to '%s'", path) : 0;
}

static bool lists(const struct stamp *s, const char *module)
{
	const char *p = s->done;
	size_t n = strlen(module);

	while (*p) {
		size_t len = strcspn(p, ",");

		if (len == n && !strncmp(p, module, n))
			return true;
		p += len + (p[len] == ',');
	}
	return false;
}

static bool is_value(const struct plan *plan, const char *key, const char *value)
{
	const char *wanted = plan_head(plan, key);

	return wanted && !strcmp(wanted, value);
}

/* Before partition has written or taken over, the stamp is that of an earlier installation. */
static int find_own(const struct plan *plan, size_t count, struct found **out)
{
	int ret = volume_plan_runs(plan, "partition") ? find(plan, count, out) : -ENODATA;

	if (!ret && !is_value(plan, "install", (*out)->stamps[0].install)) {
		free(*out);
		*out = NULL;
		ret = -ENODATA;
	}
	return ret;
}

bool journal_has(const struct plan *plan, const char *module)
{
	_cleanup_free_ struct found *f = NULL;

	return !find_own(plan, 1, &f) && lists(&f->stamps[0], module);
}

/* The first disk is the last: what it says is true of all. */
static int open_all(struct found *f, const char *module)
{
	int ret = 0;

	for (size_t i = f->layout.disk_count; !ret && i-- > 0;) {
		snprintf(f->stamps[i].open, sizeof(f->stamps[i].open), "%s", module);
		ret = write_one(f, i);
	}
	return ret;
}

int journal_open(const struct plan *plan, const char *module)
{
	_cleanup_free_ struct found *f = NULL;
	int ret = find_own(plan, 0, &f);

	if (ret)
		return ret == -ENODATA ? 0 : ret;
	return open_all(f, module);
}

int journal_reopen(const struct plan *plan)
{
	_cleanup_free_ struct found *f = NULL;
	int ret = find(plan, 0, &f);

	if (ret)
		return ret;
	for (size_t i = 0; i < f->layout.disk_count; i++)
		f->stamps[i].finished = false;
	return open_all(f, JOURNAL_LAST);
}

int journal_close(const struct plan *plan, const char *module)
{
	_cleanup_free_ struct found *f = NULL;
	int ret = find_own(plan, 1, &f);
	struct stamp *s;
	size_t len;

	if (ret)
		return ret == -ENODATA ? 0 : ret;
	s = &f->stamps[0];
	len = strlen(s->done);
	s->open[0] = '\0';
	if (!lists(s, module))
		snprintf(s->done + len, sizeof(s->done) - len, "%s%s", len ? "," : "", module);
	return write_one(f, 0);
}

/* --- taking over --- */

static const char *objection(const struct plan *plan, const struct found *f)
{
	const struct stamp *first = &f->stamps[0];
	char work[STAMP_WORK_TEXT];

	if (journal_work(plan, work))
		return "memory ran out";
	for (size_t i = 0; i < f->layout.disk_count; i++) {
		const struct stamp *s = &f->stamps[i];

		if (!is_value(plan, "resume", s->install) || !is_value(plan, "site", s->site) ||
		    !is_value(plan, "node", s->node) || strcmp(f->layout.disks[i].name, s->disk))
			return "the disk is not the one that it was writing";
		if (strcmp(work, s->work))
			return "this plan wants something else";
		if (s->finished)
			return "it was finished, and may have been in use since";
	}
	if (first->open[0])
		return "it was cut off where what is on the disk cannot be trusted";
	return lists(first, "extrbase") ? NULL : "no base system was complete";
}

bool journal_take_over(const struct plan *plan)
{
	_cleanup_free_ struct found *f = NULL;
	_cleanup_free_ struct volumes *v = NULL;
	const char *resume = plan_head(plan, "resume"), *install = plan_head(plan, "install"), *why;
	int ret = 0;

	if (!resume || !install || find(plan, 0, &f))
		return false;
	why = objection(plan, f);
	if (why) {
		log_info("installation '%s' was cut off; it starts from the beginning, as %s",
			 resume, why);
		return false;
	}
	for (size_t i = 0; !ret && i < f->layout.disk_count; i++) {
		snprintf(f->stamps[i].install, sizeof(f->stamps[i].install), "%s", install);
		ret = write_one(f, i);
	}
	if (ret || volumes_find(plan, &v))
		return false;
	log_info("goes on with installation '%s', which was cut off; done: %s", resume,
		 f->stamps[0].done);
	return true;
}
