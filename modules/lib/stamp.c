/* Reader beside writer of the stamp; see stamp.h. A stamp is read from disks that anybody may have
 * written: the checksum only tells damage from none, so every field is bounded and checked as any
 * other input before the guard believes it.
 *
 *	lucie-stamp 1
 *	site 0123456789abcdef
 *	node cnode00
 *	install cnode00-7
 *	disk sys
 *	state finished
 *	work HEX			the journal: these three only while it is unfinished
 *	done MODULE,MODULE
 *	open MODULE
 *	table gpt 0F0E...
 *	part NUMBER START BYTES FS UUID|- MOUNT [OPTIONS]
 *	kept preserve|reuse			of the part before
 *	raid|luks|vg|lv NAME DEVICE-UUID|- HOW|- FS UUID|- MOUNT OPTIONS|- MEMBER...
 */
#include "modules/lib/stamp.h"

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/str.h"

#include <blake3.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STAMP_FIRST	 "lucie-stamp 1"
#define STAMP_NUMBER_MAX 128 /* of a partition: what a GPT has room for */
#define STAMP_TEXT_MAX	 (STAMP_SIZE - BLAKE3_OUT_LEN)

static void stamp_hash(const void *bytes, uint8_t out[BLAKE3_OUT_LEN])
{
	blake3_hasher hasher;

	blake3_hasher_init(&hasher);
	blake3_hasher_update(&hasher, bytes, STAMP_TEXT_MAX);
	blake3_hasher_finalize(&hasher, out, BLAKE3_OUT_LEN);
}

static void add_journal(struct strbuf *text, const struct stamp *s)
{
	if (s->work[0])
		strbuf_addf(text, "work %s\n", s->work);
	if (s->done[0])
		strbuf_addf(text, "done %s\n", s->done);
	if (s->open[0])
		strbuf_addf(text, "open %s\n", s->open);
}

static const char *or_dash(const char *word)
{
	return word[0] ? word : "-";
}

static void add_part(struct strbuf *text, const struct stamp_part *p)
{
	strbuf_addf(text, "part %u %llu %llu %s %s %s %s\n", p->number,
		    (unsigned long long)p->start, (unsigned long long)p->bytes,
		    layout_fs_name(p->fs), or_dash(p->uuid), p->mount, p->options);
	if (p->keep)
		strbuf_addf(text, "kept %s\n", p->keep == KEEP_CONTENT ? "preserve" : "reuse");
}

static void add_device(struct strbuf *text, const struct stamp_part *p)
{
	strbuf_addf(text, "%s %s %s %s %s %s %s %s %s\n", layout_kind_name(p->kind), p->name,
		    or_dash(p->device), or_dash(p->how), layout_fs_name(p->fs), or_dash(p->uuid),
		    p->mount, or_dash(p->options), p->members);
}

int stamp_encode(const struct stamp *s, void *bytes, size_t len)
{
	_cleanup_strbuf_ struct strbuf text = {.max = STAMP_TEXT_MAX - 1};
	char *out = bytes;

	if (len != STAMP_SIZE)
		return -EINVAL;
	strbuf_addf(&text,
		    STAMP_FIRST "\nsite %s\nnode %s\ninstall %s\ndisk %s\nstate %s\ntable %s %s\n",
		    s->site, s->node, s->install, s->disk, s->finished ? "finished" : "unfinished",
		    s->table == TABLE_GPT ? "gpt" : "msdos", s->table_id);
	add_journal(&text, s);
	for (size_t i = 0; i < s->part_count; i++)
		if (s->parts[i].kind == PART_DISK)
			add_part(&text, &s->parts[i]);
		else
			add_device(&text, &s->parts[i]);
	if (text.error)
		return text.error;
	memset(out, 0, len);
	memcpy(out, text.buf, text.len);
	stamp_hash(out, (uint8_t *)out + STAMP_TEXT_MAX);
	return 0;
}

/* A word without control characters that fits. */
static bool take(char *to, size_t len, const char *word)
{
	size_t n = word ? strlen(word) : len;

	if (n == 0 || n >= len)
		return false;
	for (const char *c = word; *c; c++)
		if (!isgraph((unsigned char)*c))
			return false;
	memcpy(to, word, n + 1);
	return true;
}

/* A word, of which "-" says that there is none. */
static bool take_or_dash(char *to, size_t len, const char *word)
{
	if (!take(to, len, word))
		return false;
	if (!strcmp(to, "-"))
		to[0] = '\0';
	return true;
}

static bool decode_table(struct stamp *s, char *rest)
{
	const char *type = str_word(&rest);

	if (!type || (strcmp(type, "gpt") && strcmp(type, "msdos")))
		return false;
	s->table = strcmp(type, "gpt") ? TABLE_MSDOS : TABLE_GPT;
	return take(s->table_id, sizeof(s->table_id), str_word(&rest)) && !str_word(&rest);
}

static bool decode_number(uint64_t *out, const char *word)
{
	return word && !str_to_u64(word, out) && *out <= INT64_MAX / 2;
}

static bool decode_part(struct stamp *s, char *rest)
{
	struct stamp_part *p = &s->parts[s->part_count];
	uint64_t number;
	const char *word;

	if (s->part_count == LAYOUT_PARTS_MAX || !decode_number(&number, str_word(&rest)) ||
	    !number || number > STAMP_NUMBER_MAX || !decode_number(&p->start, str_word(&rest)) ||
	    !decode_number(&p->bytes, str_word(&rest)) || !(word = str_word(&rest)) ||
	    !layout_fs_parse(&p->fs, word) ||
	    !take_or_dash(p->uuid, sizeof(p->uuid), str_word(&rest)) ||
	    !take(p->mount, sizeof(p->mount), str_word(&rest)))
		return false;
	word = str_word(&rest);
	if ((word && !take(p->options, sizeof(p->options), word)) || str_word(&rest))
		return false;
	p->number = (unsigned int)number;
	s->part_count++;
	return true;
}

static bool decode_kept(struct stamp *s, char *rest)
{
	const char *word = str_word(&rest);
	struct stamp_part *p = s->part_count ? &s->parts[s->part_count - 1] : NULL;

	if (!p || p->kind != PART_DISK || !word || str_word(&rest))
		return false;
	p->keep = !strcmp(word, "preserve") ? KEEP_CONTENT
		  : !strcmp(word, "reuse")  ? KEEP_PLACE
					    : KEEP_NOTHING;
	return p->keep != KEEP_NOTHING;
}

static bool decode_members(struct stamp_part *p, char *rest)
{
	size_t used = 0;
	char *word;

	while ((word = str_word(&rest))) {
		size_t n = used ? used + 1 : 0;

		if (n >= sizeof(p->members) || !take(p->members + n, sizeof(p->members) - n, word))
			return false;
		if (used)
			p->members[used] = ' ';
		used = n + strlen(word);
	}
	return used > 0;
}

static bool decode_device(struct stamp *s, enum layout_kind kind, char *rest)
{
	struct stamp_part *p = &s->parts[s->part_count];
	const char *fs;

	if (s->part_count == LAYOUT_PARTS_MAX || !take(p->name, sizeof(p->name), str_word(&rest)) ||
	    !take_or_dash(p->device, sizeof(p->device), str_word(&rest)) ||
	    !take_or_dash(p->how, sizeof(p->how), str_word(&rest)) || !(fs = str_word(&rest)) ||
	    !layout_fs_parse(&p->fs, fs) ||
	    !take_or_dash(p->uuid, sizeof(p->uuid), str_word(&rest)) ||
	    !take(p->mount, sizeof(p->mount), str_word(&rest)) ||
	    !take_or_dash(p->options, sizeof(p->options), str_word(&rest)) ||
	    !decode_members(p, rest))
		return false;
	p->kind = kind;
	s->part_count++;
	return true;
}

static bool decode_line(struct stamp *s, char *line)
{
	const struct {
		const char *key;
		char *to;
		size_t len;
	} words[] = {
		{"site", s->site, sizeof(s->site)},	     {"node", s->node, sizeof(s->node)},
		{"install", s->install, sizeof(s->install)}, {"disk", s->disk, sizeof(s->disk)},
		{"work", s->work, sizeof(s->work)},	     {"done", s->done, sizeof(s->done)},
		{"open", s->open, sizeof(s->open)},
	};
	char *rest = line, *key = str_word(&rest);

	if (!key)
		return false;
	if (!strcmp(key, "part"))
		return decode_part(s, rest);
	if (!strcmp(key, "kept"))
		return decode_kept(s, rest);
	for (enum layout_kind kind = PART_RAID; kind <= PART_LV; kind++)
		if (!strcmp(key, layout_kind_name(kind)))
			return decode_device(s, kind, rest);
	if (!strcmp(key, "table"))
		return decode_table(s, rest);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(key, words[i].key))
			return take(words[i].to, words[i].len, rest);
	if (strcmp(key, "state"))
		return false;
	s->finished = !strcmp(rest, "finished");
	return s->finished || !strcmp(rest, "unfinished");
}

int stamp_decode(struct stamp *s, const void *bytes, size_t len)
{
	_cleanup_free_ char *text = NULL;
	uint8_t hash[BLAKE3_OUT_LEN];
	char *line, *save = NULL;

	memset(s, 0, sizeof(*s));
	if (len != STAMP_SIZE)
		return -EINVAL;
	if (memcmp(bytes, STAMP_FIRST "\n", sizeof(STAMP_FIRST)))
		return -ENODATA;
	stamp_hash(bytes, hash);
	if (memcmp(hash, (const uint8_t *)bytes + STAMP_TEXT_MAX, sizeof(hash)))
		return -EBADMSG;
	text = strndup(bytes, STAMP_TEXT_MAX);
	if (!text)
		return -ENOMEM;
	strtok_r(text, "\n", &save);
	while ((line = strtok_r(NULL, "\n", &save)))
		if (!decode_line(s, line))
			return -EBADMSG;
	return s->site[0] && s->node[0] && s->disk[0] && s->table_id[0] ? 0 : -EBADMSG;
}

int stamp_read(int fd, struct stamp *s)
{
	_cleanup_free_ char *bytes = malloc(STAMP_AREA);
	int first, second;

	if (!bytes)
		return -ENOMEM;
	first = pread_full(fd, bytes, STAMP_AREA, STAMP_OFFSET);
	if (first)
		return first;
	first = stamp_decode(s, bytes, STAMP_SIZE);
	if (!first)
		return 0;
	second = stamp_decode(s, bytes + STAMP_SIZE, STAMP_SIZE);
	return second == -ENODATA ? first : second;
}

int stamp_write(int fd, const struct stamp *s)
{
	_cleanup_free_ char *bytes = malloc(STAMP_SIZE);
	int ret;

	if (!bytes)
		return -ENOMEM;
	ret = stamp_encode(s, bytes, STAMP_SIZE);
	for (uint64_t at = STAMP_OFFSET; !ret && at < STAMP_OFFSET + STAMP_AREA; at += STAMP_SIZE) {
		ret = pwrite_full(fd, bytes, STAMP_SIZE, at);
		if (!ret && fsync(fd))
			ret = -errno;
	}
	return ret;
}
