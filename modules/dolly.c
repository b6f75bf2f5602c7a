/* dolly: takes data sets over the ring into the target (L30). The master is `lucie serve`, one ring
 * for each data set; the signed plan says which content (BLAKE3 root), from where, and the key.
 *
 *	[dolly]
 *	card NAME|MAC ADDRESS/PREFIX [MTU]         to be brought up before
 *	interface NAME                             the card for the data (L39), or its address
 *	dataset NAME ROOT MASTER:PORT TARGET       in order; TARGET: the file, the folder that a
 *						   tree is put into, or raw:LABEL, a partition of
 *						   the layout without a file system
 *	ring_key NAME HEX			   of that data set's ring
 *
 * When the server is started anew the ring ends; the node joins the next one and goes on from what
 * it has verified.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "init/module.h"
#include "modules/lib/card.h"
#include "modules/lib/target.h"
#include "modules/lib/volume.h"
#include "ring/ring.h"

#define MASTER_WAIT_MS 120000
#define TRIES	       3
#define PAUSE_MS       3000
#define RAW	       "raw:"

struct dataset {
	char text[1024];
	const char *name, *root, *master, *target;
};

/* NULL, or what is wrong. */
static const char *dataset_parse(struct dataset *d, const char *value)
{
	static const char *const systems[] = {"/dev", "/proc", "/run", "/sys"};
	uint8_t raw[BLOB_HASH_LEN];
	char *rest = d->text;

	if ((size_t)snprintf(d->text, sizeof(d->text), "%s", value) >= sizeof(d->text))
		return "is too long";
	d->name = str_word(&rest);
	d->root = str_word(&rest);
	d->master = str_word(&rest);
	d->target = str_trim(rest);
	if (!d->name || !d->root || !d->master || !*d->target)
		return "is not NAME ROOT MASTER:PORT TARGET";
	if (!str_is_name(d->name))
		return "has no usable name";
	if (str_from_hex(d->root, raw, sizeof(raw)))
		return "has a root that is not 64 hex digits";
	if (str_starts(d->target, RAW))
		return d->target[strlen(RAW)] ? NULL : "has a target without a label";
	if (d->target[0] != '/' || !d->target[1] || str_ends(d->target, "/"))
		return "has a target that is not an absolute path of a file or folder";
	for (size_t i = 0; i < ARRAY_SIZE(systems); i++)
		if (str_starts(d->target, systems[i]) && strchr("/", d->target[strlen(systems[i])]))
			return "has a target that does not lie on a disk";
	return NULL;
}

/* False: there is none, or it is not 64 hex digits. */
static bool find_key(const struct plan_section *section, const char *name,
		     uint8_t key[RING_KEY_LEN])
{
	size_t n = strlen(name);

	plan_for_each (line, section, "ring_key")
		if (!strncmp(line->value, name, n) && line->value[n] == ' ')
			return !str_from_hex(line->value + n + 1, key, RING_KEY_LEN);
	return false;
}

struct task {
	struct module_context *ctx;
	const char *name;
	uint64_t done; /* bytes, the most that were there */
};

static void show_progress(uint64_t done, uint64_t total, void *arg)
{
	struct task *task = arg;

	if (done > task->done)
		task->done = done;
	module_progress(task->ctx, done, total, task->name);
}

/* Paths are the target's own: no link in the base may lead out of it. A folder that is there is
 * where it is, whatever links lead to it; else dest lies below the descriptor *folder. */
static int find_path(const char *target, const char *path, char dest[PATH_MAX], int *folder)
{
	const char *name = strrchr(path, '/') + 1;
	char parent[PATH_MAX], link[PATH_MAX];
	int ret = 0;

	if (!target_place(target, path, dest))
		return 0;
	if (target_readlink(target, path, link, sizeof(link)) >= 0)
		return log_err(-ELOOP, "'%s' is a link to '%s' in the target", path, link);
	snprintf(parent, sizeof(parent), "%.*s", name - path > 1 ? (int)(name - path) - 1 : 1,
		 path);
	if (!target_exists(target, parent))
		ret = target_mkdir(target, parent, 0755);
	*folder = ret ? ret : target_open(target, parent, O_RDONLY | O_DIRECTORY);
	if (*folder < 0)
		return log_err(*folder, "cannot open the folder of '%s'", path);
	snprintf(dest, PATH_MAX, "/proc/self/fd/%d/%s", *folder, name);
	return 0;
}

/* The stamp of the disk proves that the partition was made for what the layout calls so. */
static int find_partition(const struct plan *plan, const char *label, char dest[PATH_MAX])
{
	_cleanup_free_ struct volumes *v = NULL;
	const struct volume *raw;
	int ret = volumes_find(plan, &v);

	if (ret)
		return ret;
	raw = volume_raw(v, label);
	if (!raw) {
		log_err(0, "no partition of this node's disks was made as raw label=%s", label);
		return -ENXIO;
	}
	snprintf(dest, PATH_MAX, "%s", raw->path);
	return 0;
}

/* The master is gone, was told to end, or does not want us: the next one may. */
static bool is_the_rings(int err)
{
	static const int list[] = {EPERM,	 ETIMEDOUT,    ECONNREFUSED, ECONNRESET,
				   ECONNABORTED, EHOSTUNREACH, ENETUNREACH,  EPIPE,
				   ESTALE,	 EPROTO};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		if (err == -list[i])
			return true;
	return false;
}

/* Ends when TRIES in a row have brought nothing new. */
static int receive_patiently(const struct ring_recv *r, const struct task *task)
{
	int ret = ring_recv(r);

	for (int tries = 1; ret && is_the_rings(ret) && tries < TRIES; tries++) {
		uint64_t before = task->done;

		log_warn("data set '%s' is not complete; joining again", task->name);
		sleep_ms(PAUSE_MS);
		ret = module_cancelled() ? -ECANCELED : ring_recv(r);
		if (task->done > before)
			tries = 0;
	}
	return ret;
}

static int receive(struct module_context *ctx, const struct dataset *d)
{
	struct task task = {.ctx = ctx, .name = d->name};
	_cleanup_close_ int folder = -1;
	char dest[PATH_MAX];
	struct ring_recv r;
	int ret;

	ring_recv_defaults(&r);
	r.common.interface = plan_get(ctx->section, "interface");
	r.common.cancelled = module_cancelled;
	r.master = d->master;
	r.dest = dest;
	r.name = plan_head(ctx->plan, "node");
	r.has_root = true;
	r.wait_ms = MASTER_WAIT_MS;
	r.progress = show_progress;
	r.arg = &task;
	r.common.key.set = true;
	if (!find_key(ctx->section, d->name, r.common.key.key))
		return log_err(-ENOKEY, "the ring of data set '%s'", d->name);
	if (str_from_hex(d->root, r.root, sizeof(r.root)))
		return -EINVAL;
	ret = str_starts(d->target, RAW) ? find_partition(ctx->plan, d->target + strlen(RAW), dest)
					 : find_path(ctx->target, d->target, dest, &folder);
	if (ret)
		return ret;
	log_info("data set '%s' from '%s' to '%s'", d->name, d->master, d->target);
	return receive_patiently(&r, &task);
}

/* Another card than the one that the installer booted from. */
static int bring_card_up(const struct plan_section *section)
{
	const char *line = plan_get(section, "card");
	struct card card;

	if (!line)
		return 0;
	return card_parse(&card, line)
		       ? log_err(-EINVAL, "the card '%s' of the plan cannot be used", line)
		       : card_up(&card);
}

static int dolly_run(struct module_context *ctx)
{
	int ready = bring_card_up(ctx->section);

	if (ready)
		return ready;
	plan_for_each (line, ctx->section, "dataset") {
		struct dataset d;
		const char *problem = dataset_parse(&d, line->value);
		int ret = problem ? log_err(-EINVAL, "a data set of the plan %s", problem)
				  : receive(ctx, &d);

		if (ret)
			return ret;
	}
	return 0;
}

/* What is wrong with the layout itself is partition's to say. */
static void check_partition(struct module_check *check, const struct dataset *d)
{
	_cleanup_free_ struct layout *l = malloc(sizeof(*l));

	if (l && !layout_parse(l, plan_section(check->plan, "layout"), NULL, NULL) &&
	    layout_find_raw(l, d->target + strlen(RAW)) < 0)
		check->error(check,
			     "the data set '%s' goes onto '%s', but the layout has no, or more "
			     "than one, 'partition - SIZE raw label=%s'",
			     d->name, d->target, d->target + strlen(RAW));
}

static void check_preserved(struct module_check *check, const struct dataset *d)
{
	_cleanup_free_ struct layout *l = malloc(sizeof(*l));

	if (!l || layout_parse(l, plan_section(check->plan, "layout"), NULL, NULL))
		return;
	for (size_t i = 0; i < l->part_count; i++) {
		const char *mount = l->parts[i].mount;
		size_t n = strlen(mount);

		if (l->parts[i].keep == KEEP_CONTENT && n > 1 && !strncmp(d->target, mount, n) &&
		    d->target[n] == '/')
			check->error(check,
				     "the data set '%s' goes to '%s', which the layout preserves: "
				     "it is not mounted during an installation",
				     d->name, mount);
	}
}

static void dolly_check(struct module_check *check)
{
	const char *card = plan_get(check->section, "card");
	struct card c;

	if (card && card_parse(&c, card))
		check->error(check, "the card '%s' cannot be used", card);
	plan_for_each (line, check->section, "dataset") {
		uint8_t key[RING_KEY_LEN];
		struct dataset d = {.name = NULL};
		const char *problem = dataset_parse(&d, line->value);

		if (problem)
			check->error(check, "the data set '%s' %s", d.name ? d.name : line->value,
				     problem);
		else if (!find_key(check->section, d.name, key))
			check->error(check, "the ring of data set '%s' has no key", d.name);
		else if (str_starts(d.target, RAW))
			check_partition(check, &d);
		else
			check_preserved(check, &d);
	}
}

MODULE(dolly, .summary = "take data sets over the ring", .after = "init partition mount extrbase",
       .needs = "mount", .run = dolly_run, .check = dolly_check);
