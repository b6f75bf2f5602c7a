/* What the boot loaders of the disk read: a hook that stays in the target writes it for the kernels
 * that are there, so that a kernel that comes later by the package manager boots too. */
#include "modules/lib/boot-loader.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/target-run.h"
#include "modules/lib/target.h"

#define BOOT_ARGS  "/etc/lucie/boot"
#define HOOK	   "/etc/kernel/postinst.d/zz-lucie-boot"
#define CONFIG_MAX ((size_t)64 << 10)

/* Runs in the target: now, after each kernel package, and after each new initramfs. `prefix` is
 * where a boot loader sees /boot, `esps` where system partitions are mounted. Kernel arguments are words of GRUB's shell there. */
static const char hook_text[] =
	"#!/bin/sh\n"
	"# Writes the configurations of extlinux and GRUB for the kernels in /boot, the newest "
	"first.\n"
	"set -e\n"
	". " BOOT_ARGS "\n"
	"extlinux=" BOOT_CONFIG_EXTLINUX "\n"
	"grub=" BOOT_CONFIG_GRUB "\n"
	"words=$(printf '%s' \"$append\" | sed 's|[^A-Za-z0-9 =,.:_/+@-]|\\\\&|g')\n"
	"printf 'PROMPT 0\\nTIMEOUT 1\\n' >$extlinux.new\n"
	"printf 'set timeout=0\\nset fallback=1\\n' >$grub.new\n"
	"n=0\n"
	"for kernel in $(ls /boot | grep '^vmlinuz-' | sort -rV); do\n"
	"	version=${kernel#vmlinuz-}\n"
	"	[ $n -gt 0 ] || echo \"DEFAULT linux0\" >>$extlinux.new\n"
	"	printf 'LABEL linux%s\\n\\tLINUX %s\\n' $n \"$prefix/$kernel\" >>$extlinux.new\n"
	"	printf 'menuentry \"Linux %s\" {\\n\\tlinux %s %s\\n' $version \"$prefix/$kernel\" "
	"\"$words\" >>$grub.new\n"
	"	if [ -e \"/boot/initrd.img-$version\" ]; then\n"
	"		printf '\\tINITRD %s\\n' \"$prefix/initrd.img-$version\" >>$extlinux.new\n"
	"		printf '\\tinitrd %s\\n' \"$prefix/initrd.img-$version\" >>$grub.new\n"
	"	fi\n"
	"	printf '\\tAPPEND %s\\n' \"$append\" >>$extlinux.new\n"
	"	echo '}' >>$grub.new\n"
	"	n=$((n + 1))\n"
	"done\n"
	"[ $n -gt 0 ] || { rm -f $extlinux.new $grub.new; exit 0; }\n"
	"sync $extlinux.new $grub.new\n"
	"mv $extlinux.new $extlinux\n"
	"mv $grub.new $grub\n"
	"\n"
	"# The boot loaders of packages, on each system partition that is mounted.\n"
	"refresh() {\n"
	"	[ -e \"$1\" ] && [ -e \"$2\" ] && ! cmp -s \"$1\" \"$2\" || return 0\n"
	"	cp \"$1\" \"$2.new\"\n"
	"	sync \"$2.new\"\n"
	"	mv \"$2.new\" \"$2\"\n"
	"}\n"
	"for esp in $esps; do\n"
	"	refresh " BOOT_OWN_SHIM " $esp/" BOOT_FILE_SHIM "\n"
	"	refresh " BOOT_OWN_GRUB " $esp/" BOOT_FILE_GRUB "\n"
	"done\n";

/* The same file under the other names by which kernels come, go and get their initramfs. */
static const char *const hook_links[] = {
	"/etc/kernel/postrm.d/zz-lucie-boot",
	"/etc/initramfs/post-update.d/zz-lucie-boot",
};

bool boot_is_own_partition(const struct boot_loader *b)
{
	return !strcmp(b->boot->part.mount, "/boot");
}

/* Single quotes for the shell that reads BOOT_ARGS. */
static void add_quoted(struct strbuf *out, const char *s)
{
	strbuf_adds(out, "'");
	for (; *s; s++)
		strbuf_add(out, *s == '\'' ? "'\\''" : s, *s == '\'' ? 4 : 1);
	strbuf_adds(out, "'");
}

/* Those whose boot loaders are files of packages, which may come anew. */
static void add_system_partitions(struct strbuf *out, const struct boot_loader *b)
{
	if (!boot_uefi_owns_loaders(b))
		return;
	for (size_t i = 0; i < b->esp_count; i++)
		strbuf_addf(out, "%s%s", i ? " " : "", b->esps[i]->part.mount);
}

static int write_boot_args(const struct boot_loader *b)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT, append = STRBUF_INIT, esps = STRBUF_INIT;
	const char *args = b->kernel_args;

	strbuf_addf(&append, "root=UUID=%s ro%s%s", b->root->part.uuid, args ? " " : "",
		    args ? args : "");
	strbuf_addf(&text, "# Read by %s.\nprefix=%s\nappend=", HOOK,
		    boot_is_own_partition(b) ? "" : "/boot");
	add_quoted(&text, append.buf ? append.buf : "");
	add_system_partitions(&esps, b);
	strbuf_addf(&text, "\nesps='%s'\n", esps.buf ? esps.buf : "");
	if (text.error || append.error || esps.error)
		return log_err(-ENOMEM, "cannot write '%s' in the target", BOOT_ARGS);
	return target_write(b->target, BOOT_ARGS, text.buf, text.len, 0644);
}

static int run_hook(const struct boot_loader *b)
{
	int ret = target_enter(b->target), left;

	if (!ret)
		ret = target_run(b->target,
				 &(struct target_command){.argv = (char *[]){HOOK, NULL}});
	left = target_leave(b->target);
	return ret ? ret : left;
}

/* Every file that the boot loader is told to load is there. */
static int check_boot_config(const struct boot_loader *b)
{
	bool own = boot_is_own_partition(b);
	_cleanup_free_ char *text = NULL;
	char *line, *rest, *key, path[PATH_MAX];
	unsigned int kernels = 0;
	int ret = target_read(b->target, BOOT_CONFIG_EXTLINUX, CONFIG_MAX, &text);

	if (ret)
		return ret == -ENOENT ? log_err(0, "no kernel in '/boot' of the target") : ret;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		key = str_word(&line);
		if (!key || (strcmp(key, "LINUX") && strcmp(key, "INITRD")))
			continue;
		snprintf(path, sizeof(path), "%s%s", own ? "/boot" : "", str_trim(line));
		if (!target_exists(b->target, path))
			return log_err(-ENOENT,
				       "cannot find '%s', which is to be booted, in the target",
				       path);
		kernels += !strcmp(key, "LINUX");
	}
	return kernels ? 0 : log_err(-ENOENT, "'%s' names no kernel", BOOT_CONFIG_EXTLINUX);
}

int boot_config_write(const struct boot_loader *b)
{
	static const char *const folders[] = {"/boot/extlinux", "/boot/lucie"};
	int ret = 0;

	for (size_t i = 0; !ret && i < ARRAY_SIZE(folders); i++)
		ret = target_mkdir(b->target, folders[i], 0755);
	if (!ret)
		ret = write_boot_args(b);
	if (!ret)
		ret = target_write_text(b->target, HOOK, hook_text, 0755);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(hook_links); i++)
		ret = target_symlink(b->target, HOOK, hook_links[i]);
	if (!ret)
		ret = run_hook(b);
	return ret ? ret : check_boot_config(b);
}
