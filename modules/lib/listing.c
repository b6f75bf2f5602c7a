/* Writer beside reader of a listing; see listing.h. Pure. */
#include "modules/lib/listing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "init/lib/path-text.h"

#define HEAD	 "lucie-listing 1\n"
#define LINE_MIN 16 /* of the shortest line: bounds the number of entries */

static const uint8_t nothing[LISTING_HASH];

enum listing_type listing_type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return LISTING_FILE;
	case S_IFDIR:
		return LISTING_DIR;
	case S_IFLNK:
		return LISTING_LINK;
	case S_IFCHR:
		return LISTING_CHAR;
	case S_IFBLK:
		return LISTING_BLOCK;
	case S_IFIFO:
		return LISTING_PIPE;
	default:
		return LISTING_SOCKET;
	}
}

/* --- writing --- */

void listing_write_start(struct strbuf *b, const char *base)
{
	strbuf_addf(b, HEAD "base %s\n", base);
}

static void write_hash(struct strbuf *b, const uint8_t hash[LISTING_HASH])
{
	char hex[2 * LISTING_HASH + 1] = "-";

	if (memcmp(hash, nothing, LISTING_HASH) != 0)
		str_to_hex(hash, LISTING_HASH, hex);
	strbuf_addf(b, "%s ", hex);
}

void listing_write(struct strbuf *b, const struct listing_entry *e)
{
	strbuf_addf(b, "%c %o %" PRIu32 " %" PRIu32 " %" PRIu64 " ", (char)e->type, e->mode, e->uid,
		    e->gid, e->size);
	write_hash(b, e->hash);
	write_hash(b, e->xattrs);
	path_text_add(b, e->path);
	strbuf_adds(b, "\n");
}

/* --- reading --- */

static bool take_id(char **rest, uint32_t *id)
{
	uint64_t v;

	if (str_to_u64(path_text_field(rest), &v) || v > UINT32_MAX)
		return false;
	*id = (uint32_t)v;
	return true;
}

static bool take_hash(char **rest, uint8_t hash[LISTING_HASH])
{
	const char *s = path_text_field(rest);

	return !strcmp(s, "-") || !str_from_hex(s, hash, LISTING_HASH);
}

static const char *parse_line(struct listing_entry *e, char *line)
{
	const char *type = path_text_field(&line);
	char *path;

	if (!*type || type[1] || !strchr("fdlcbps-", *type))
		return "unknown type of an entry";
	e->type = (enum listing_type) * type;
	if (!path_text_mode(path_text_field(&line), &e->mode))
		return "bad mode";
	if (!take_id(&line, &e->uid) || !take_id(&line, &e->gid))
		return "bad owner";
	if (str_to_u64(path_text_field(&line), &e->size))
		return "bad size";
	if (!take_hash(&line, e->hash) || !take_hash(&line, e->xattrs))
		return "bad hash";
	e->path = path = path_text_field(&line);
	if (*line)
		return "too many fields";
	if (!path_text_undo(path) || (strcmp(path, ".") != 0 && !path_is_inner(path)))
		return "unsafe path";
	return NULL;
}

/* The lines before the entries; NULL where they are not there. */
static char *parse_head(struct listing *l, char *text)
{
	uint8_t root[LISTING_HASH];
	char *end;

	if (!str_starts(text, HEAD "base "))
		return NULL;
	l->base = text + strlen(HEAD "base ");
	end = strchr(l->base, '\n');
	*end = '\0';
	return str_from_hex(l->base, root, sizeof(root)) ? NULL : end + 1;
}

static int parse(struct listing *l, char *text, size_t len, char *why, size_t why_len)
{
	size_t room = len / LINE_MIN + 1, number = 2;
	const char *wrong;
	char *line, *end;

	if (len > LISTING_MAX)
		return -EFBIG;
	line = len && strlen(text) == len && text[len - 1] == '\n' ? parse_head(l, text) : NULL;
	if (!line) {
		snprintf(why, why_len, "it is not a whole '%.15s'", HEAD);
		return -EINVAL;
	}
	l->entries = calloc(room, sizeof(*l->entries));
	if (!l->entries)
		return -ENOMEM;
	for (; *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		number++;
		wrong = parse_line(&l->entries[l->count], line);
		if (wrong) {
			snprintf(why, why_len, "line %zu: %s", number, wrong);
			return -EINVAL;
		}
		l->count++;
	}
	return 0;
}

int listing_parse(struct listing *l, char *text, size_t len, char *why, size_t why_len)
{
	int ret;

	*l = (struct listing){.text = text};
	ret = parse(l, text, len, why, why_len);
	if (ret == -EFBIG || ret == -ENOMEM)
		snprintf(why, why_len, "%s", strerror(-ret));
	if (ret)
		listing_free(l);
	return ret;
}

void listing_free(struct listing *l)
{
	free(l->entries);
	free(l->text);
	*l = (struct listing){0};
}

/* --- hashes --- */

void listing_hash_text(const char *text, uint8_t hash[LISTING_HASH])
{
	blake3_hasher h;

	blake3_hasher_init(&h);
	blake3_hasher_update(&h, text, strlen(text));
	blake3_hasher_finalize(&h, hash, LISTING_HASH);
}

int listing_xattr(struct listing_xattrs *x, const char *name, const void *value, size_t len)
{
	blake3_hasher h;

	if (str_starts(name, "system."))
		return 0;
	if (x->count == LISTING_XATTRS_MAX)
		return -E2BIG;
	blake3_hasher_init(&h);
	blake3_hasher_update(&h, name, strlen(name) + 1);
	blake3_hasher_update(&h, value, len);
	blake3_hasher_finalize(&h, x->list[x->count].hash, LISTING_HASH);
	x->list[x->count++].name = name;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void listing_xattrs_hash(struct listing_xattrs *x, uint8_t hash[LISTING_HASH])
{
	blake3_hasher h;

	memset(hash, 0, LISTING_HASH);
	if (!x->count)
		return;
	qsort(x->list, x->count, sizeof(x->list[0]), by_name);
	blake3_hasher_init(&h);
	for (size_t i = 0; i < x->count; i++)
		blake3_hasher_update(&h, x->list[i].hash, LISTING_HASH);
	blake3_hasher_finalize(&h, hash, LISTING_HASH);
}
