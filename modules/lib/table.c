/* Tables through libfdisk, the kernel's view through BLKPG; see table.h. BLKPG and not BLKRRPART:
 * it says exactly what was written, works where the kernel has no parser for the table, and fails
 * on the one partition that is in use. */
#include "modules/lib/table.h"

#include "init/lib/cleanup.h"
#include "init/lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <libfdisk/libfdisk.h>
#include <linux/blkpg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <uuid/uuid.h>

/* UEFI specification and its registry of types; MSDOS type bytes. */
#define GPT_LINUX	"0FC63DAF-8483-4772-8E79-3D69D8477DE4"
#define GPT_SWAP	"0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"
#define GPT_ESP		"C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
#define GPT_BASIC_DATA	"EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
#define GPT_LEGACY_BOOT ((uint64_t)1 << 2) /* attribute bit */
#define DOS_LINUX	0x83
#define DOS_SWAP	0x82
#define DOS_FAT32_LBA	0x0c
#define DOS_ESP		0xef
#define DOS_EXTENDED	0x0f /* with LBA */
#define DOS_PRIMARIES	4
#define DOS_FIRST_BYTE	((uint64_t)1 << 20) /* also from a logical partition to its descriptor */

static void unref_context(struct fdisk_context **cxt)
{
	fdisk_unref_context(*cxt);
}
#define _cleanup_fdisk_ __attribute__((cleanup(unref_context)))

static int context_open(struct fdisk_context **out, const char *path, int readonly)
{
	struct fdisk_context *cxt = *out = fdisk_new_context();
	int ret;

	if (!cxt)
		return log_err(-ENOMEM, "cannot look at '%s'", path);
	fdisk_disable_dialogs(cxt, 1);
	ret = fdisk_assign_device(cxt, path, readonly);
	return ret ? log_err(ret, "cannot read the partition table of '%s'", path) : 0;
}

static int context_write(struct fdisk_context *cxt, const char *path)
{
	int ret = fdisk_write_disklabel(cxt);

	if (!ret && fsync(fdisk_get_devfd(cxt)))
		ret = -errno;
	if (!ret)
		ret = fdisk_deassign_device(cxt, 1);
	return ret ? log_err(ret, "cannot write the partition table of '%s'", path) : 0;
}

static enum table_kind context_kind(struct fdisk_context *cxt)
{
	if (!fdisk_has_label(cxt))
		return TABLE_KIND_NONE;
	if (fdisk_is_label(cxt, GPT))
		return TABLE_KIND_GPT;
	return fdisk_is_label(cxt, DOS) ? TABLE_KIND_MSDOS : TABLE_KIND_OTHER;
}

static bool has_boot_flag(struct fdisk_context *cxt, enum table_kind kind,
			  struct fdisk_partition *pa, size_t n)
{
	uint64_t attrs = 0;

	if (kind == TABLE_KIND_MSDOS)
		return fdisk_partition_is_bootable(pa);
	return kind == TABLE_KIND_GPT && !fdisk_gpt_get_partition_attrs(cxt, n, &attrs) &&
	       attrs & GPT_LEGACY_BOOT;
}

static void read_part(struct table *t, struct fdisk_context *cxt, size_t n)
{
	uint64_t sector = fdisk_get_sector_size(cxt);
	struct fdisk_partition *pa = NULL;

	if (t->count < TABLE_PARTS_MAX && !fdisk_get_partition(cxt, n, &pa) &&
	    fdisk_partition_is_used(pa)) {
		const char *uuid = fdisk_partition_get_uuid(pa);
		struct table_part *part = &t->parts[t->count++];

		*part = (struct table_part){
			.number = (unsigned int)n + 1,
			.start = fdisk_partition_get_start(pa) * sector,
			.bytes = fdisk_partition_get_size(pa) * sector,
			.boot = has_boot_flag(cxt, t->kind, pa, n),
			.logical = t->kind == TABLE_KIND_MSDOS && n >= DOS_PRIMARIES,
			.extended = fdisk_partition_is_container(pa),
		};
		snprintf(part->uuid, sizeof(part->uuid), "%s", uuid ? uuid : "");
	}
	fdisk_unref_partition(pa);
}

int table_read(const char *path, struct table *t)
{
	_cleanup_fdisk_ struct fdisk_context *cxt = NULL;
	_cleanup_free_ char *id = NULL;
	int ret = context_open(&cxt, path, 1);

	if (ret)
		return ret;
	*t = (struct table){.kind = context_kind(cxt), .sector = fdisk_get_sector_size(cxt)};
	if (t->kind == TABLE_KIND_NONE)
		return 0;
	if (!fdisk_get_disklabel_id(cxt, &id) && id)
		snprintf(t->id, sizeof(t->id), "%s", id);
	for (size_t n = 0; n < fdisk_get_npartitions(cxt); n++)
		read_part(t, cxt, n);
	return 0;
}

int table_probe(int fd, const char *path, uint64_t bytes, struct table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct table_part *p = &t->parts[i];
		bool inside = p->start < bytes && p->bytes <= bytes - p->start;
		int ret = inside && !p->extended
				  ? probe_content(fd, p->start, p->bytes, &p->content)
				  : 0;

		if (ret)
			return log_err(ret, "cannot look into partition %u of '%s'", p->number,
				       path);
	}
	return 0;
}

void table_new_id(enum layout_table kind, char id[TABLE_ID_MAX])
{
	uuid_t uuid;

	uuid_generate_random(uuid);
	if (kind == TABLE_GPT)
		uuid_unparse_upper(uuid, id);
	else
		snprintf(id, TABLE_ID_MAX, "0x%02x%02x%02x%02x", uuid[0] | 1, uuid[1], uuid[2],
			 uuid[3]);
}

static struct fdisk_parttype *part_type(struct fdisk_context *cxt, const struct layout_part *part)
{
	static const struct {
		const char *gpt;
		unsigned int dos;
	} types[FS_COUNT] = {
		[FS_EXT4] = {GPT_LINUX, DOS_LINUX}, [FS_VFAT] = {GPT_BASIC_DATA, DOS_FAT32_LBA},
		[FS_SWAP] = {GPT_SWAP, DOS_SWAP},   [FS_RAW] = {GPT_LINUX, DOS_LINUX},
		[FS_XFS] = {GPT_LINUX, DOS_LINUX},  [FS_MEMBER] = {GPT_LINUX, DOS_LINUX}};
	struct fdisk_label *label = fdisk_get_label(cxt, NULL);
	bool esp = layout_is_esp(part->fs, part->mount);

	if (fdisk_is_label(cxt, GPT))
		return fdisk_label_get_parttype_from_string(label,
							    esp ? GPT_ESP : types[part->fs].gpt);
	return fdisk_label_get_parttype_from_code(label, esp ? DOS_ESP : types[part->fs].dos);
}

/* type is released here. */
static int add_one(struct fdisk_context *cxt, unsigned int number, uint64_t start, uint64_t bytes,
		   struct fdisk_parttype *type, const char *name)
{
	uint64_t sector = fdisk_get_sector_size(cxt);
	struct fdisk_partition *pa = fdisk_new_partition();
	int ret = pa && type ? 0 : -ENOMEM;

	if (!ret) {
		fdisk_partition_set_partno(pa, number - 1);
		fdisk_partition_set_start(pa, start / sector);
		fdisk_partition_set_size(pa, bytes / sector);
		fdisk_partition_size_explicit(pa, 1);
		ret = fdisk_partition_set_type(pa, type);
	}
	if (!ret && fdisk_is_label(cxt, GPT) && name[0])
		ret = fdisk_partition_set_name(pa, name);
	if (!ret)
		ret = fdisk_add_partition(cxt, pa, NULL);
	fdisk_unref_parttype(type);
	fdisk_unref_partition(pa);
	return ret;
}

static int add_extended(struct fdisk_context *cxt, const struct layout_extended *e)
{
	if (!e->bytes || e->kept)
		return 0;
	return add_one(cxt, e->number, e->start, e->bytes,
		       fdisk_label_get_parttype_from_code(fdisk_get_label(cxt, NULL), DOS_EXTENDED),
		       "");
}

/* What is new; logical partitions come after the extended one that holds them. */
static int add_parts(struct fdisk_context *cxt, const char *path, const struct layout *l,
		     size_t disk)
{
	int ret = 0;

	if (fdisk_is_label(cxt, DOS))
		fdisk_set_first_lba(cxt, DOS_FIRST_BYTE / fdisk_get_sector_size(cxt));
	for (int logical = 0; logical <= 1; logical++) {
		if (logical)
			ret = add_extended(cxt, &l->disks[disk].extended);
		if (ret)
			return log_err(ret, "cannot add an extended partition to the table of '%s'",
				       path);
		for (size_t i = 0; i < l->part_count; i++) {
			const struct layout_part *part = &l->parts[i];

			if (part->disk != disk || part->kept || part->logical != logical)
				continue;
			ret = add_one(cxt, part->number, part->start, part->bytes,
				      part_type(cxt, part), part->label);
			if (ret)
				return log_err(
					ret, "cannot add partition %u ('%s') to the table of '%s'",
					part->number, part->mount, path);
		}
	}
	return 0;
}

int table_write(const char *path, const struct layout *l, size_t disk, const char *id)
{
	_cleanup_fdisk_ struct fdisk_context *cxt = NULL;
	int ret = context_open(&cxt, path, 0);

	if (ret)
		return ret;
	fdisk_enable_wipe(cxt, 0);
	ret = fdisk_create_disklabel(cxt, l->disks[disk].table == TABLE_GPT ? "gpt" : "dos");
	if (!ret)
		ret = fdisk_set_disklabel_id_from_string(cxt, id);
	if (ret)
		return log_err(ret, "cannot make a partition table for '%s'", path);
	ret = add_parts(cxt, path, l, disk);
	return ret ? ret : context_write(cxt, path);
}

static bool is_kept(const struct layout *l, size_t disk, unsigned int number)
{
	const struct layout_extended *e = &l->disks[disk].extended;

	for (size_t i = 0; i < l->part_count; i++)
		if (l->parts[i].disk == disk && l->parts[i].kept && l->parts[i].number == number)
			return true;
	return e->kept && e->number == number;
}

int table_edit(const char *path, const struct layout *l, size_t disk)
{
	_cleanup_fdisk_ struct fdisk_context *cxt = NULL;
	int ret = context_open(&cxt, path, 0);

	if (ret)
		return ret;
	fdisk_enable_wipe(cxt, 0);
	/* From the end: where an extended partition goes, its logical ones go before it. */
	for (size_t n = fdisk_get_npartitions(cxt); n-- > 0;) {
		if (n >= fdisk_get_npartitions(cxt) || !fdisk_is_partition_used(cxt, n) ||
		    is_kept(l, disk, (unsigned int)n + 1))
			continue;
		ret = fdisk_delete_partition(cxt, n);
		if (ret)
			return log_err(ret, "cannot delete partition %zu of '%s'", n + 1, path);
	}
	ret = add_parts(cxt, path, l, disk);
	return ret ? ret : context_write(cxt, path);
}

/* --- the kernel's view --- */

static int blkpg(int fd, int op, unsigned int number, uint64_t start, uint64_t bytes)
{
	struct blkpg_partition part = {
		.pno = (int)number, .start = (long long)start, .length = (long long)bytes};
	struct blkpg_ioctl_arg arg = {.op = op, .datalen = sizeof(part), .data = &part};

	return ioctl(fd, BLKPG, &arg) ? -errno : 0;
}

static int forget(const struct disk_partition *p, void *arg)
{
	int ret = blkpg(*(int *)arg, BLKPG_DEL_PARTITION, p->number, 0, 0);

	return ret && ret != -ENXIO ? log_err(ret, "cannot release partition '%s'", p->path) : 0;
}

int table_announce(int fd, const struct disk *d, const struct layout *l, size_t disk)
{
	int ret = disk_each_partition(d, forget, &fd);

	for (size_t i = 0; !ret && i < l->part_count; i++) {
		const struct layout_part *part = &l->parts[i];

		if (part->disk != disk)
			continue;
		ret = blkpg(fd, BLKPG_ADD_PARTITION, part->number, part->start, part->bytes);
		if (ret)
			log_err(ret, "the kernel does not take partition %u of '%s'", part->number,
				d->path);
	}
	return ret;
}

/* --- boot flag --- */

int table_set_boot(const char *path, unsigned int number)
{
	_cleanup_fdisk_ struct fdisk_context *cxt = NULL;
	struct table t;
	int ret = table_read(path, &t);

	if (!ret)
		ret = context_open(&cxt, path, 0);
	if (ret)
		return ret;
	for (size_t i = 0; i < t.count; i++) {
		const struct table_part *p = &t.parts[i];

		if (p->boot == (p->number == number))
			continue;
		ret = fdisk_toggle_partition_flag(cxt, p->number - 1,
						  t.kind == TABLE_KIND_GPT
							  ? (unsigned long)GPT_FLAG_LEGACYBOOT
							  : (unsigned long)DOS_FLAG_ACTIVE);
		if (ret)
			return log_err(ret, "cannot set the boot flag of partition %u of '%s'",
				       p->number, path);
	}
	return context_write(cxt, path);
}
