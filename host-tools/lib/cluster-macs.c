/* The files that a mac_file key names: the cards of many hosts, one a line, as `HOST MAC` or as
 * `MAC` alone. Each file is read once, however many objects name it. Bytes from outside: bounded,
 * and nothing that is no text gets into a message. */
#include "host-tools/lib/cluster-internal.h"

#include <string.h>

#include "host-tools/lib/suggest.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/str.h"

/* Appends it to the lines of the same name. */
static void chain(struct cluster *c, struct mac_file *f, struct mac_line *first,
		  struct mac_line *line)
{
	size_t cards = 1;

	while (first->same) {
		first = first->same;
		cards++;
	}
	if (cards < CLUSTER_CARDS_MAX) {
		first->same = line;
		return;
	}
	cluster_error(c, &line->at, "more than %d cards of host '%s', expected fewer",
		      CLUSTER_CARDS_MAX, line->name);
	f->broken = true;
}

static void add_line(struct cluster *c, struct mac_file *f, const struct mac_line *l)
{
	struct mac_line *line, *first;

	if (!f->count)
		f->named = l->name;
	if (f->named != !!l->name) {
		cluster_error(c, &l->at, "a line %s a host's name, expected all like the first",
			      l->name ? "with" : "without");
		f->broken = true;
		return;
	}
	line = arena_alloc(&c->arena, sizeof(*line));
	*line = *l;
	if (f->last)
		f->last->next = line;
	else
		f->first = line;
	f->last = line;
	f->count++;
	first = line->name ? map_put(&f->by_name, line->name, line) : NULL;
	if (first)
		chain(c, f, first, line);
}

/* Cuts a line in place. */
static void read_line(struct cluster *c, struct mac_file *f, char *text, struct cluster_place at)
{
	struct mac_line l = {.at = at, .mac_at = at};
	char *rest = text, *first, *second;
	size_t errors = c->error_total;

	text[strcspn(text, "#\r")] = '\0';
	first = str_word(&rest);
	if (!first)
		return;
	second = str_word(&rest);
	l.at.column = (unsigned int)(first - text) + 1;
	l.mac_at.column = (unsigned int)((second ? second : first) - text) + 1;
	if (second && *str_trim(rest))
		cluster_error(c, &at, "more than two words, expected 'HOST MAC' or 'MAC'");
	else if (second)
		cluster_check_item(c, cluster_key(TYPE_HOST, "host_name"), first, &l.at);
	cluster_check_item(c, cluster_key(TYPE_HOST, "mac_address"), second ? second : first,
			   &l.mac_at);
	if (c->error_total > errors) {
		f->broken = true;
		return;
	}
	l.name = second ? arena_strdup(&c->arena, first) : NULL;
	l.mac = arena_strdup(&c->arena, second ? second : first);
	add_line(c, f, &l);
}

static void read_lines(struct cluster *c, struct mac_file *f, char *text, size_t len)
{
	struct cluster_place at = {.file = f->path, .column = 1};
	struct cluster_text rest = {text, text + len};
	const char *bad;
	char *line;

	while ((line = cluster_next_line(&rest, &bad))) {
		at.line++;
		if (bad) {
			cluster_error(c, &at, "byte 0x%02x, expected lines 'HOST MAC' or 'MAC'",
				      (unsigned char)*bad);
			f->broken = true;
			continue;
		}
		read_line(c, f, line, at);
	}
}

struct mac_file *cluster_read_macs(struct cluster *c, const char *path, char *text, size_t len)
{
	struct mac_file *f = arena_alloc(&c->arena, sizeof(*f));

	*f = (struct mac_file){.path = path, .older = c->mac_files};
	c->mac_files = f;
	read_lines(c, f, text, len);
	return f;
}

const struct mac_file *cluster_mac_file(struct cluster *c, const struct cluster_value *v)
{
	_cleanup_free_ char *text = NULL;
	const char *path = *v->text == '/' ? v->text
					   : arena_printf(&c->arena, "%s%s",
							  cluster_dir_of(c, v->at.file), v->text);
	struct mac_file *f;
	size_t len;
	int ret;

	if (!c->dir) {
		cluster_error(c, &v->at,
			      "'mac_file' in a definition that is no file, expected 'mac_address'");
		return NULL;
	}
	for (f = c->mac_files; f; f = f->older)
		if (!strcmp(f->path, path))
			return f;
	ret = file_read(path, CLUSTER_FILE_MAX, &text, &len);
	if (ret) {
		cluster_error(c, &v->at,
			      "cannot read '%s': %s, expected a file of lines 'HOST MAC' or 'MAC'",
			      v->text, strerror(-ret));
		return NULL;
	}
	return cluster_read_macs(c, path, text, len);
}

/* A name that no host has is a slip of the pen. */
void cluster_check_mac_files(struct cluster *c)
{
	for (const struct mac_file *f = c->mac_files; f; f = f->older)
		for (const struct mac_line *l = f->first; l; l = l->next)
			if (l->name && !cluster_find(c, TYPE_HOST, l->name))
				cluster_dangling(c, TYPE_HOST, l->name, &l->at);
}

void cluster_free_mac_files(struct cluster *c)
{
	for (struct mac_file *f = c->mac_files; f; f = f->older)
		map_free(&f->by_name);
}
