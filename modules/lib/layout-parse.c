/* Parser of disk_layout lines; see layout.h. Pure: the same code checks a definition on the host,
 * decides on the node and runs under the fuzzer. Sizes are 64-bit bytes below LAYOUT_SIZE_MAX. */
#include "modules/lib/layout-parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/str.h"

void layout_fail(struct layout_parser *p, const char *fmt, ...)
{
	char text[LAYOUT_LINE_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->failed = true;
	if (p->error)
		p->error(p->line, text, p->arg);
}

bool layout_take(struct layout_parser *p, char *to, size_t len, const char *word, const char *what)
{
	if (!*word) {
		layout_fail(p, "%s is empty", what);
		return false;
	}
	if (strlen(word) >= len) {
		layout_fail(p, "%s '%s' is longer than %zu bytes", what, word, len - 1);
		return false;
	}
	memcpy(to, word, strlen(word) + 1);
	return true;
}

/* --- disk --- */

static void take_pattern(struct layout_parser *p, struct layout_disk *d,
			 enum layout_selector selector, const char *word, const char *what)
{
	d->selector = selector;
	layout_take(p, d->pattern, sizeof(d->pattern), word, what);
}

static void parse_device(struct layout_parser *p, struct layout_disk *d, const char *word)
{
	bool link = str_starts(word, "/dev/disk/");

	if (strstr(word, "/..") || !word[5] ||
	    !layout_word_only(word, link ? "/_-.:!+@*?[]" : "/_-.:!"))
		layout_fail(p, "'%s' is not a device's path", word);
	else if (link && !str_starts(word, "/dev/disk/by-id/") &&
		 !str_starts(word, "/dev/disk/by-path/"))
		layout_fail(p,
			    "'%s' is not known on a node, expected /dev/disk/by-id/GLOB or "
			    "/dev/disk/by-path/GLOB",
			    word);
	else
		take_pattern(p, d, link ? SELECT_LINK : SELECT_PATH, word, "the device");
}

static void parse_transport(struct layout_parser *p, struct layout_disk *d, const char *word)
{
	static const char *const kinds[] = {"nvme", "sata", "sas", "scsi", "virtio", "usb", "mmc"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(word, kinds[i])) {
			take_pattern(p, d, SELECT_TRANSPORT, word, "the transport");
			return;
		}
	layout_fail(p, "unknown transport '%s', expected nvme, sata, sas, scsi, virtio, usb or mmc",
		    word);
}

static void parse_selector(struct layout_parser *p, struct layout_disk *d, const char *word)
{
	if (str_starts(word, "/dev/")) {
		parse_device(p, d, word);
		return;
	} else if (str_starts(word, "serial=")) {
		take_pattern(p, d, SELECT_SERIAL, word + 7, "the serial number");
		return;
	} else if (str_starts(word, "model=")) {
		take_pattern(p, d, SELECT_MODEL, word + 6, "the model");
		return;
	} else if (str_starts(word, "transport=")) {
		parse_transport(p, d, word + 10);
		return;
	} else if (str_starts(word, "disk")) {
		d->selector = SELECT_NTH;
		if (!str_to_u64(word + 4, &d->number) && d->number >= 1 && d->number <= 1024)
			return;
	} else if (str_starts(word, "size>")) {
		d->selector = SELECT_LARGER;
		if (!str_to_size(word + 5, &d->number))
			return;
	}
	layout_fail(p,
		    "unknown disk '%s', expected disk1, /dev/NAME, /dev/disk/by-id/GLOB, "
		    "serial=TEXT, model=GLOB, size>SIZE or transport=KIND",
		    word);
}

static void parse_disk(struct layout_parser *p, char *rest)
{
	struct layout_disk d = {
		.table = TABLE_GPT, .line = p->line, .sector = 512, .align = LAYOUT_ALIGN};
	char *name = str_word(&rest), *selector = str_word(&rest), *word;

	if (!selector) {
		layout_fail(p, "expected 'disk NAME SELECTOR [table=gpt|msdos]'");
		return;
	}
	if (!str_is_name(name))
		layout_fail(p, "'%s' is not a name of letters, digits, '.', '_' and '-'", name);
	else
		layout_take(p, d.name, sizeof(d.name), name, "the disk's name");
	parse_selector(p, &d, selector);
	while ((word = str_word(&rest))) {
		if (!strcmp(word, "table=gpt"))
			d.table = TABLE_GPT;
		else if (!strcmp(word, "table=msdos"))
			d.table = TABLE_MSDOS;
		else
			layout_fail(
				p,
				"unknown option '%s' of a disk, expected table=gpt or table=msdos",
				word);
	}
	for (size_t i = 0; i < p->l->disk_count; i++)
		if (!strcmp(p->l->disks[i].name, d.name))
			layout_fail(p, "disk '%s' is already defined in line %u", d.name,
				    p->l->disks[i].line);
	if (p->l->disk_count == LAYOUT_DISKS_MAX)
		layout_fail(p, "more than %d disks", LAYOUT_DISKS_MAX);
	else
		p->l->disks[p->l->disk_count++] = d;
}

/* --- partition --- */

void layout_add(struct layout_parser *p, struct layout_part *part)
{
	struct layout *l = p->l;

	part->line = p->line;
	for (size_t i = 0; part->mount[0] == '/' && i < l->part_count; i++)
		if (!strcmp(l->parts[i].mount, part->mount))
			layout_fail(p, "'%s' is already mounted by line %u", part->mount,
				    l->parts[i].line);
	if (l->part_count == LAYOUT_PARTS_MAX)
		layout_fail(p, "more than %d partitions", LAYOUT_PARTS_MAX);
	else
		l->parts[l->part_count++] = *part;
}

static void parse_partition(struct layout_parser *p, char *rest)
{
	struct layout_part part = {.kind = PART_DISK, .reserved = -1};
	char *mount = str_word(&rest), *size = str_word(&rest), *fs = str_word(&rest);

	if (!fs) {
		layout_fail(p, "expected 'partition MOUNT SIZE FS [OPTION...]'");
		return;
	}
	if (!p->l->disk_count) {
		layout_fail(p, "a partition comes after the 'disk' line that it is on");
		return;
	}
	part.disk = p->l->disk_count - 1;
	layout_word_size(p, &part, size);
	layout_word_fs(p, &part, fs, mount);
	layout_word_options(p, &part, rest);
	layout_add(p, &part);
}

/* --- all lines --- */

static void parse_line(struct layout_parser *p, const struct plan_line *line)
{
	static const struct {
		const char *key;
		void (*parse)(struct layout_parser *p, char *rest);
	} lines[] = {
		{"disk", parse_disk},
		{"partition", parse_partition},
		{"raid", layout_line_raid},
		{"luks", layout_line_luks},
		{"vg", layout_line_vg},
		{"lv", layout_line_lv},
		{"filesystem", layout_line_filesystem},
	};
	char text[LAYOUT_LINE_MAX];

	if (strlen(line->value) >= sizeof(text)) {
		layout_fail(p, "the line is longer than %zu bytes", sizeof(text) - 1);
		return;
	}
	strcpy(text, line->value);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (!strcmp(line->key, lines[i].key)) {
			lines[i].parse(p, text);
			return;
		}
	layout_fail(p,
		    "unknown key '%s', expected disk, partition, raid, luks, vg, lv or filesystem",
		    line->key);
}

int layout_parse(struct layout *l, const struct plan_section *section, layout_error_fn *error,
		 void *arg)
{
	struct layout_parser p = {.l = l, .error = error, .arg = arg};

	memset(l, 0, sizeof(*l));
	plan_for_each (line, section, NULL) {
		p.line = line->number;
		parse_line(&p, line);
	}
	if (!p.failed && !l->part_count)
		layout_fail(&p, "the layout has no partition");
	/* Of lines that are wrong themselves, the whole says nothing. */
	if (!p.failed)
		layout_check(&p);
	return p.failed ? -EINVAL : 0;
}
