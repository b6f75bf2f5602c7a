/* See path-text.h. */
#include "init/lib/path-text.h"

#include <string.h>

void path_text_add(struct strbuf *b, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c <= ' ' || c == 0x7f || c == '\\')
			strbuf_addf(b, "\\%03o", c);
		else
			strbuf_add(b, s, 1);
	}
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Only what the writer escapes may come escaped, so that a name has one form. */
bool path_text_undo(char *s)
{
	char *out = s;

	for (; *s; s++) {
		unsigned int c = (unsigned char)*s;

		if (c <= ' ' || c == 0x7f)
			return false;
		if (c == '\\') {
			if (!is_octal(s[1]) || !is_octal(s[2]) || !is_octal(s[3]))
				return false;
			c = (unsigned int)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			if (!c || (c > ' ' && c != 0x7f && c != '\\'))
				return false;
			s += 3;
		}
		*out++ = (char)c;
	}
	*out = '\0';
	return true;
}

bool path_is_inner(const char *path)
{
	size_t depth = 1;

	if (strlen(path) >= PATH_INNER_MAX)
		return false;
	for (;; depth++) {
		size_t n = strcspn(path, "/");

		if (n == 0 || n > 255 || depth > PATH_INNER_DEPTH || (n == 1 && path[0] == '.') ||
		    (n == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += n;
		if (!*path++)
			return true;
	}
}

void path_tidy(char *path)
{
	char *out = path;

	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n && !(n == 1 && *p == '.')) {
			if (out > path)
				*out++ = '/';
			memmove(out, p, n);
			out += n;
		}
		p += n + (p[n] == '/');
	}
	*out = '\0';
	if (!*path)
		strcpy(path, ".");
}

char *path_text_field(char **rest)
{
	char *start = *rest, *blank = strchr(start, ' ');

	if (blank)
		*blank++ = '\0';
	*rest = blank ? blank : start + strlen(start);
	return start;
}

bool path_text_mode(const char *s, uint32_t *mode)
{
	uint32_t v = 0;

	if (!*s || strlen(s) > 4)
		return false;
	for (; *s; s++) {
		if (!is_octal(*s))
			return false;
		v = v << 3 | (uint32_t)(*s - '0');
	}
	*mode = v;
	return true;
}
