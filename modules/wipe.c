/* wipe: the end of a machine's life: erases every disk of its layout, and reads back that it did.
 *
 * The server arms this only for who names the node once more. Here a disk is erased if it carries
 * this node's own stamp or is blank, or if the administrator has said `--wipe` as well; all are
 * judged before the first byte is written.
 */
#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "init/module.h"
#include "modules/lib/disk.h"
#include "modules/lib/erase.h"
#include "modules/lib/probe.h"
#include "modules/lib/stamp.h"
#include "modules/lib/target.h"
#include "modules/lib/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wipe {
	struct module_context *ctx;
	struct layout layout;
	struct disk disks[LAYOUT_DISKS_MAX];
	int fds[LAYOUT_DISKS_MAX];
	uint64_t before, total; /* bytes of the disks that are done, and of all */
};

/* --- may it be? --- */

static bool is_own(const struct wipe *w, const struct stamp *s)
{
	const char *site = plan_head(w->ctx->plan, "site"), *node = plan_head(w->ctx->plan, "node");

	return site && node && !strcmp(s->site, site) && !strcmp(s->node, node);
}

/* Appends what forbids it. */
static int judge(const struct wipe *w, size_t i, struct strbuf *why)
{
	_cleanup_free_ struct stamp *s = malloc(sizeof(*s));
	const char *path = w->disks[i].path;
	uint64_t where;
	int ret = s ? stamp_read(w->fds[i], s) : -ENOMEM;

	if (!ret && !is_own(w, s))
		return strbuf_addf(why, "%s'%s' carries the stamp of node '%s', site %s",
				   why->len ? "; " : "", path, s->node, s->site);
	if (!ret)
		return 0;
	if (ret != -ENODATA && ret != -EBADMSG)
		return log_err(ret, "cannot read disk '%s'", path);
	ret = probe_is_zero(w->fds[i], w->disks[i].bytes, 0, 0, &where);
	if (ret < 0)
		return log_err(ret, "cannot read disk '%s'", path);
	return ret ? 0
		   : strbuf_addf(why, "%s'%s' holds data and carries no stamp of this node",
				 why->len ? "; " : "", path);
}

static int judge_all(const struct wipe *w)
{
	_cleanup_strbuf_ struct strbuf why = STRBUF_INIT;
	const char *wipe = plan_head(w->ctx->plan, "wipe");
	int ret = 0;

	for (size_t i = 0; !ret && i < w->layout.disk_count; i++)
		ret = judge(w, i, &why);
	if (ret || !why.len)
		return ret;
	if (wipe && !strcmp(wipe, "yes")) {
		log_warn("%s; it is erased, as the plan says", why.buf);
		return 0;
	}
	log_err(0, "%s; nothing was written, because the plan does not allow to wipe it", why.buf);
	return -EPERM;
}

/* --- erasing --- */

static bool show(void *arg, uint64_t done, const char *what)
{
	struct wipe *w = arg;

	module_progress(w->ctx, w->before + done, w->total, what);
	return module_cancelled();
}

static int erase(struct wipe *w, size_t i)
{
	const struct disk *d = &w->disks[i];
	struct erase e = {.fd = w->fds[i], .bytes = d->bytes, .progress = show, .arg = w};
	enum erase_how how;
	char size[16];
	int ret = erase_disk(&e, LAYOUT_ALIGN, &how);

	if (ret)
		return log_err(ret, "cannot erase disk '%s'", d->path);
	w->before += d->bytes;
	log_info("disk '%s' (model '%s', serial '%s', %s) is erased: %s", d->path, d->model,
		 d->serial, str_from_size(d->bytes, size, sizeof(size)), erase_word(how));
	return 0;
}

static int open_disk(struct wipe *w, size_t i)
{
	int ret = target_swap_off(&w->disks[i]);

	if (ret)
		return ret;
	w->fds[i] = open(w->disks[i].path, O_RDWR | O_EXCL | O_CLOEXEC);
	w->total += w->disks[i].bytes;
	return w->fds[i] < 0
		       ? log_err(-errno, "cannot open disk '%s' for us alone", w->disks[i].path)
		       : 0;
}

static int wipe_disks(struct wipe *w)
{
	char size[16];
	int ret = volume_layout(w->ctx->plan, &w->layout);

	if (!ret)
		ret = target_unmount(w->ctx->target);
	if (!ret)
		ret = disk_select(&w->layout, w->disks);
	for (size_t i = 0; !ret && i < w->layout.disk_count; i++)
		ret = open_disk(w, i);
	if (!ret)
		ret = judge_all(w);
	for (size_t i = 0; !ret && i < w->layout.disk_count; i++)
		ret = erase(w, i);
	if (!ret)
		module_result(w->ctx, "wiped: %zu disk%s, %s", w->layout.disk_count,
			      w->layout.disk_count == 1 ? "" : "s",
			      str_from_size(w->total, size, sizeof(size)));
	return ret;
}

static int wipe_run(struct module_context *ctx)
{
	struct wipe *w = calloc(1, sizeof(*w));
	int ret;

	if (!w)
		return log_err(-ENOMEM, "cannot start");
	w->ctx = ctx;
	for (size_t i = 0; i < LAYOUT_DISKS_MAX; i++)
		w->fds[i] = -1;
	ret = wipe_disks(w);
	for (size_t i = 0; i < LAYOUT_DISKS_MAX; i++)
		if (w->fds[i] >= 0)
			close(w->fds[i]);
	free(w);
	return ret;
}

MODULE(wipe, .summary = "erase the disks at the end of a machine's life", .after = "init",
       .silence = 3600, .run = wipe_run);
