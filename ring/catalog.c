/* Writer beside reader of a tree's catalog; see catalog.h. Pure. */
#include "ring/catalog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/path-text.h"

#define HEAD "lucie-catalog 1\n"

void catalog_write_start(struct strbuf *b)
{
	strbuf_adds(b, HEAD);
}

void catalog_write(struct strbuf *b, const struct catalog_entry *e)
{
	strbuf_addf(b, "%c ", (char)e->type);
	if (e->type != CATALOG_LINK)
		strbuf_addf(b, "%o ", e->mode);
	strbuf_addf(b, "%" PRId64 " ", e->mtime);
	if (e->type == CATALOG_FILE)
		strbuf_addf(b, "%" PRIu64 " ", e->size);
	path_text_add(b, e->path);
	if (e->type == CATALOG_LINK) {
		strbuf_adds(b, " ");
		path_text_add(b, e->target);
	}
	strbuf_adds(b, "\n");
}

static bool take_time(char **rest, int64_t *out)
{
	char *s = path_text_field(rest);
	bool negative = *s == '-';
	uint64_t v;

	if (str_to_u64(s + negative, &v) || v > INT64_MAX)
		return false;
	*out = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

static const char *parse_line(struct catalog_entry *e, char *line)
{
	char *rest = line + 2;

	if ((line[0] != 'd' && line[0] != 'f' && line[0] != 'l') || line[1] != ' ')
		return "unknown kind of entry";
	e->type = (enum catalog_type)line[0];
	if (e->type != CATALOG_LINK && !path_text_mode(path_text_field(&rest), &e->mode))
		return "bad mode";
	if (!take_time(&rest, &e->mtime))
		return "bad time";
	if (e->type == CATALOG_FILE && str_to_u64(path_text_field(&rest), &e->size))
		return "bad size";
	e->path = path_text_field(&rest);
	e->target = e->type == CATALOG_LINK ? path_text_field(&rest) : NULL;
	if (*rest)
		return "too many fields";
	if (!path_text_undo(e->path) || !path_is_inner(e->path))
		return "unsafe path";
	if (e->target &&
	    (!*e->target || !path_text_undo(e->target) || strlen(e->target) >= CATALOG_PATH_MAX))
		return "bad target of a link";
	return NULL;
}

/* The directories that lead to the current line, and the last name seen in each. */
struct place {
	const char *dirs[CATALOG_DEPTH_MAX + 1];
	const char *last[CATALOG_DEPTH_MAX + 1];
	size_t depth;
};

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !n || (!strncmp(path, dir, n) && path[n] == '/');
}

static const char *check_order(struct place *p, const struct catalog_entry *e)
{
	const char *name;
	size_t n;

	while (p->depth && !is_below(e->path, p->dirs[p->depth]))
		p->depth--;
	n = strlen(p->dirs[p->depth]);
	name = e->path + n + (n > 0);
	if (strchr(name, '/'))
		return "its directory is not in the catalog";
	if (p->last[p->depth] && strcmp(p->last[p->depth], name) >= 0)
		return "out of order";
	p->last[p->depth] = name;
	if (e->type == CATALOG_DIR) {
		p->depth++;
		p->dirs[p->depth] = e->path;
		p->last[p->depth] = NULL;
	}
	return NULL;
}

static int add_entry(struct catalog *c, size_t *cap, const struct catalog_entry *e)
{
	struct catalog_entry *grown;

	if (c->count == *cap) {
		*cap = *cap ? *cap * 2 : 64;
		grown = realloc(c->entries, *cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		c->entries = grown;
	}
	c->entries[c->count++] = *e;
	return 0;
}

static int parse_lines(struct catalog *c, char *p, const char *end, char *why, size_t why_len)
{
	struct place place = {.dirs = {""}};
	size_t cap = 0, number = 2;

	for (; p < end; number++) {
		struct catalog_entry e = {.offset = c->end};
		char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *problem = newline ? NULL : "no end of line";
		int ret;

		if (newline)
			*newline = '\0';
		problem = problem ? problem : parse_line(&e, p);
		problem = problem ? problem : check_order(&place, &e);
		if (!problem && e.size > UINT64_MAX / 2 - c->end)
			problem = "too large";
		if (problem) {
			snprintf(why, why_len, "catalog line %zu: %s", number, problem);
			return -EINVAL;
		}
		ret = add_entry(c, &cap, &e);
		if (ret)
			return ret;
		c->end += e.size;
		p = newline + 1;
	}
	return 0;
}

int catalog_parse(struct catalog *c, const char *text, size_t len, char *why, size_t why_len)
{
	int ret;

	*c = (struct catalog){.end = len};
	snprintf(why, why_len, "catalog: not one");
	if (len > CATALOG_MAX)
		return -EFBIG;
	if (len < strlen(HEAD) || memcmp(text, HEAD, strlen(HEAD)) || memchr(text, '\0', len))
		return -EINVAL;
	c->text = malloc(len + 1);
	if (!c->text)
		return -ENOMEM;
	memcpy(c->text, text, len);
	c->text[len] = '\0';
	ret = parse_lines(c, c->text + strlen(HEAD), c->text + len, why, why_len);
	if (ret)
		catalog_free(c);
	return ret;
}

void catalog_free(struct catalog *c)
{
	free(c->text);
	free(c->entries);
	*c = (struct catalog){0};
}

const struct catalog_entry *catalog_find(const struct catalog *c, uint64_t offset)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->entries[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || offset - c->entries[low - 1].offset >= c->entries[low - 1].size)
		return NULL;
	return &c->entries[low - 1];
}
