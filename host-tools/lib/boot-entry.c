/* What a node boots, and the two ways to write it down; see boot-entry.h. A new kind of archive or
 * kernel argument goes into install_make(), and no boot loader needs to know. */
#include "host-tools/lib/boot-entry.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/generation.h"
#include "host-tools/lib/nfs-root.h"
#include "init/lib/cleanup.h"
#include "init/lib/cmdline.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

const char *const boot_addons[] = {"extlinux", "uefi", "firmware", "remotelogin", "e2fsck",
				   "xfs",      "raid", "lvm",	   "luks",	  NULL};

/* --- made --- */

static __attribute__((format(printf, 2, 3))) int initrd_add(struct boot_entry *e, const char *fmt,
							    ...)
{
	va_list ap;
	int n;

	if (e->initrd_count == BOOT_INITRDS_MAX)
		return -E2BIG;
	va_start(ap, fmt);
	n = vasprintf(&e->initrds[e->initrd_count], fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	e->initrd_count++;
	return 0;
}

static bool has_line(const struct cluster_object *layout, const char *key)
{
	return layout && cluster_get(layout, key);
}

/* Options without their value. A layout that has vfat can be a UEFI machine's, and needs the driver
 * on any. */
static bool has_word(const struct cluster_object *layout, const char *wanted)
{
	for (size_t i = 0; layout && i < layout->count; i++) {
		_cleanup_free_ char *text = xstrdup(layout->values[i].text);
		char *rest = text, *word;

		while ((word = str_word(&rest))) {
			word[strcspn(word, "=")] = '\0';
			if (!strcmp(word, wanted))
				return true;
		}
	}
	return false;
}

static bool installer_reads_only(const struct cluster_object *installer)
{
	const char *value = cluster_get(installer, "read_only");

	return value && !strcmp(value, "yes");
}

static bool is_wanted(const struct cluster_object *layout, const struct cluster_object *installer,
		      const char *addon)
{
	const char *modules = installer ? cluster_get(installer, "modules") : NULL;

	if (!strcmp(addon, "uefi"))
		return has_word(layout, "vfat");
	if (!strcmp(addon, "xfs"))
		return has_word(layout, "xfs");
	if (!strcmp(addon, "raid") || !strcmp(addon, "luks"))
		return has_line(layout, addon);
	if (!strcmp(addon, "lvm"))
		return has_line(layout, "vg");
	if (!strcmp(addon, "remotelogin"))
		return modules && cluster_list_has(modules, addon);
	/* What is not made anew is looked through before it is mounted, unless nothing may be written. */
	if (!strcmp(addon, "e2fsck"))
		return !modules ||
		       (cluster_list_has(modules, "mount") && !installer_reads_only(installer) &&
			(!cluster_list_has(modules, "partition") || has_word(layout, "preserve")));
	return true;
}

/* The archives that this machine's installer and layout need; host may be a lucie_group. */
static int addons_add(struct boot_entry *e, const char *dir, const struct cluster *c,
		      const struct cluster_object *host)
{
	const char *board = cluster_host_get(c, host, "board");
	const struct cluster_object *layout = cluster_host_ref(c, host, "disk_layout",
							       TYPE_DISK_LAYOUT),
				    *installer = cluster_find(c, TYPE_INSTALLER, e->variant);
	int ret = 0;

	for (const char *const *name = boot_addons; !ret && *name; name++) {
		_cleanup_free_ char *path = xasprintf("%s/tftp/%s-%s.img", dir, *name, board);

		/* What a machine that nobody has named will run is not known yet. */
		if ((!e->variant[0] || is_wanted(layout, installer, *name)) && !access(path, F_OK))
			ret = initrd_add(e, "%s-%s.img", *name, board);
	}
	return ret;
}

static int nfsroot_add(struct boot_entry *e, const char *dir, const char *board)
{
	_cleanup_free_ char *path = xasprintf("%s/tftp/nfsroot-%s.img", dir, board);

	if (access(path, F_OK))
		return log_err(-errno,
			       "installer '%s' boots a root over NFS: '%s' (`make image BOARD=%s "
			       "FORMAT=nfsroot` and `lucie setup` make it)",
			       e->variant, path, board);
	return initrd_add(e, "nfsroot-%s.img", board);
}

/* host may be a lucie_group. */
static int install_make(struct boot_entry *e, const char *dir, const struct cluster *c,
			const struct cluster_object *host)
{
	const char *board = cluster_host_get(c, host, "board");
	bool nfsroot = nfs_root_booted(c, e->variant);
	int ret;

	e->kernel = xasprintf("vmlinuz-%s", board);
	ret = nfsroot ? nfsroot_add(e, dir, board) : initrd_add(e, "initramfs-%s.img", board);
	if (!ret && !nfsroot)
		ret = addons_add(e, dir, c, host);
	if (!ret)
		ret = initrd_add(e, "site.img");
	if (!ret)
		ret = boot_files_command_line(&e->args, c, host);
	return ret || !nfsroot ? ret : nfs_root_arg(&e->args, c, host);
}

/* The TFTP folder of a generation is GENERATIONS/N/tftp, whatever leads there; others have none. */
static void folder_find(struct boot_entry *e, const char *dir)
{
	_cleanup_free_ char *path = xasprintf("%s/tftp", dir), *real = realpath(path, NULL);
	const char *start = real ? strstr(real, "/" GENERATIONS "/") : NULL;
	unsigned int number;
	int n = 0;

	if (start && sscanf(start, "/" GENERATIONS "/%u/tftp%n", &number, &n) == 1 && n &&
	    !start[n])
		snprintf(e->folder, sizeof(e->folder), "%u/", number);
}

int boot_entry_make(struct boot_entry *e, const char *dir, const struct cluster *c,
		    const struct cluster_object *host, const struct state_node *node)
{
	*e = (struct boot_entry){.what = BOOT_LOCAL, .host = host->name};
	if (!node || !node->armed[0])
		return 0;
	e->what = BOOT_INSTALL;
	snprintf(e->variant, sizeof(e->variant), "%s", node->armed);
	folder_find(e, dir);
	return install_make(e, dir, c, host);
}

static bool has_server(const struct strbuf *args, const char *url)
{
	size_t len = strlen(url);

	for (const char *at = args->buf; (at = strstr(at, url)); at += len)
		if (!at[len] || at[len] == ' ')
			return true;
	return false;
}

/* An unknown machine may be in any network where such machines wait, and perhaps reaches only what
 * that one calls the server. The node takes no more than CMDLINE_SERVERS_MAX. */
static int waiting_servers(struct strbuf *args, const struct cluster *c,
			   const struct cluster_object *first)
{
	size_t count = 1;

	for (size_t i = 0; i < cluster_count(c, TYPE_LUCIE_GROUP); i++) {
		const struct cluster_object *group = cluster_at(c, TYPE_LUCIE_GROUP, i);
		char **servers = boot_files_servers(c, group);
		bool wanted = group != first && cluster_get(group, "discover_range") &&
			      servers[0] && !has_server(args, servers[0]);

		if (wanted && count++ < CMDLINE_SERVERS_MAX)
			strbuf_addf(args, " lucie.server=%s", servers[0]);
		boot_files_servers_free(servers);
	}
	return args->error;
}

int boot_entry_unknown(struct boot_entry *e, const char *dir, const struct cluster *c)
{
	const struct cluster_object *group = cluster_discovers(c);
	int ret;

	*e = (struct boot_entry){.what = BOOT_LOCAL, .host = "any other machine"};
	if (!group)
		return 0;
	e->what = BOOT_INSTALL;
	folder_find(e, dir);
	ret = install_make(e, dir, c, group);
	if (!ret)
		ret = waiting_servers(&e->args, c, group);
	return ret ? ret : strbuf_adds(&e->args, " lucie.discover");
}

void boot_entry_free(struct boot_entry *e)
{
	for (size_t i = 0; i < e->initrd_count; i++)
		free(e->initrds[i]);
	free(e->kernel);
	strbuf_free(&e->args);
}

void boot_card_name(const char *mac, char out[BOOT_CARD_TEXT])
{
	snprintf(out, BOOT_CARD_TEXT, "01-%s", mac);
	for (char *p = out; *p; p++)
		if (*p == ':')
			*p = '-';
}

/* What comes before the variant. */
static const char *task(const struct boot_entry *e)
{
	return e->variant[0] ? "install, variant " : "waits to be named";
}

/* --- pxelinux --- */

static void pxelinux_install(struct strbuf *out, const struct boot_entry *e)
{
	strbuf_addf(out, "# %s: %s%s\nDEFAULT install\nLABEL install\n", e->host, task(e),
		    e->variant);
	strbuf_addf(out, "\tKERNEL %s%s\n\tINITRD ", e->folder, e->kernel);
	for (size_t i = 0; i < e->initrd_count; i++)
		strbuf_addf(out, "%s%s%s", i ? "," : "", e->folder, e->initrds[i]);
	strbuf_addf(out, "\n\tAPPEND %s\n", e->args.buf);
	strbuf_adds(out, "\tSYSAPPEND 3\n"); /* adds ip= and BOOTIF= */
}

int boot_entry_pxelinux(struct strbuf *out, const struct boot_entry *e)
{
	if (e->what == BOOT_INSTALL)
		pxelinux_install(out, e);
	else
		strbuf_addf(out,
			    "# %s: from its own disk\nDEFAULT local\nLABEL local\n\tLOCALBOOT 0\n",
			    e->host);
	return out->error;
}

/* --- GRUB --- */

/* Kernel arguments as words of GRUB's shell: what it would take for its own is escaped. */
static void grub_words(struct strbuf *out, const char *text)
{
	for (; *text; text++)
		strbuf_addf(out, "%s%c", strchr("\\'\"$;{}<>&|#", *text) ? "\\" : "", *text);
}

static void grub_install(struct strbuf *out, const struct boot_entry *e, const char *mac)
{
	char card[BOOT_CARD_TEXT];

	boot_card_name(mac, card);
	strbuf_addf(out, "# %s: %s%s\nlinux /%s%s ", e->host, task(e), e->variant, e->folder,
		    e->kernel);
	grub_words(out, e->args.buf);
	strbuf_addf(out, " BOOTIF=%s\ninitrd", card);
	for (size_t i = 0; i < e->initrd_count; i++)
		strbuf_addf(out, " /%s%s", e->folder, e->initrds[i]);
	strbuf_adds(out, "\nboot\n");
}

int boot_entry_grub(struct strbuf *out, const struct boot_entry *e, const char *mac)
{
	if (e->what == BOOT_INSTALL)
		grub_install(out, e, mac);
	else
		strbuf_addf(out,
			    "# %s: from its own disk\n"
			    "search --no-floppy --file --set=root /EFI/BOOT/BOOTX64.EFI\n"
			    "chainloader /EFI/BOOT/BOOTX64.EFI\nboot\n",
			    e->host);
	return out->error;
}

/* A card's address comes with colons, and its file's name has dashes, as pxelinux's. Where there is
 * no such file (GRUB cannot ask for that over TFTP) it says so and goes on. */
int boot_entry_grub_start(struct strbuf *out, const struct boot_entry *unknown)
{
	strbuf_adds(out, "regexp --set=1:a --set=2:b --set=3:c --set=4:d --set=5:e --set=6:f "
			 "'(..):(..):(..):(..):(..):(..)' \"$net_default_mac\"\n"
			 "source $prefix/grub.cfg-01-$a-$b-$c-$d-$e-$f\n");
	return boot_entry_grub(out, unknown, "$a:$b:$c:$d:$e:$f");
}
