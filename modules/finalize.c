/* finalize: makes the disk bootable, leaves the answer file and the log on it, takes everything
 * apart, and proves the result.
 *
 * Boot is extlinux on BIOS. Its configuration is written by a hook that stays in the target, so
 * that a kernel that comes later by the package manager boots too. The order is the power cut's:
 * boot loader, unmount, a look at what is on the disk, and at the very end the stamp that says
 * "finished". What cannot be verified is a failure.
 */
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/proc.h"
#include "init/lib/str.h"
#include "init/module.h"
#include "modules/lib/ext4.h"
#include "modules/lib/stamp.h"
#include "modules/lib/table.h"
#include "modules/lib/target-run.h"
#include "modules/lib/target.h"
#include "modules/lib/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define EXTLINUX      "/sbin/extlinux" /* of the archive extlinux.img, as are the next two */
#define GPT_CODE      "/lib/lucie/gptmbr.bin"
#define MSDOS_CODE    "/lib/lucie/mbr.bin"
#define BOOT_CODE_MAX 440 /* the MSDOS disk signature follows */
#define BOOT_DIR      "/boot/extlinux"
#define BOOT_CONFIG   BOOT_DIR "/extlinux.conf"
#define BOOT_ARGS     "/etc/lucie/boot"
#define HOOK	      "/etc/kernel/postinst.d/zz-lucie-boot"
#define LOG_DIR	      "/var/log/lucie"
#define LOG_NOW	      "/run/lucie/log"
#define LOG_MAX	      ((size_t)16 << 20)
#define CONFIG_MAX    ((size_t)64 << 10)
#define SECONDS	      120

/* Runs in the target: now, after each kernel package, and after each new initramfs. `prefix` is
 * where extlinux sees /boot. */
static const char hook_text[] =
	"#!/bin/sh\n"
	"# Writes " BOOT_CONFIG " for the kernels in /boot, the newest first.\n"
	"set -e\n"
	". " BOOT_ARGS "\n"
	"new=" BOOT_CONFIG ".new\n"
	"printf 'PROMPT 0\\nTIMEOUT 1\\n' >$new\n"
	"n=0\n"
	"for kernel in $(ls /boot | grep '^vmlinuz-' | sort -rV); do\n"
	"	version=${kernel#vmlinuz-}\n"
	"	[ $n -gt 0 ] || echo \"DEFAULT linux0\" >>$new\n"
	"	printf 'LABEL linux%s\\n\\tLINUX %s\\n' $n \"$prefix/$kernel\" >>$new\n"
	"	[ ! -e \"/boot/initrd.img-$version\" ] || printf '\\tINITRD %s\\n' "
	"\"$prefix/initrd.img-$version\" >>$new\n"
	"	printf '\\tAPPEND %s\\n' \"$append\" >>$new\n"
	"	n=$((n + 1))\n"
	"done\n"
	"[ $n -gt 0 ] || { rm -f $new; exit 0; }\n"
	"sync $new\n"
	"mv $new " BOOT_CONFIG "\n";

/* The same file under the other names by which kernels come, go and get their initramfs. */
static const char *const hook_links[] = {
	"/etc/kernel/postrm.d/zz-lucie-boot",
	"/etc/initramfs/post-update.d/zz-lucie-boot",
};

struct finalize {
	struct module_context *ctx;
	struct volumes *v;
	const struct volume *root, *boot; /* boot: where /boot lies */
};

/* --- boot --- */

/* Single quotes for the shell that reads BOOT_ARGS. */
static void add_quoted(struct strbuf *b, const char *s)
{
	strbuf_adds(b, "'");
	for (; *s; s++)
		strbuf_add(b, *s == '\'' ? "'\\''" : s, *s == '\'' ? 4 : 1);
	strbuf_adds(b, "'");
}

static int write_boot_args(struct finalize *f)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT, append = STRBUF_INIT;
	const char *args = plan_get(f->ctx->section, "kernel_args");

	strbuf_addf(&append, "root=UUID=%s ro%s%s", f->root->part.uuid, args ? " " : "",
		    args ? args : "");
	strbuf_addf(&text, "# Read by %s.\nprefix=%s\nappend=", HOOK,
		    strcmp(f->boot->part.mount, "/boot") ? "/boot" : "");
	add_quoted(&text, append.buf ? append.buf : "");
	strbuf_adds(&text, "\n");
	if (text.error || append.error)
		return log_err(-ENOMEM, "cannot write '%s' in the target", BOOT_ARGS);
	return target_write(f->ctx->target, BOOT_ARGS, text.buf, text.len, 0644);
}

static int write_boot_config(struct finalize *f)
{
	const char *target = f->ctx->target;
	int ret = target_mkdir(target, BOOT_DIR, 0755), left;

	if (!ret)
		ret = write_boot_args(f);
	if (!ret)
		ret = target_write_text(target, HOOK, hook_text, 0755);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(hook_links); i++)
		ret = target_symlink(target, HOOK, hook_links[i]);
	if (ret)
		return ret;
	ret = target_enter(target);
	if (!ret)
		ret = target_run(target, &(struct target_command){.argv = (char *[]){HOOK, NULL}});
	left = target_leave(target);
	return ret ? ret : left;
}

/* Every file that the boot loader is told to load is there. */
static int check_boot_config(struct finalize *f)
{
	bool own = !strcmp(f->boot->part.mount, "/boot");
	_cleanup_free_ char *text = NULL;
	char *line, *rest, *key, path[PATH_MAX];
	unsigned int kernels = 0;
	int ret = target_read(f->ctx->target, BOOT_CONFIG, CONFIG_MAX, &text);

	if (ret)
		return ret == -ENOENT ? log_err(0, "no kernel in '/boot' of the target") : ret;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		key = str_word(&line);
		if (!key || (strcmp(key, "LINUX") && strcmp(key, "INITRD")))
			continue;
		snprintf(path, sizeof(path), "%s%s", own ? "/boot" : "", str_trim(line));
		if (!target_exists(f->ctx->target, path))
			return log_err(-ENOENT,
				       "cannot find '%s', which is to be booted, in the target",
				       path);
		kernels += !strcmp(key, "LINUX");
	}
	return kernels ? 0 : log_err(-ENOENT, "'%s' names no kernel", BOOT_CONFIG);
}

static void log_line(const char *line, void *arg)
{
	snprintf(arg, TARGET_REASON_MAX, "%s", line);
	log_debug("%s", line);
}

/* The directory must lie on the partition that the stamp led to: extlinux writes to the device
 * below it. */
static int install_extlinux(struct finalize *f)
{
	char dir[PATH_MAX], device[DISK_PATH_MAX + 16], last[TARGET_REASON_MAX] = "", how[80];
	char *const argv[] = {EXTLINUX, "--install", device, dir, NULL};
	struct proc_options options = {.total_seconds = SECONDS, .line = log_line, .arg = last};
	struct stat place, partition;
	int ret;

	snprintf(dir, sizeof(dir), "%s%s", f->ctx->target, BOOT_DIR);
	snprintf(device, sizeof(device), "--device=%s", f->boot->path);
	if (stat(dir, &place) || stat(f->boot->path, &partition))
		return log_err(-errno, "cannot find '%s' on '%s'", dir, f->boot->path);
	if (!S_ISBLK(partition.st_mode) || place.st_dev != partition.st_rdev)
		return log_err(-EXDEV, "'%s' does not lie on '%s'", dir, f->boot->path);
	ret = proc_run(argv, &options);
	if (!ret)
		return 0;
	log_err(0, "'%s' failed on '%s' (%s): %s", EXTLINUX, f->boot->path,
		proc_result(ret, &options, how, sizeof(how)), last);
	return ret > 0 ? -EIO : ret;
}

static int boot_code(const struct finalize *f, char **code, size_t *len)
{
	const char *path = f->v->stamps[f->boot->disk].table == TABLE_GPT ? GPT_CODE : MSDOS_CODE;
	int ret = file_read(path, BOOT_CODE_MAX, code, len);

	return ret ? log_err(ret, "cannot read the boot code '%s'", path) : 0;
}

static int write_boot_code(struct finalize *f)
{
	const char *path = f->v->disks[f->boot->disk].path;
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
	_cleanup_free_ char *code = NULL;
	size_t len;
	int ret = boot_code(f, &code, &len);

	if (ret)
		return ret;
	ret = fd < 0 ? -errno : pwrite_full(fd, code, len, 0);
	if (!ret && fsync(fd))
		ret = -errno;
	return ret ? log_err(ret, "cannot write the boot code to '%s'", path) : 0;
}

static int make_bootable(struct finalize *f)
{
	int ret = write_boot_config(f);

	if (!ret)
		ret = check_boot_config(f);
	if (!ret)
		ret = install_extlinux(f);
	if (!ret)
		ret = table_set_boot(f->v->disks[f->boot->disk].path, f->boot->part.number);
	return ret ? ret : write_boot_code(f);
}

/* --- what stays on the node --- */

/* What proved this node to the server and to the rings is no business of the installed system. */
static bool is_secret(const struct plan_section *s, const char *key)
{
	return (!*s->name && !strcmp(key, "token")) || !strcmp(key, "ring_key") ||
	       !strcmp(key, "identity");
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
	for (size_t i = 0; !ret && i < f->v->disk_count; i++)
		ret = target_swap_off(&f->v->disks[i]);
	return ret;
}

/* Reads from the disk itself what the firmware will read. */
static int verify_boot(const struct finalize *f)
{
	const char *path = f->v->disks[f->boot->disk].path;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *code = NULL;
	_cleanup_free_ struct table *t = malloc(sizeof(*t));
	char sector[BOOT_CODE_MAX];
	bool found = false;
	size_t len;
	int ret = boot_code(f, &code, &len);

	if (ret)
		return ret;
	if (fd < 0 || !t || fsync(fd) || ioctl(fd, BLKFLSBUF, 0))
		return log_err(fd < 0 || t ? -errno : -ENOMEM, "cannot read '%s' back", path);
	ret = pread_full(fd, sector, len, 0);
	if (ret || memcmp(sector, code, len))
		return log_err(ret ? ret : -EIO, "the boot code of '%s' does not read back", path);
	ret = table_read(path, t);
	for (size_t i = 0; !ret && i < t->count; i++) {
		bool boot = t->parts[i].number == f->boot->part.number;

		found |= boot;
		if (t->parts[i].boot != boot)
			ret = log_err(-EIO, "the boot flag of '%s' does not read back", path);
	}
	if (!ret && !found)
		ret = log_err(-EIO, "partition %u of '%s' does not read back", f->boot->part.number,
			      path);
	return ret;
}

static int verify(const struct finalize *f)
{
	int ret = verify_boot(f);

	for (size_t i = 0; !ret && i < f->v->count; i++)
		if (f->v->list[i].part.fs == FS_EXT4)
			ret = ext4_check_clean(f->v->list[i].path);
	return ret;
}

static int finish_stamp(const struct disk *d, struct stamp *s)
{
	_cleanup_close_ int fd = open(d->path, O_RDWR | O_CLOEXEC);
	int ret;

	s->finished = true;
	ret = fd < 0 ? -errno : stamp_write(fd, s);
	return ret ? log_err(ret, "cannot write the stamp of '%s'", d->path) : 0;
}

static int finalize_target(struct finalize *f)
{
	int ret = volumes_find(f->ctx->plan, &f->v);
	dev_t dev;

	if (ret)
		return ret;
	f->root = volume_of(f->v, "/");
	f->boot = volume_of(f->v, "/boot");
	if (!f->root || !f->boot || !target_is_mounted(f->ctx->target, &dev)) {
		log_err(0, "the root file system is not mounted at '%s'", f->ctx->target);
		return -ENOTCONN;
	}
	module_progress(f->ctx, 0, 0, "boot loader");
	ret = make_bootable(f);
	if (!ret)
		ret = leave_records(f);
	if (!ret)
		ret = take_apart(f);
	if (!ret)
		ret = verify(f);
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
