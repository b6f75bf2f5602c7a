/* The canonical form of a definition (lucie fmt): `define TYPE{`, a tab before each key, the values
 * of an object under each other, one blank before a comment, one empty line at most and one after
 * each object. Order, comments, empty lines between others and values stay as they are. */
#include "host-tools/lib/cluster-internal.h"

#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"

#define WIDTH_MAX 32 /* of the keys; a longer one stands out */

struct formatter {
	struct strbuf *out;
	struct cluster_words *lines;
	size_t count;
	size_t width;	   /* of the keys of the object that is written */
	bool in_object;	   /* between '{' and '}' */
	bool empty_before; /* an empty line is due before the next one */
	bool fresh;	   /* nothing was written yet, or the last line opened an object */
};

static void split_lines(struct formatter *f, char *text, size_t len)
{
	struct cluster_text rest = {text, text + len};
	char *line;

	while ((line = cluster_next_line(&rest, NULL))) {
		struct cluster_words *w;

		if (!(f->count & (f->count - 1)))
			f->lines =
				xrealloc(f->lines, f->count ? f->count * 2 : 1, sizeof(*f->lines));
		w = &f->lines[f->count++];
		cluster_split_line(w, line);
		*w->end = '\0';
	}
}

/* The longest key from here to the '}'. */
static size_t key_width(const struct formatter *f, size_t from)
{
	size_t width = 0;

	for (size_t i = from; i < f->count && *f->lines[i].word != '}'; i++) {
		size_t n = strlen(f->lines[i].word);

		if (n > width && n <= WIDTH_MAX)
			width = n;
	}
	return width;
}

static void write_statement(struct formatter *f, size_t index)
{
	const struct cluster_words *w = &f->lines[index];

	if (*w->word == '}') {
		f->in_object = false;
		strbuf_adds(f->out, "}");
	} else if (f->in_object) {
		strbuf_addf(f->out, "\t%-*s %s", (int)f->width, w->word, w->text);
	} else if (!strcmp(w->word, "define")) {
		f->in_object = true;
		f->width = key_width(f, index + 1);
		strbuf_addf(f->out, "define %.*s{", (int)strcspn(w->text, " \t\r{"), w->text);
	} else {
		strbuf_addf(f->out, "%s %s", w->word, w->text);
	}
}

static void write_line(struct formatter *f, size_t index)
{
	const struct cluster_words *w = &f->lines[index];
	bool closes = f->in_object && *w->word == '}', was_in = f->in_object;

	if (!*w->word && !w->comment) {
		f->empty_before = !f->fresh;
		return;
	}
	if (f->empty_before && !closes)
		strbuf_adds(f->out, "\n");
	if (*w->word)
		write_statement(f, index);
	else if (f->in_object)
		strbuf_adds(f->out, "\t");
	if (w->comment)
		strbuf_addf(f->out, "%s#%s", *w->word ? " " : "", w->comment);
	strbuf_adds(f->out, "\n");
	f->empty_before = closes;
	f->fresh = f->in_object && !was_in;
}

int cluster_format(struct strbuf *out, const char *name, const char *text, size_t len,
		   cluster_error_fn *error, void *arg)
{
	_cleanup_free_ char *copy = NULL;
	struct formatter f = {.out = out, .fresh = true};
	int errors = cluster_check_grammar(name, text, len, error, arg);
	size_t skip;

	if (errors)
		return errors;
	copy = xcalloc(1, len + 1);
	memcpy(copy, text, len);
	skip = !strncmp(copy, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) ? strlen(BYTE_ORDER_MARK)
									: 0;
	split_lines(&f, copy + skip, len - skip);
	for (size_t i = 0; i < f.count; i++)
		write_line(&f, i);
	free(f.lines);
	return out->error;
}
