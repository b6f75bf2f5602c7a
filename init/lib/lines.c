/* Bounded lines of a byte stream; see lines.h. Pure. */
#include "init/lib/lines.h"

void lines_end(struct lines *l, lines_fn *line, void *arg)
{
	size_t len = l->len;

	l->len = 0;
	l->dropping = false;
	l->text[len] = '\0';
	if (len)
		line(l->text, arg);
}

void lines_add(struct lines *l, const char *data, size_t len, lines_fn *line, void *arg)
{
	for (size_t i = 0; i < len; i++) {
		char c = data[i];

		if (c == '\n' || c == '\r') {
			lines_end(l, line, arg);
		} else if (!l->dropping) {
			l->text[l->len++] = c ? c : '?';
			l->dropping = l->len == sizeof(l->text) - 1;
		}
	}
}
