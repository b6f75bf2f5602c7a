/* The guard's eyes: libblkid's signatures, and a look for bytes that no signature explains; see
 * probe.h. */
#include "modules/lib/probe.h"

#include "init/lib/cleanup.h"
#include "init/lib/io.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#define MIB   ((uint64_t)1 << 20)
#define BLOCK ((size_t)64 << 10)
/* Partitions, and the superblocks of file systems in them, begin at full MiB: looked at is this
 * much from each of the first ones on, and from SAMPLES that are spread evenly behind them; a
 * second or two on a turning disk. */
#define LOOK	  ((size_t)128 << 10)
#define FIRST	  64
#define SAMPLES	  128
#define FOUND_MAX 16

static void free_probe(blkid_probe *pr)
{
	blkid_free_probe(*pr);
}

static const char *value(blkid_probe pr, const char *name)
{
	const char *text;

	return blkid_probe_lookup_value(pr, name, &text, NULL) ? NULL : text;
}

/* What libfdisk reads; others are content that is in the way. */
static bool table_is_known(const char *type)
{
	static const char *const known[] = {"gpt", "dos", "PMBR"};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(type, known[i]))
			return true;
	return false;
}

static void describe_one(blkid_probe pr, struct strbuf *out, unsigned int *contents)
{
	const char *table = value(pr, "PTTYPE"), *type = value(pr, "TYPE"),
		   *label = value(pr, "LABEL");
	const char *at = value(pr, table ? "PTMAGIC_OFFSET" : "SBMAGIC_OFFSET");

	if (out->len)
		strbuf_adds(out, ", ");
	if (table) {
		strbuf_addf(out, "%s partition table", table);
		*contents += !table_is_known(table);
	} else {
		++*contents;
		strbuf_addf(out, "%s", type ? type : "unknown content");
		if (label)
			strbuf_addf(out, " labelled '%s'", label);
	}
	if (at)
		strbuf_addf(out, " at byte %s", at);
}

int probe_describe(int fd, uint64_t start, uint64_t bytes, struct strbuf *out,
		   unsigned int *contents)
{
	blkid_probe pr __attribute__((cleanup(free_probe))) = blkid_new_probe();
	int ret = 0;

	*contents = 0;
	if (!pr)
		return -ENOMEM;
	if (blkid_probe_set_device(pr, fd, (blkid_loff_t)start, (blkid_loff_t)bytes))
		return -EIO;
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL |
						      BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(pr, 1);
	blkid_probe_set_partitions_flags(pr, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
	for (int i = 0; i < FOUND_MAX && (ret = blkid_do_probe(pr)) == 0; i++)
		describe_one(pr, out, contents);
	if (ret < 0)
		return -EIO;
	return out->error;
}

static void take(blkid_probe pr, const char *name, char *out, size_t len)
{
	const char *text = value(pr, name);

	if (text && strlen(text) < len)
		strcpy(out, text);
}

int probe_content(int fd, uint64_t start, uint64_t bytes, struct probe_content *c)
{
	blkid_probe pr __attribute__((cleanup(free_probe))) = blkid_new_probe();
	int ret;

	*c = (struct probe_content){0};
	if (!pr)
		return -ENOMEM;
	if (blkid_probe_set_device(pr, fd, (blkid_loff_t)start, (blkid_loff_t)bytes))
		return -EIO;
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_UUID | BLKID_SUBLKS_TYPE |
						      BLKID_SUBLKS_LABEL);
	ret = blkid_do_safeprobe(pr);
	if (ret == -1)
		return -EIO;
	c->several = ret == -2;
	take(pr, "TYPE", c->type, sizeof(c->type));
	take(pr, "LABEL", c->label, sizeof(c->label));
	take(pr, "UUID", c->uuid, sizeof(c->uuid));
	return 0;
}

int probe_uuid(const char *path, char *uuid, size_t len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct probe_content c = {0};
	int ret = fd < 0 ? -errno : probe_content(fd, 0, 0, &c);

	uuid[0] = '\0';
	if (!ret && strlen(c.uuid) < len)
		strcpy(uuid, c.uuid);
	return ret;
}

/* --- zeros --- */

static int range_is_zero(int fd, uint64_t at, uint64_t end, uint64_t *where)
{
	static const char zero[BLOCK];
	_cleanup_free_ char *buf = malloc(BLOCK);

	if (!buf)
		return -ENOMEM;
	while (at < end) {
		size_t n = end - at < BLOCK ? (size_t)(end - at) : BLOCK;
		int ret = pread_full(fd, buf, n, at);

		if (ret)
			return ret;
		for (size_t i = 0; memcmp(buf, zero, n) && i < n; i++)
			if (buf[i]) {
				*where = at + i;
				return 0;
			}
		at += n;
	}
	return 1;
}

/* From `start` on: samples, and the end. */
static int rest_is_zero(int fd, uint64_t start, uint64_t bytes, uint64_t *where)
{
	uint64_t end = start + bytes, tail = end - (bytes < MIB ? bytes : MIB);
	int ret = range_is_zero(fd, tail, end, where);

	for (uint64_t i = 1; ret == 1 && i <= FIRST + SAMPLES; i++) {
		uint64_t nth = i <= FIRST ? i : bytes / MIB * (i - FIRST) / (SAMPLES + 1);
		uint64_t at = start + nth * MIB;

		if (nth && at < tail)
			ret = range_is_zero(fd, at, at + LOOK < end ? at + LOOK : end, where);
	}
	return ret;
}

int probe_is_zero(int fd, uint64_t bytes, uint64_t skip, uint64_t skip_len, uint64_t *where)
{
	uint64_t head = bytes < MIB ? bytes : MIB;
	int ret = range_is_zero(fd, 0, skip < head ? skip : head, where);

	if (ret == 1 && skip + skip_len < head)
		ret = range_is_zero(fd, skip + skip_len, head, where);
	return ret == 1 ? rest_is_zero(fd, 0, bytes, where) : ret;
}

int probe_part_is_zero(int fd, uint64_t start, uint64_t bytes, uint64_t *where)
{
	int ret = range_is_zero(fd, start, start + (bytes < MIB ? bytes : MIB), where);

	return ret == 1 ? rest_is_zero(fd, start, bytes, where) : ret;
}

int probe_zero(int fd, uint64_t start, uint64_t bytes)
{
	static const char zero[BLOCK];

	while (bytes) {
		size_t n = bytes < BLOCK ? (size_t)bytes : BLOCK;
		int ret = pwrite_full(fd, zero, n, start);

		if (ret)
			return ret;
		start += n;
		bytes -= n;
	}
	return 0;
}

int probe_zero_ends(int fd, uint64_t start, uint64_t bytes)
{
	int ret;

	if (bytes <= 2 * MIB)
		return probe_zero(fd, start, bytes);
	ret = probe_zero(fd, start, MIB);
	return ret ? ret : probe_zero(fd, start + bytes - MIB, MIB);
}
