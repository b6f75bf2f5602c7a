/* mkfs for FAT32; see vfat.h. Structures and arithmetic are those of Microsoft's "FAT32 File System
 * Specification" 1.03, which the UEFI specification (13.3) takes over; there is no library for it.
 * FAT12 and FAT16 are left out: a system partition is larger.
 */
#include "modules/lib/vfat.h"

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "modules/lib/probe.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#define MIB	       ((uint64_t)1 << 20)
#define GIB	       ((uint64_t)1 << 30)
#define RESERVED       32 /* sectors before the first table */
#define TABLES	       2
#define INFO_SECTOR    1
#define BACKUP_SECTOR  6
#define ROOT_CLUSTER   2
#define CLUSTERS_MIN   65525 /* of FAT32 */
#define CLUSTERS_MAX   0x0ffffff5
#define SECTOR_MAX     4096
#define MEDIA_FIXED    0xf8
#define ATTR_VOLUME_ID 0x08
#define END_OF_CHAIN   0x0fffffff

struct geometry {
	uint32_t sector; /* bytes */
	uint32_t sectors, table_sectors, clusters;
	uint8_t per_cluster; /* sectors */
};

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)v;
	at[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, (uint16_t)v);
	put16(at + 2, (uint16_t)(v >> 16));
}

void vfat_new_uuid(char uuid[VFAT_UUID_TEXT])
{
	uint16_t id[2];

	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		id[0] = id[1] = (uint16_t)now_ms();
	snprintf(uuid, VFAT_UUID_TEXT, "%04X-%04X", id[0], id[1]);
}

/* Cluster sizes of the specification's table, in bytes; never less than a sector. */
static uint32_t cluster_bytes(uint64_t bytes)
{
	if (bytes <= 260 * MIB)
		return 512;
	if (bytes <= 8 * GIB)
		return 4096;
	if (bytes <= 16 * GIB)
		return 8192;
	return bytes <= 32 * GIB ? 16384 : 32768;
}

/* The tables are as small as they can be: each sector of them describes sector / 4 clusters. */
static int geometry(struct geometry *g, uint64_t bytes, uint32_t sector)
{
	uint64_t sectors = bytes / sector, data;
	uint32_t cluster = cluster_bytes(bytes), entries = sector / 4;

	if (sectors > UINT32_MAX || bytes < VFAT_BYTES_MIN)
		return -EINVAL;
	g->sector = sector;
	g->sectors = (uint32_t)sectors;
	g->per_cluster = (uint8_t)(cluster > sector ? cluster / sector : 1);
	data = sectors - RESERVED + 2 * (uint64_t)g->per_cluster;
	g->table_sectors = (uint32_t)((data + (uint64_t)entries * g->per_cluster + TABLES - 1) /
				      ((uint64_t)entries * g->per_cluster + TABLES));
	g->clusters = (uint32_t)((sectors - RESERVED - TABLES * (uint64_t)g->table_sectors) /
				 g->per_cluster);
	return g->clusters < CLUSTERS_MIN || g->clusters > CLUSTERS_MAX ? -EINVAL : 0;
}

/* Eleven bytes, padded with blanks. */
static void put_label(uint8_t *at, const char *label)
{
	memset(at, ' ', VFAT_LABEL_MAX);
	memcpy(at, label, strnlen(label, VFAT_LABEL_MAX));
	for (size_t i = 0; i < VFAT_LABEL_MAX; i++)
		at[i] = (uint8_t)toupper(at[i]);
}

static void boot_sector(uint8_t *s, const struct geometry *g, uint32_t id, const char *label)
{
	static const uint8_t jump[] = {0xeb, 0x58, 0x90}, halt[] = {0xf4, 0xeb, 0xfd};

	memcpy(s, jump, sizeof(jump));
	memcpy(s + 3, "LUCIE   ", 8);
	put16(s + 11, (uint16_t)g->sector);
	s[13] = g->per_cluster;
	put16(s + 14, RESERVED);
	s[16] = TABLES;
	s[21] = MEDIA_FIXED;
	put16(s + 24,
	      63); /* sectors of a track and heads: nobody's, but some programs divide by them */
	put16(s + 26, 255);
	put32(s + 32, g->sectors);
	put32(s + 36, g->table_sectors);
	put32(s + 44, ROOT_CLUSTER);
	put16(s + 48, INFO_SECTOR);
	put16(s + 50, BACKUP_SECTOR);
	s[64] = 0x80;
	s[66] = 0x29; /* the next three are there */
	put32(s + 67, id);
	put_label(s + 71, *label ? label : "NO NAME");
	memcpy(s + 82, "FAT32   ", 8);
	memcpy(s + 90, halt, sizeof(halt));
	put16(s + 510, 0xaa55);
}

static void info_sector(uint8_t *s, const struct geometry *g)
{
	put32(s, 0x41615252);
	put32(s + 484, 0x61417272);
	put32(s + 488, g->clusters - 1); /* free: all but the root directory's */
	put32(s + 492, ROOT_CLUSTER + 1);
	put32(s + 508, 0xaa550000);
}

static int write_sector(int fd, const struct geometry *g, uint64_t number, const uint8_t *s)
{
	return pwrite_full(fd, s, g->sector, number * g->sector);
}

static int write_structures(int fd, const struct geometry *g, uint32_t id, const char *label)
{
	uint8_t boot[SECTOR_MAX] = {0}, info[SECTOR_MAX] = {0}, table[SECTOR_MAX] = {0},
		root[SECTOR_MAX] = {0};
	int ret = 0;

	boot_sector(boot, g, id, label);
	info_sector(info, g);
	put32(table, 0x0fffff00 | MEDIA_FIXED);
	put32(table + 4, END_OF_CHAIN);
	put32(table + 4 * ROOT_CLUSTER, END_OF_CHAIN);
	if (*label) {
		put_label(root, label);
		root[11] = ATTR_VOLUME_ID;
	}
	for (uint64_t i = 0; !ret && i < TABLES; i++)
		ret = write_sector(fd, g, RESERVED + i * g->table_sectors, table);
	if (!ret)
		ret = write_sector(fd, g, RESERVED + TABLES * (uint64_t)g->table_sectors, root);
	/* The boot sector itself comes last: until then nobody takes this for a file system. */
	if (!ret)
		ret = write_sector(fd, g, BACKUP_SECTOR + INFO_SECTOR, info);
	if (!ret)
		ret = write_sector(fd, g, BACKUP_SECTOR, boot);
	if (!ret)
		ret = write_sector(fd, g, INFO_SECTOR, info);
	return ret ? ret : write_sector(fd, g, 0, boot);
}

static int make(int fd, uint64_t bytes, uint32_t id, const char *label)
{
	struct geometry g = {0};
	int sector = 512, ret;
	uint64_t meta;

	if (ioctl(fd, BLKSSZGET, &sector) && errno != ENOTTY)
		return -errno;
	ret = sector > SECTOR_MAX ? -EINVAL : geometry(&g, bytes, (uint32_t)sector);
	if (ret)
		return ret;
	meta = RESERVED + TABLES * (uint64_t)g.table_sectors + g.per_cluster;
	ret = probe_zero(fd, 0, meta * g.sector);
	if (!ret)
		ret = write_structures(fd, &g, id, label);
	return !ret && fsync(fd) ? -errno : ret;
}

int vfat_make(const char *path, uint64_t bytes, const char *uuid, const char *label)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);
	unsigned int high, low;
	int ret;

	if (fd < 0)
		return log_err(-errno, "cannot open '%s' for vfat", path);
	ret = sscanf(uuid, "%4X-%4X", &high, &low) == 2 ? make(fd, bytes, high << 16 | low, label)
							: -EINVAL;
	return ret ? log_err(ret, "cannot make the vfat file system of '%s', %llu bytes", path,
			     (unsigned long long)bytes)
		   : 0;
}
