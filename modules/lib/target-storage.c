/* See target-storage.h. Everything is named by its UUID, or by a name that it has at every boot. */
#include "modules/lib/target-storage.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/table.h"
#include "modules/lib/target.h"
#include "modules/lib/tpm.h"

#define MDADM_DIR "/etc/mdadm"

static int write_text(const char *target, const char *path, const struct strbuf *text)
{
	if (text->error)
		return log_err(text->error, "cannot write '%s' in the target", path);
	return target_write(target, path, text->buf, text->len, 0644);
}

/* --- fstab --- */

static bool is_random(const struct stamp_part *p)
{
	return p->kind == PART_LUKS && !strcmp(p->how, "random");
}

static void add_file_system(struct strbuf *text, const struct stamp_part *p)
{
	bool root = !strcmp(p->mount, "/");
	/* What only the firmware reads may be gone with its disk, and the system starts. */
	const char *defaults = root && p->fs == FS_EXT4		? "errors=remount-ro"
			       : layout_is_esp(p->fs, p->mount) ? "umask=0077,nofail"
			       : p->fs == FS_VFAT		? "umask=0077"
								: "defaults";

	/* xfs has no fsck that would do something at boot. */
	strbuf_addf(text, "UUID=%s %s %s %s 0 %d\n", p->uuid, p->mount, layout_fs_name(p->fs),
		    p->options[0] ? p->options : defaults,
		    p->fs == FS_XFS ? 0
		    : root	    ? 1
				    : 2);
}

static int write_fstab(const char *target, const struct volumes *v)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, "# file system, mount point, type, options, dump, pass\n");
	for (size_t i = 0; i < v->count; i++) {
		const struct stamp_part *p = &v->list[i].part;
		const char *options = p->options[0] ? p->options : "sw";

		if (p->fs == FS_SWAP && is_random(p))
			strbuf_addf(&text, "/dev/mapper/%s none swap %s 0 0\n", p->name, options);
		else if (p->fs == FS_SWAP)
			strbuf_addf(&text, "UUID=%s none swap %s 0 0\n", p->uuid, options);
		else if (p->mount[0] == '/')
			add_file_system(&text, p);
	}
	return write_text(target, "/etc/fstab", &text);
}

/* --- crypttab --- */

/* The partition's name that is the same at every boot, for what has no header to be known by. */
static int add_part_name(struct strbuf *text, const struct volumes *v, const struct volume *member)
{
	_cleanup_free_ struct table *t = malloc(sizeof(*t));
	int ret = t ? table_read(v->disks[member->disk].path, t)
		    : log_err(-ENOMEM, "cannot write crypttab");

	for (size_t i = 0; !ret && i < t->count; i++) {
		if (t->parts[i].number != member->part.number)
			continue;
		strbuf_adds(text, "/dev/disk/by-partuuid/");
		if (t->kind == TABLE_KIND_MSDOS)
			strbuf_addf(text, "%.8s-%02x", t->id + strlen("0x"), t->parts[i].number);
		else
			for (const char *c = t->parts[i].uuid; *c; c++)
				strbuf_addf(text, "%c", tolower((unsigned char)*c));
		return 0;
	}
	return ret ? ret : log_err(-ENXIO, "no partition is '%s'", member->path);
}

static int add_random(struct strbuf *text, const struct volumes *v, const struct stamp_part *p)
{
	const struct volume *member = volume_named(v, p->members);
	int ret = 0;

	if (!member)
		return log_err(-ENXIO, "'%s' lies on '%s', which is not there", p->name,
			       p->members);
	strbuf_addf(text, "%s ", p->name);
	if (member->part.kind == PART_DISK)
		ret = add_part_name(text, v, member);
	else
		strbuf_addf(text, member->part.kind == PART_RAID ? "/dev/md/%s" : "/dev/mapper/%s",
			    member->part.name);
	strbuf_adds(text, " /dev/urandom swap,cipher=aes-xts-plain64,size=512\n");
	return ret;
}

static int write_crypttab(const char *target, const struct volumes *v)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	int ret = 0;

	for (size_t i = 0; !ret && i < v->count; i++) {
		const struct stamp_part *p = &v->list[i].part;

		if (is_random(p))
			ret = add_random(&text, v, p);
		else if (p->kind == PART_LUKS)
			strbuf_addf(&text, "%s UUID=%s none luks%s\n", p->name, p->device,
				    tpm_has_key(p) ? ",tpm2-device=auto" : "");
	}
	return ret || !text.len ? ret : write_text(target, "/etc/crypttab", &text);
}

/* --- mdadm.conf --- */

/* mdadm writes a UUID as four groups of eight digits. */
static void add_array(struct strbuf *text, const struct stamp_part *p)
{
	unsigned int digits = 0;

	strbuf_addf(text, "ARRAY /dev/md/%s UUID=", p->name);
	for (const char *c = p->device; *c; c++)
		if (*c != '-') {
			strbuf_addf(text, "%s%c", digits && digits % 8 == 0 ? ":" : "", *c);
			digits++;
		}
	strbuf_adds(text, "\n");
}

static int write_arrays(const char *target, const struct volumes *v)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	bool any = false;
	int ret;

	strbuf_adds(&text, "HOMEHOST <ignore>\nMAILADDR root\n");
	for (size_t i = 0; i < v->count; i++) {
		if (v->list[i].part.kind != PART_RAID)
			continue;
		any = true;
		add_array(&text, &v->list[i].part);
	}
	if (!any)
		return 0;
	ret = target_mkdir(target, MDADM_DIR, 0755);
	return ret ? ret : write_text(target, MDADM_DIR "/mdadm.conf", &text);
}

int target_storage(const char *target, const struct volumes *v)
{
	int ret = write_fstab(target, v);

	if (!ret)
		ret = write_crypttab(target, v);
	return ret ? ret : write_arrays(target, v);
}
