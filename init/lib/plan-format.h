/* The plan: text, one "key value" a line, `[module]` sections; writer beside reader
 * (docs/plan-format.md lists every key).
 *
 * Bytes come from outside: at most PLAN_MAX bytes, UTF-8 or ASCII without control characters but
 * '\n', keys [a-z][a-z0-9_]*, first line "lucie-plan 1". Pure: no I/O, no logging.
 */
#ifndef LUCIE_PLAN_FORMAT_H
#define LUCIE_PLAN_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "init/lib/str.h"

#define PLAN_VERSION_LINE "lucie-plan 1"
#define PLAN_MAX	  ((size_t)4 << 20)
#define PLAN_ID_MAX	  64 /* installation id, bytes with the NUL */

struct plan_line {
	const char *key;
	const char *value; /* "" where the line has a key alone */
	unsigned int number;
};

struct plan_section {
	const char *name; /* "" for the head */
	struct plan_line *lines;
	size_t count;
};

/* Owner: plan_parse() fills it, plan_free() releases it; all strings point into text. */
struct plan {
	char *text;
	struct plan_section *sections; /* [0] is the head */
	size_t count;
};

/* -EINVAL, -EFBIG, -ENOMEM; why (of at least 160 bytes) then says what is wrong with which line. */
int plan_parse(struct plan *p, const char *text, size_t len, char *why, size_t why_len);
void plan_free(struct plan *p);

/* NULL if there is none. */
const struct plan_section *plan_section(const struct plan *p, const char *name);
/* The first value of key in section (which may be NULL); NULL if there is none. */
const char *plan_get(const struct plan_section *s, const char *key);
/* plan_get() of the head. */
const char *plan_head(const struct plan *p, const char *key);

/* for each line with this key (NULL: every line); `line` is declared by it. */
#define plan_for_each(line, section, wanted)                                                       \
	for (const struct plan_line *line = plan_first((section), (wanted)); line;                 \
	     line = plan_next((section), (wanted), line))
const struct plan_line *plan_first(const struct plan_section *s, const char *key);
const struct plan_line *plan_next(const struct plan_section *s, const char *key,
				  const struct plan_line *after);

/* Where the blob lies, in the order in which to try: below the head's `blobs`, or where there are
 * none below its `server`s. The number of URLs, at most max, each to be freed; -ENOMEM. */
int plan_blob_urls(const struct plan *p, const char *root, char **urls, size_t max);

/* Writer. A key or value that the reader would refuse sets b->error = -EINVAL. */
void plan_write_start(struct strbuf *b);
void plan_write_section(struct strbuf *b, const char *name);
void plan_write(struct strbuf *b, const char *key, const char *value);
void plan_writef(struct strbuf *b, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
