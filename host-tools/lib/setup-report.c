/* See setup-report.h. A few names of each class are enough to recognise what was meant to change;
 * of ten thousand the number is what matters. */
#include "host-tools/lib/setup-report.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/map.h"
#include "init/lib/cleanup.h"

#define NAMES 5
#define KINDS 16

/* A list that shows the first few of its names. */
static void add_name(struct strbuf *names, unsigned int count, const char *name, size_t len)
{
	if (count < NAMES)
		strbuf_addf(names, "%s%.*s", count ? ", " : "", (int)len, name);
}

static void print_more(unsigned int count)
{
	if (count > NAMES)
		printf(" and %u more", count - NAMES);
}

/* --- files --- */

static struct report_class *find_class(struct report *r, const char *verb, const char *name)
{
	struct report_class *c = r->classes;

	while (c < r->classes + REPORT_CLASSES - 1 && c->verb &&
	       (strcmp(c->verb, verb) != 0 || strcmp(c->name, name) != 0))
		c++;
	if (!c->verb) {
		c->verb = verb;
		snprintf(c->name, sizeof(c->name), "%s", name);
	}
	return c;
}

void report_file(struct report *r, const char *verb, const char *path)
{
	const char *slash = strchr(path, '/');
	char folder[sizeof(r->classes->name)] = "";
	struct report_class *c;

	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	path = slash ? slash + 1 : path;
	c = find_class(r, verb, folder);
	add_name(&c->names, c->count++, path, strlen(path));
	r->changes++;
}

void report_print(const struct report *r)
{
	if (r->objects.buf)
		printf("%s", r->objects.buf);
	for (const struct report_class *c = r->classes; c < r->classes + REPORT_CLASSES; c++) {
		if (!c->verb)
			continue;
		printf("%s %s%s%s", c->verb, c->name, *c->name ? ": " : "", c->names.buf);
		print_more(c->count);
		printf("\n");
	}
}

void report_free(struct report *r)
{
	for (size_t i = 0; i < REPORT_CLASSES; i++)
		strbuf_free(&r->classes[i].names);
	strbuf_free(&r->objects);
}

/* --- objects --- */

struct difference {
	struct strbuf names;
	unsigned int count;
};

struct kind {
	char name[24]; /* "host", ...; "": not used yet */
	struct difference added, changed, removed;
};

/* One "define KIND{ ... }" of a compiled definition, cut out of its text. */
struct block {
	size_t kind_len;
	char *key;  /* "KIND{\n\tKEY NAME": no two objects have the same */
	char *name; /* within key */
	char *rest; /* the other lines */
	bool there; /* in the new definition, too */
};

/* The next block; *text moves behind it. False at the end. */
static bool next_block(char **text, struct block *b)
{
	char *start = *text ? strstr(*text, "define ") : NULL,
	     *end = start ? strstr(start, "\n}") : NULL;
	char *line;

	if (!end)
		return false;
	*end = '\0';
	*text = end + 1;
	b->key = start + strlen("define ");
	b->kind_len = strcspn(b->key, "{");
	line = strchr(b->key, '\n');
	b->name = line ? strchr(line + 1, ' ') : NULL;
	if (!b->name)
		return false;
	b->rest = strchr(++b->name, '\n');
	if (b->rest)
		*b->rest++ = '\0';
	else
		b->rest = end;
	return true;
}

static struct kind *find_kind(struct kind *kinds, const struct block *b)
{
	struct kind *k = kinds;

	while (k < kinds + KINDS - 1 && *k->name &&
	       (strlen(k->name) != b->kind_len || strncmp(k->name, b->key, b->kind_len) != 0))
		k++;
	if (!*k->name)
		snprintf(k->name, sizeof(k->name), "%.*s", (int)b->kind_len, b->key);
	return k;
}

static void note(struct difference *d, const struct block *b)
{
	add_name(&d->names, d->count++, b->name, strlen(b->name));
}

static void compare(struct kind *kinds, const struct map *before, char *now)
{
	struct block b;

	while (next_block(&now, &b)) {
		struct block *old = map_get(before, b.key);

		if (!old)
			note(&find_kind(kinds, &b)->added, &b);
		else if (strcmp(old->rest, b.rest) != 0)
			note(&find_kind(kinds, &b)->changed, &b);
		if (old)
			old->there = true;
	}
}

static void say(struct strbuf *out, const char *what, struct difference *d, bool *first)
{
	if (d->count)
		strbuf_addf(out, "%s %u %s (%s%s)", *first ? ":" : ",", d->count, what,
			    d->names.buf, d->count > NAMES ? ", ..." : "");
	*first = *first && !d->count;
	strbuf_free(&d->names);
}

static void say_kind(struct strbuf *out, struct kind *k)
{
	bool first = true;

	if (!k->added.count && !k->changed.count && !k->removed.count)
		return;
	strbuf_adds(out, k->name);
	say(out, "added", &k->added, &first);
	say(out, "changed", &k->changed, &first);
	say(out, "removed", &k->removed, &first);
	strbuf_adds(out, "\n");
}

void report_definition(struct strbuf *out, const char *before, const char *now)
{
	_cleanup_free_ char *old_text = xstrdup(before ? before : ""), *new_text = xstrdup(now);
	struct block *old = NULL, b = {0};
	struct kind kinds[KINDS] = {0};
	struct map map = {0};
	char *rest = old_text;
	size_t count = 0;

	while (next_block(&rest, &b)) {
		if (!(count & (count - 1)))
			old = xrealloc(old, count ? 2 * count : 1, sizeof(*old));
		old[count++] = b;
	}
	for (size_t i = 0; i < count; i++)
		map_put(&map, old[i].key, &old[i]);
	compare(kinds, &map, new_text);
	for (size_t i = 0; i < count; i++)
		if (!old[i].there)
			note(&find_kind(kinds, &old[i])->removed, &old[i]);
	for (size_t i = 0; i < KINDS; i++)
		say_kind(out, &kinds[i]);
	map_free(&map);
	free(old);
}
