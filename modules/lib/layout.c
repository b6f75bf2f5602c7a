/* Parser of disk_layout lines and the arithmetic of partition sizes; see layout.h. Pure: the same
 * code checks a definition on the host, decides on the node and runs under the fuzzer. Sizes are
 * 64-bit bytes; every sum is checked before it is made. */
#include "modules/lib/layout.h"

#include "init/lib/str.h"
#include "modules/lib/vfat.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MIB ((uint64_t)1 << 20)
#define SIZE_MAX_BYTES                                                                             \
	((uint64_t)1 << 60) /* no disk is larger; keeps every product below in range */
#define MSDOS_MAX_BYTES ((uint64_t)512 << 32) /* 32-bit sector numbers */
#define MSDOS_PARTS	4
#define EXT4_MIN	(16 * MIB)
#define LINE_MAX_BYTES	1024

struct parser {
	struct layout *l;
	layout_error_fn *error;
	void *arg;
	unsigned int line;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void fail(struct parser *p, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES + 256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->failed = true;
	if (p->error)
		p->error(p->line, text, p->arg);
}

const char *layout_fs_name(enum layout_fs fs)
{
	static const char *const names[FS_COUNT] = {
		[FS_EXT4] = "ext4", [FS_VFAT] = "vfat", [FS_SWAP] = "swap", [FS_RAW] = "raw"};

	return names[fs];
}

bool layout_fs_parse(enum layout_fs *fs, const char *name)
{
	for (*fs = FS_EXT4; *fs < FS_COUNT; (*fs)++)
		if (!strcmp(name, layout_fs_name(*fs)))
			return true;
	*fs = FS_EXT4;
	return false;
}

bool layout_is_esp(enum layout_fs fs, const char *mount)
{
	return fs == FS_VFAT && (!strcmp(mount, "/boot/efi") || !strcmp(mount, "/efi"));
}

/* The smallest partition for a file system. */
static uint64_t fs_min(enum layout_fs fs)
{
	return fs == FS_EXT4 ? EXT4_MIN : fs == FS_VFAT ? VFAT_BYTES_MIN : LAYOUT_ALIGN;
}

static bool only_chars(const char *s, const char *also)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(also, *s))
			return false;
	return true;
}

/* Copies a word that must fit and must not be empty. */
static bool take(struct parser *p, char *to, size_t len, const char *word, const char *what)
{
	if (!*word) {
		fail(p, "%s is empty", what);
		return false;
	}
	if (strlen(word) >= len) {
		fail(p, "%s '%s' is longer than %zu bytes", what, word, len - 1);
		return false;
	}
	memcpy(to, word, strlen(word) + 1);
	return true;
}

static void parse_selector(struct parser *p, struct layout_disk *d, const char *word)
{
	if (str_starts(word, "disk")) {
		d->selector = SELECT_NTH;
		if (!str_to_u64(word + 4, &d->number) && d->number >= 1 && d->number <= 1024)
			return;
	} else if (str_starts(word, "/dev/")) {
		d->selector = SELECT_PATH;
		if (!strstr(word, "/..") && word[5] && only_chars(word, "/_-.:!"))
			take(p, d->pattern, sizeof(d->pattern), word, "the device");
		else
			fail(p, "'%s' is not a device's path", word);
		return;
	} else if (str_starts(word, "serial=")) {
		d->selector = SELECT_SERIAL;
		take(p, d->pattern, sizeof(d->pattern), word + 7, "the serial number");
		return;
	} else if (str_starts(word, "model=")) {
		d->selector = SELECT_MODEL;
		take(p, d->pattern, sizeof(d->pattern), word + 6, "the model");
		return;
	} else if (str_starts(word, "size>")) {
		d->selector = SELECT_LARGER;
		if (!str_to_size(word + 5, &d->number))
			return;
	}
	fail(p,
	     "unknown disk '%s', expected disk1, /dev/NAME, serial=TEXT, model=GLOB or size>SIZE",
	     word);
}

static void parse_disk(struct parser *p, char *rest)
{
	struct layout_disk d = {.table = TABLE_GPT, .line = p->line};
	char *name = str_word(&rest), *selector = str_word(&rest), *word;

	if (!selector) {
		fail(p, "expected 'disk NAME SELECTOR [table=gpt|msdos]'");
		return;
	}
	if (!str_is_name(name))
		fail(p, "'%s' is not a name of letters, digits, '.', '_' and '-'", name);
	else
		take(p, d.name, sizeof(d.name), name, "the disk's name");
	parse_selector(p, &d, selector);
	while ((word = str_word(&rest))) {
		if (!strcmp(word, "table=gpt"))
			d.table = TABLE_GPT;
		else if (!strcmp(word, "table=msdos"))
			d.table = TABLE_MSDOS;
		else
			fail(p, "unknown option '%s' of a disk, expected table=gpt or table=msdos",
			     word);
	}
	for (size_t i = 0; i < p->l->disk_count; i++)
		if (!strcmp(p->l->disks[i].name, d.name))
			fail(p, "disk '%s' is already defined in line %u", d.name,
			     p->l->disks[i].line);
	if (p->l->disk_count == LAYOUT_DISKS_MAX)
		fail(p, "more than %d disks", LAYOUT_DISKS_MAX);
	else
		p->l->disks[p->l->disk_count++] = d;
}

static bool parse_bytes(const char *text, uint64_t *out)
{
	return !str_to_size(text, out) && *out > 0 && *out <= SIZE_MAX_BYTES;
}

/* 512M, 20%, 2G-8G, 8G-, RAM, RAM*2 */
static bool parse_size(struct layout_size *size, char *word)
{
	char *dash = strchr(word, '-');
	size_t n = strlen(word);
	uint64_t number;

	*size = (struct layout_size){0};
	if (!strcmp(word, "RAM")) {
		size->ram_multiple = 1;
		return true;
	}
	if (str_starts(word, "RAM*")) {
		if (str_to_u64(word + 4, &number) || number < 1 || number > 16)
			return false;
		size->ram_multiple = (unsigned int)number;
		return true;
	}
	if (n && word[n - 1] == '%') {
		word[n - 1] = '\0';
		if (str_to_u64(word, &number) || number < 1 || number > 100)
			return false;
		size->percent = (unsigned int)number;
		return true;
	}
	if (dash)
		*dash = '\0';
	if (!parse_bytes(word, &size->min))
		return false;
	if (!dash)
		size->max = size->min;
	else if (dash[1])
		return parse_bytes(dash + 1, &size->max) && size->max >= size->min;
	return true;
}

/* Mount points reach fstab and path names: a plain absolute path without '.', '..' and empty
 * components. */
static bool is_mount_path(const char *s)
{
	if (!only_chars(s, "/_-.+@"))
		return false;
	if (!strcmp(s, "/"))
		return true;
	for (const char *part = s; *part;) {
		size_t n = strcspn(++part, "/");

		if (!n || (n == 1 && part[0] == '.') ||
		    (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		part += n;
	}
	return true;
}

static void parse_mount(struct parser *p, struct layout_part *part, const char *word)
{
	bool swap = !strcmp(word, "swap"), none = !strcmp(word, "-");

	if (!swap && !none && (word[0] != '/' || !is_mount_path(word)))
		fail(p, "'%s' is not a place to mount, expected an absolute path, 'swap' or '-'",
		     word);
	else if (swap != (part->fs == FS_SWAP))
		fail(p,
		     "'swap' as the place goes with 'swap' as the file system, and only with it");
	else if (part->fs == FS_RAW && !none)
		fail(p, "a raw partition cannot be mounted at '%s', expected '-'", word);
	else
		take(p, part->mount, sizeof(part->mount), word, "the place to mount");
}

static void parse_part_option(struct parser *p, struct layout_part *part, const char *word)
{
	if (str_starts(word, "label=")) {
		if (!only_chars(word + 6, "_-.+@/"))
			fail(p, "label '%s' has other characters than letters, digits and _-.+@/",
			     word + 6);
		else
			take(p, part->label, sizeof(part->label), word + 6, "the label");
	} else if (str_starts(word, "mount=")) {
		if (!only_chars(word + 6, "_-.+@/=,:"))
			fail(p, "mount options '%s' have characters that fstab does not take",
			     word + 6);
		else
			take(p, part->options, sizeof(part->options), word + 6,
			     "the mount options");
	} else {
		fail(p, "unknown option '%s' of a partition, expected label=TEXT or mount=OPTIONS",
		     word);
	}
}

/* What the file system itself asks of its partition. */
static void check_fs(struct parser *p, const struct layout_part *part)
{
	if (part->size.max && part->size.max < fs_min(part->fs))
		fail(p, "%s needs at least %lluM", layout_fs_name(part->fs),
		     (unsigned long long)(fs_min(part->fs) / MIB));
	if (part->fs == FS_VFAT && !strcmp(part->mount, "/"))
		fail(p, "vfat cannot be the root file system: it has no owners and no links");
	if (part->fs == FS_VFAT && strlen(part->label) > VFAT_LABEL_MAX)
		fail(p, "label '%s' is longer than the %d bytes that vfat has", part->label,
		     VFAT_LABEL_MAX);
}

static void add_part(struct parser *p, struct layout_part *part)
{
	struct layout *l = p->l;
	unsigned int on_disk = 0;

	for (size_t i = 0; i < l->part_count; i++) {
		const struct layout_part *other = &l->parts[i];

		if (other->disk == part->disk)
			on_disk++;
		if (part->mount[0] == '/' && !strcmp(other->mount, part->mount))
			fail(p, "'%s' is already mounted by line %u", part->mount, other->line);
	}
	if (l->disks[part->disk].table == TABLE_MSDOS && on_disk == MSDOS_PARTS)
		fail(p, "an msdos table has room for %d partitions; use table=gpt", MSDOS_PARTS);
	if (l->part_count == LAYOUT_PARTS_MAX)
		fail(p, "more than %d partitions", LAYOUT_PARTS_MAX);
	else
		l->parts[l->part_count++] = *part;
}

static void parse_partition(struct parser *p, char *rest)
{
	struct layout_part part = {.line = p->line};
	char *mount = str_word(&rest), *size = str_word(&rest), *fs = str_word(&rest), *word;

	if (!fs) {
		fail(p, "expected 'partition MOUNT SIZE FS [label=TEXT] [mount=OPTIONS]'");
		return;
	}
	if (!p->l->disk_count) {
		fail(p, "a partition comes after the 'disk' line that it is on");
		return;
	}
	part.disk = p->l->disk_count - 1;
	if (!layout_fs_parse(&part.fs, fs))
		fail(p, "unknown file system '%s', expected ext4, vfat, swap or raw", fs);
	else
		parse_mount(p, &part, mount);
	if (!parse_size(&part.size, size))
		fail(p, "'%s' is not a size, expected 512M, 20%%, 2G-8G, 8G-, RAM or RAM*2", size);
	while ((word = str_word(&rest)))
		parse_part_option(p, &part, word);
	check_fs(p, &part);
	add_part(p, &part);
}

int layout_parse(struct layout *l, const struct plan_section *section, layout_error_fn *error,
		 void *arg)
{
	struct parser p = {.l = l, .error = error, .arg = arg};

	memset(l, 0, sizeof(*l));
	plan_for_each (line, section, NULL) {
		char text[LINE_MAX_BYTES];

		p.line = line->number;
		if (strlen(line->value) >= sizeof(text)) {
			fail(&p, "the line is longer than %zu bytes", sizeof(text) - 1);
			continue;
		}
		strcpy(text, line->value);
		if (!strcmp(line->key, "disk"))
			parse_disk(&p, text);
		else if (!strcmp(line->key, "partition"))
			parse_partition(&p, text);
		else
			fail(&p, "unknown key '%s', expected 'disk' or 'partition'", line->key);
	}
	if (!p.failed && !l->part_count)
		fail(&p, "the layout has no partition");
	return p.failed ? -EINVAL : 0;
}

int layout_find_raw(const struct layout *l, const char *label)
{
	int found = -1;

	for (size_t i = 0; i < l->part_count; i++) {
		if (l->parts[i].fs != FS_RAW || strcmp(l->parts[i].label, label) != 0)
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

/* --- placing --- */

static uint64_t align_up(uint64_t bytes)
{
	return (bytes + LAYOUT_ALIGN - 1) / LAYOUT_ALIGN * LAYOUT_ALIGN;
}

/* What a partition gets before the rest is shared out. */
static uint64_t least_size(const struct layout_part *part, uint64_t usable, uint64_t ram_bytes)
{
	uint64_t floor = fs_min(part->fs), bytes = part->size.min;

	if (part->size.percent)
		bytes = usable / 100 * part->size.percent / LAYOUT_ALIGN * LAYOUT_ALIGN;
	else if (part->size.ram_multiple)
		bytes = ram_bytes * part->size.ram_multiple;
	bytes = align_up(bytes);
	return bytes < floor ? floor : bytes;
}

static bool grows(const struct layout_part *part)
{
	uint64_t max = part->size.max / LAYOUT_ALIGN * LAYOUT_ALIGN;

	return part->size.min && (!part->size.max || part->bytes < max);
}

/* Shares what is left evenly among the partitions that grow; one that reaches its maximum leaves
 * its share to the others. */
static void share_out(struct layout *l, size_t disk, uint64_t left)
{
	while (left >= LAYOUT_ALIGN) {
		uint64_t growing = 0, share;

		for (size_t i = 0; i < l->part_count; i++)
			growing += l->parts[i].disk == disk && grows(&l->parts[i]);
		if (!growing)
			return;
		share = left / growing / LAYOUT_ALIGN * LAYOUT_ALIGN;
		if (!share)
			share = LAYOUT_ALIGN;
		for (size_t i = 0; i < l->part_count && left >= LAYOUT_ALIGN; i++) {
			struct layout_part *part = &l->parts[i];
			uint64_t max = part->size.max / LAYOUT_ALIGN * LAYOUT_ALIGN, add = share;

			if (part->disk != disk || !grows(part))
				continue;
			if (add > left)
				add = left / LAYOUT_ALIGN * LAYOUT_ALIGN;
			if (part->size.max && add > max - part->bytes)
				add = max - part->bytes;
			part->bytes += add;
			left -= add;
		}
	}
}

int layout_place(struct layout *l, size_t disk, uint64_t disk_bytes, uint64_t ram_bytes, char *why,
		 size_t why_len)
{
	uint64_t usable = disk_bytes / LAYOUT_ALIGN * LAYOUT_ALIGN, needed = 0, at = LAYOUT_ALIGN;
	char needs[16], has[16];
	unsigned int number = 0;

	usable = usable > 2 * LAYOUT_ALIGN ? usable - 2 * LAYOUT_ALIGN : 0;
	if (l->disks[disk].table == TABLE_MSDOS && usable > MSDOS_MAX_BYTES - 2 * LAYOUT_ALIGN)
		usable = MSDOS_MAX_BYTES - 2 * LAYOUT_ALIGN;
	if (ram_bytes > SIZE_MAX_BYTES / 32)
		ram_bytes = SIZE_MAX_BYTES / 32;
	for (size_t i = 0; i < l->part_count; i++) {
		struct layout_part *part = &l->parts[i];

		if (part->disk != disk)
			continue;
		part->bytes = least_size(part, usable, ram_bytes);
		needed = needed > SIZE_MAX_BYTES ? needed : needed + part->bytes;
	}
	if (needed > usable) {
		snprintf(why, why_len, "the partitions of disk '%s' need %s, there is room for %s",
			 l->disks[disk].name, str_from_size(needed, needs, sizeof(needs)),
			 str_from_size(usable, has, sizeof(has)));
		return -ENOSPC;
	}
	share_out(l, disk, usable - needed);
	for (size_t i = 0; i < l->part_count; i++) {
		if (l->parts[i].disk != disk)
			continue;
		l->parts[i].number = ++number;
		l->parts[i].start = at;
		at += l->parts[i].bytes;
	}
	return 0;
}
