/* dolly: takes data sets over the ring into the target (L30). The master is `dolly send`, one for
 *each data set; the signed plan says which content (BLAKE3 root), from where, and the ring's key.
 *
 *	[dolly]
 *	key HEX                                    64 digits; without it the ring is not keyed
 *	interface NAME                             the card for the data
 *	dataset NAME ROOT MASTER:PORT TARGET       in order; TARGET: the file, or the folder of a
 *tree
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "init/module.h"
#include "modules/lib/target.h"
#include "ring/ring.h"

#define MASTER_WAIT_MS 120000 /* the server starts a master when the first node is armed */

struct dataset {
	char text[1024];
	const char *name, *root, *master, *target;
};

/* NULL, or what is wrong. */
static const char *dataset_parse(struct dataset *d, const char *value)
{
	uint8_t root[BLOB_HASH_LEN];
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
	if (str_from_hex(d->root, root, sizeof(root)))
		return "has a root that is not 64 hex digits";
	if (d->target[0] != '/' || !d->target[1] || str_ends(d->target, "/"))
		return "has a target that is not an absolute path of a file or folder";
	return NULL;
}

struct task {
	struct module_context *ctx;
	const char *name;
};

static void show_progress(uint64_t done, uint64_t total, void *arg)
{
	struct task *task = arg;

	module_progress(task->ctx, done, total, task->name);
}

/* The folder is opened as the target sees it, so that no link in the base leads out of it; what
 * comes is put below that descriptor. */
static int open_folder(const char *target, const char *path, char *dest, size_t size)
{
	const char *name = strrchr(path, '/') + 1;
	char folder[PATH_MAX];
	int fd, ret = 0;

	snprintf(folder, sizeof(folder), "%.*s", name - path > 1 ? (int)(name - path) - 1 : 1,
		 path);
	if (folder[1])
		ret = target_mkdir(target, folder, 0755);
	fd = ret ? ret : target_open(target, folder, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return log_err(fd, "cannot open the folder of '%s'", path);
	snprintf(dest, size, "/proc/self/fd/%d/%s", fd, name);
	return fd;
}

static int take_key(struct ring_key *key, const struct plan_section *section)
{
	const char *hex = plan_get(section, "key");

	key->set = hex;
	if (hex && str_from_hex(hex, key->key, sizeof(key->key)))
		return log_err(-EINVAL, "the ring's key in the plan is not 64 hex digits");
	return 0;
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
	ret = take_key(&r.common.key, ctx->section);
	if (ret || str_from_hex(d->root, r.root, sizeof(r.root)))
		return ret ? ret : -EINVAL;
	folder = open_folder(ctx->target, d->target, dest, sizeof(dest));
	if (folder < 0)
		return folder;
	log_info("data set '%s' from '%s' to '%s'", d->name, d->master, d->target);
	return ring_recv(&r);
}

static int dolly_run(struct module_context *ctx)
{
	plan_for_each (line, ctx->section, "dataset") {
		struct dataset d;
		const char *problem = dataset_parse(&d, line->value);
		int ret = problem ? log_err(-EINVAL, "the data set '%s' %s", line->value, problem)
				  : receive(ctx, &d);

		if (ret)
			return ret;
	}
	return 0;
}

static void dolly_check(struct module_check *check)
{
	uint8_t key[RING_KEY_LEN];
	const char *hex = plan_get(check->section, "key");

	if (hex && str_from_hex(hex, key, sizeof(key)))
		check->error(check, "the ring's key is not 64 hex digits");
	if (!plan_get(check->section, "dataset"))
		check->error(check, "no dataset is named");
	plan_for_each (line, check->section, "dataset") {
		struct dataset d;
		const char *problem = dataset_parse(&d, line->value);

		if (problem)
			check->error(check, "the data set '%s' %s", line->value, problem);
	}
}

MODULE(dolly, .summary = "take data sets over the ring", .after = "init partition mount extrbase",
       .needs = "mount", .run = dolly_run, .check = dolly_check);
