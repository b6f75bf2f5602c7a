/* finalize: makes the disk bootable, leaves the answer file and the log on it, takes everything
 * apart, and proves the result.
 *
 * The order is the power cut's: boot loader (modules/lib/boot-loader.h), unmount, a look at what is
 * on the disk, and at the very end the stamp that says "finished". What cannot be verified is a
 * failure.
 */
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/module.h"
#include "modules/lib/boot-loader.h"
#include "modules/lib/ext4.h"
#include "modules/lib/journal.h"
#include "modules/lib/record.h"
#include "modules/lib/stamp.h"
#include "modules/lib/takedown.h"
#include "modules/lib/target.h"
#include "modules/lib/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define LOG_DIR "/var/log/lucie"
#define LOG_NOW "/run/lucie/log"
#define LOG_MAX ((size_t)16 << 20)

struct finalize {
	struct module_context *ctx;
	struct volumes *v;
	struct boot_loader loader;
};

/* --- what stays on the node --- */

/* What proved this node to the server and to the rings is no business of the installed system. */
static bool is_secret(const struct plan_section *s, const char *key)
{
	return (!*s->name && !strcmp(key, "token")) || !strcmp(key, "ring_key") ||
	       !strcmp(key, "identity") || !strcmp(key, "luks_key");
}

/* The plan as it was run. */
static int write_answers(struct finalize *f)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	plan_write_start(&text);
	for (size_t i = 0; i < f->ctx->plan->count; i++) {
		const struct plan_section *s = &f->ctx->plan->sections[i];

		if (i)
			plan_write_section(&text, s->name);
		for (size_t n = 0; n < s->count; n++)
			if (!is_secret(s, s->lines[n].key))
				plan_write(&text, s->lines[n].key, s->lines[n].value);
	}
	if (text.error)
		return log_err(text.error, "cannot write the answer file");
	return target_write(f->ctx->target, LOG_DIR "/plan", text.buf, text.len, 0600);
}

static int keep_log(struct finalize *f)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int ret = file_read(LOG_NOW, LOG_MAX, &text, &len);

	if (ret == -ENOENT)
		return 0;
	if (ret) {
		log_warn("the log is not kept: '%s': %s", LOG_NOW, strerror(-ret));
		return 0;
	}
	return target_write(f->ctx->target, LOG_DIR "/install.log", text, len, 0600);
}

static int leave_records(struct finalize *f)
{
	int ret = target_mkdir(f->ctx->target, LOG_DIR, 0700);

	if (!ret)
		ret = write_answers(f);
	return ret ? ret : keep_log(f);
}

/* --- the end --- */

static int take_apart(struct finalize *f)
{
	int ret;

	module_progress(f->ctx, 0, 0, "writing to the disk");
	ret = target_leave(f->ctx->target);
	if (!ret)
		ret = target_unmount(f->ctx->target);
	return ret;
}

static int verify(const struct finalize *f)
{
	int ret = boot_loader_verify(&f->loader);

	for (size_t i = 0; !ret && i < f->v->count; i++)
		if (f->v->list[i].part.fs == FS_EXT4 &&
		    !volume_is_left_alone(f->ctx->plan, &f->v->list[i]))
			ret = ext4_check_clean(f->v->list[i].path);
	return ret;
}

static int finish_stamp(const struct disk *d, struct stamp *s)
{
	_cleanup_close_ int fd = open(d->path, O_RDWR | O_CLOEXEC);
	int ret;

	s->finished = true;
	s->work[0] = s->done[0] = s->open[0] = '\0';
	ret = fd < 0 ? -errno : stamp_write(fd, s);
	return ret ? log_err(ret, "cannot write the stamp of '%s'", d->path) : 0;
}

static void find_system_partitions(struct boot_loader *b)
{
	for (size_t i = 0; i < b->v->count && b->esp_count < ARRAY_SIZE(b->esps); i++)
		if (layout_is_esp(b->v->list[i].part.fs, b->v->list[i].part.mount))
			b->esps[b->esp_count++] = &b->v->list[i];
}

static int finalize_target(struct finalize *f)
{
	int ret = volumes_find(f->ctx->plan, &f->v);
	dev_t dev;

	if (ret)
		return ret;
	f->loader = (struct boot_loader){
		.target = f->ctx->target,
		.kernel_args = plan_get(f->ctx->section, "kernel_args"),
		.v = f->v,
		.root = volume_of(f->v, "/"),
		.boot = volume_of(f->v, "/boot"),
	};
	find_system_partitions(&f->loader);
	if (!f->loader.root || !f->loader.boot || !target_is_mounted(f->ctx->target, &dev)) {
		log_err(0, "the root file system is not mounted at '%s'", f->ctx->target);
		return -ENOTCONN;
	}
	/* From here on the disk may boot, and somebody may use it. */
	ret = journal_open(f->ctx->plan, JOURNAL_LAST);
	if (ret)
		return ret;
	module_progress(f->ctx, 0, 0, "boot loader");
	ret = boot_loader_install(&f->loader);
	if (!ret)
		ret = leave_records(f);
	if (!ret)
		ret = record_write(CENSUS_JOB(f->ctx));
	if (!ret)
		ret = take_apart(f);
	if (!ret)
		ret = verify(f);
	for (size_t i = 0; !ret && i < f->v->disk_count; i++)
		ret = takedown_disk(&f->v->disks[i]);
	if (!ret)
		boot_loader_register(&f->loader);
	for (size_t i = 0; !ret && i < f->v->disk_count; i++)
		ret = finish_stamp(&f->v->disks[i], &f->v->stamps[i]);
	return ret;
}

static int finalize_run(struct module_context *ctx)
{
	struct finalize f = {.ctx = ctx};
	int ret = finalize_target(&f);

	free(f.v);
	return ret;
}

MODULE(finalize, .summary = "boot loader, records, unmount, proof",
       .after = "init partition mount extrbase install configure", .needs = "mount",
       .run = finalize_run);
