/* Reads the text of a definition into objects with their values and places; knows the grammar, not
 * what keys mean.
 *
 *	define TYPE{            include FILE
 *	key value               # comment: at a line's start, after a blank or after '{'
 *	}
 */
#include "host-tools/lib/cluster-internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/suggest.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/str.h"

struct reader {
	struct cluster *c;
	const char *file;
	const char *dir; /* what to put before the path of an include, "" or "FOLDER/"; NULL:
			    includes are refused */
	unsigned int depth;
	unsigned int line;
	struct object *object; /* between '{' and '}' */
	bool skipping;	       /* the same, of an unknown type */
	bool no_brace;	       /* the '{' that was missing may stand alone on the next line */
	struct cluster_place opened;
};

static struct cluster_place place(const struct reader *r, const char *line, const char *at)
{
	return (struct cluster_place){r->file, r->line, (unsigned int)(at - line) + 1};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *skip_blanks(char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

static char *word_end(char *p)
{
	while (*p && !is_blank(*p))
		p++;
	return p;
}

/* Cuts the line before its comment; returns what follows the '#', or NULL. */
static char *cut_comment(char *line)
{
	for (char *p = line; *p; p++)
		if (*p == '#' && (p == line || is_blank(p[-1]) || p[-1] == '{')) {
			*p = '\0';
			return p + 1;
		}
	return NULL;
}

static void cut_blanks(char *line)
{
	size_t n = strlen(line);

	while (n && is_blank(line[n - 1]))
		line[--n] = '\0';
}

void cluster_split_line(struct cluster_words *w, char *line)
{
	w->comment = cut_comment(line);
	if (w->comment)
		cut_blanks(w->comment);
	cut_blanks(line);
	w->word = skip_blanks(line);
	w->end = word_end(w->word);
	w->text = skip_blanks(w->end);
}

static void unknown_type(struct reader *r, const char *name, struct cluster_place at)
{
	struct suggestion s = suggest_start(name);

	for (int t = 0; t < TYPE_COUNT; t++)
		suggest_offer(&s, cluster_type_name((enum cluster_type)t));
	if (s.best)
		cluster_error(r->c, &at, "unknown type '%.64s', expected '%s'", name, s.best);
	else
		cluster_error(r->c, &at,
			      "unknown type '%.64s', expected host, lucie_group, host_group, "
			      "installer, disk_layout, base, dataset, interface, package_server or "
			      "service",
			      name);
}

static void close_object(struct reader *r)
{
	if (r->object)
		r->object->last_line = r->line;
	r->object = NULL;
	r->skipping = false;
}

static void text_after_brace(struct reader *r, const char *line, const char *text)
{
	struct cluster_place at = place(r, line, text);

	cluster_error(r->c, &at, "text after '{', expected keys on the lines below it");
	if (r->object)
		r->object->broken = true;
	if (text[strlen(text) - 1] == '}')
		close_object(r);
}

/* "define TYPE{" */
static void read_define(struct reader *r, char *line, char *p)
{
	char *type = skip_blanks(p), *end = type + strcspn(type, " \t\r{"),
	     *brace = skip_blanks(end);
	const char *inside;
	struct cluster_place at = place(r, line, type);
	int t;

	if (end == type) {
		cluster_error(r->c, &at, "'define' without a type, expected 'define TYPE{'");
		return;
	}
	r->opened = at;
	r->no_brace = *brace != '{';
	if (r->no_brace) {
		at = place(r, line, brace);
		*end = '\0';
		cluster_error(r->c, &at, "no '{' after 'define %.64s', expected 'define %.64s{'",
			      type, type);
	}
	inside = r->no_brace ? "" : skip_blanks(brace + 1);
	*end = '\0';
	t = cluster_type_find(type);
	if (t < 0) {
		unknown_type(r, type, r->opened);
		r->skipping = r->c->has_untyped = true;
	} else {
		r->object = cluster_object_add(r->c, (enum cluster_type)t, r->opened);
	}
	if (*inside)
		text_after_brace(r, line, inside);
}

static void read_file(struct cluster *c, const char *path, unsigned int depth,
		      const struct cluster_place *at);

static void read_include(struct reader *r, char *line, char *p)
{
	char *path = skip_blanks(p);
	struct cluster_place at = place(r, line, path);

	if (!*path)
		cluster_error(r->c, &at, "'include' without a file, expected 'include FILE'");
	else if (r->c->alone)
		return;
	else if (!r->dir)
		cluster_error(r->c, &at,
			      "'include' in a definition that is no file, expected none");
	else if (r->depth + 1 >= CLUSTER_INCLUDE_DEPTH)
		cluster_error(r->c, &at,
			      "files include each other more than %d deep, expected no cycle",
			      CLUSTER_INCLUDE_DEPTH);
	else if (*path == '/')
		read_file(r->c, path, r->depth + 1, &at);
	else
		read_file(r->c, arena_printf(&r->c->arena, "%s%s", r->dir, path), r->depth + 1,
			  &at);
}

static const char *like_statement(struct reader *r, const char *word, size_t len)
{
	struct suggestion s = suggest_start(arena_strndup(&r->c->arena, word, len));

	suggest_offer(&s, "define");
	suggest_offer(&s, "include");
	return s.best ? arena_printf(&r->c->arena, "'%s'", s.best)
		      : "'define TYPE{' or 'include FILE'";
}

static void read_statement(struct reader *r, char *line, char *p)
{
	struct cluster_place at = place(r, line, p);
	char *end = word_end(p);
	size_t n = (size_t)(end - p);

	if (n == 6 && !strncmp(p, "define", n))
		read_define(r, line, end);
	else if (n == 7 && !strncmp(p, "include", n))
		read_include(r, line, end);
	else if (!strcmp(p, "compiled 1") && !r->c->count && !r->depth)
		r->c->compiled = true;
	else if (*p == '}')
		cluster_error(r->c, &at, "'}' without a 'define TYPE{', expected one before it");
	else
		cluster_error(r->c, &at, "unknown statement '%.*s', expected %s",
			      n > 64 ? 64 : (int)n, p, like_statement(r, p, n));
}

/* The ways of other languages to write a key and its value. */
static bool is_foreign(struct reader *r, const char *line, const char *key, const char *end,
		       const char *text)
{
	const char *sign = key + strcspn(key, "=:");
	size_t len = strlen(text);
	struct cluster_place at;

	if (sign < end || (sign == text && len && (len == 1 || is_blank(text[1])))) {
		at = place(r, line, sign);
		cluster_error(r->c, &at, "'%c' between a key and its value, expected a blank",
			      *sign);
		return true;
	}
	if (len && text[len - 1] == '}' && (len == 1 || is_blank(text[len - 2]))) {
		at = place(r, line, text + len - 1);
		cluster_error(r->c, &at, "'}' after a value, expected it on a line of its own");
		return true;
	}
	return false;
}

/* A key of an object whose type is not known. Its name is kept: that others refer to it is no error
 * of theirs. */
static void note_untyped(struct cluster *c, char *key, char *end, const char *text)
{
	bool names = false;

	*end = '\0';
	for (int t = 0; t < TYPE_COUNT; t++)
		names |= !strcmp(key, cluster_identity_key((enum cluster_type)t));
	if (*text && (names || !strcmp(key, "name")))
		map_put(&c->untyped, arena_strdup(&c->arena, text), c);
}

static void read_value(struct reader *r, char *line, char *key)
{
	char *end = word_end(key), *text = skip_blanks(end);
	struct cluster_value v = {.key_at = place(r, line, key), .at = place(r, line, text)};
	struct object *o = r->object;

	if (r->skipping) {
		note_untyped(r->c, key, end, text);
		return;
	}
	if (is_foreign(r, line, key, end, text)) {
		o->broken = true;
		if (text[0] && text[strlen(text) - 1] == '}')
			close_object(r);
		return;
	}
	if (!*text) {
		o->broken = true;
		cluster_error(r->c, &v.key_at,
			      "key '%.64s' without a value, expected '%.64s VALUE'", key, key);
		return;
	}
	if (o->own_count == CLUSTER_VALUES_MAX) {
		cluster_error(r->c, &v.key_at, "more than %d values in one object, expected fewer",
			      CLUSTER_VALUES_MAX);
		return;
	}
	*end = '\0';
	v.key = arena_strdup(&r->c->arena, key);
	v.text = arena_strdup(&r->c->arena, text);
	if (o->own_count == o->own_cap) {
		o->own_cap = o->own_cap ? o->own_cap * 2 : 8;
		o->own = xrealloc(o->own, o->own_cap, sizeof(*o->own));
	}
	o->own[o->own_count++] = v;
}

/* What looks like a blank and is none: it comes with text that was copied from elsewhere. In a key,
 * or at an end of its value; NULL. */
static const char *false_blank(const struct cluster_words *w)
{
	static const char *const blanks[] = {"\xc2\xa0", "\xe2\x80\x8b", "\xe3\x80\x80",
					     BYTE_ORDER_MARK};

	for (size_t i = 0; i < ARRAY_SIZE(blanks); i++) {
		const char *in_key = strstr(w->word, blanks[i]);

		if (in_key && (in_key < w->end || in_key == w->text))
			return in_key;
		if (str_ends(w->text, blanks[i]))
			return w->text + strlen(w->text) - strlen(blanks[i]);
	}
	return NULL;
}

static void read_line(struct reader *r, char *line)
{
	struct cluster_place at;
	struct cluster_words w;
	const char *blank;
	char *p;

	cluster_split_line(&w, line);
	p = w.word;
	if (!*p)
		return;
	blank = r->c->compiled ? NULL : false_blank(&w);
	if (blank) {
		at = place(r, line, blank);
		cluster_error(r->c, &at, "a blank of another kind, expected a plain one or a tab");
		if (r->object)
			r->object->broken = true;
		return;
	}
	if (r->no_brace && !strcmp(p, "{"))
		p++;
	r->no_brace = false;
	if (!*p)
		return;
	if (!r->object && !r->skipping) {
		read_statement(r, line, p);
		return;
	}
	at = place(r, line, p);
	if (*p == '}') {
		close_object(r);
		if (p[1]) {
			at.column++;
			cluster_error(r->c, &at, "text after '}', expected a line of its own");
		}
	} else if (!strncmp(p, "define", 6) && is_blank(p[6]) && strchr(p, '{')) {
		cluster_error(r->c, &at,
			      "'define' inside of the object at line %u, expected '}' before it",
			      r->opened.line);
		if (r->object)
			r->object->broken = true;
		close_object(r);
		read_statement(r, line, p);
	} else {
		read_value(r, line, p);
	}
}

static void read_lines(struct reader *r, char *text, size_t len)
{
	struct cluster_text rest = {text, text + len};
	const char *bad;
	char *line;

	while ((line = cluster_next_line(&rest, &bad))) {
		r->line++;
		if (bad) {
			struct cluster_place at = place(r, line, bad);

			cluster_error(
				r->c, &at,
				"byte 0x%02x, expected text in UTF-8 without control characters",
				(unsigned char)*bad);
			continue;
		}
		read_line(r, line);
	}
	if (r->object)
		r->object->broken = true;
	if (r->object || r->skipping)
		cluster_error(r->c, &r->opened,
			      "the object is never closed, expected '}' on a line of its own");
	close_object(r);
}

static void read_text(struct cluster *c, const char *file, const char *dir, unsigned int depth,
		      const char *text, size_t len)
{
	struct reader r = {
		.c = c, .dir = dir, .depth = depth, .file = arena_strdup(&c->arena, file)};
	_cleanup_free_ char *copy = xcalloc(1, len + 1);
	size_t skip;

	if (c->file_count < CLUSTER_FILES_MAX)
		c->files[c->file_count++] = r.file;
	memcpy(copy, text, len);
	skip = str_starts(copy, BYTE_ORDER_MARK) ? strlen(BYTE_ORDER_MARK) : 0;
	read_lines(&r, copy + skip, len - skip);
}

void cluster_read_text(struct cluster *c, const char *file, const char *dir, const char *text,
		       size_t len)
{
	read_text(c, file, dir, 0, text, len);
}

const char *cluster_dir_of(struct cluster *c, const char *path)
{
	const char *slash = strrchr(path, '/');

	return arena_strndup(&c->arena, path, slash ? (size_t)(slash - path) + 1 : 0);
}

/* An included file. */
static void read_file(struct cluster *c, const char *path, unsigned int depth,
		      const struct cluster_place *at)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int ret;

	if (c->file_count + 1 >= CLUSTER_FILES_MAX) {
		cluster_error(c, at, "more than %d files are included, expected fewer",
			      CLUSTER_FILES_MAX - 2);
		return;
	}
	ret = file_read(path, CLUSTER_FILE_MAX, &text, &len);
	if (ret)
		cluster_error(c, at, "cannot read '%s': %s, expected a file of definitions", path,
			      strerror(-ret));
	else
		read_text(c, path, cluster_dir_of(c, path), depth, text, len);
}
