/* What the parts of the layout's parser share; nobody else includes this. */
#ifndef LUCIE_LAYOUT_PARSE_H
#define LUCIE_LAYOUT_PARSE_H

#include "modules/lib/layout.h"

#define LAYOUT_LINE_MAX	 1024
#define LAYOUT_SIZE_MAX	 ((uint64_t)1 << 60) /* bytes; keeps every sum and product in range */
#define LAYOUT_OPTION_IS "label= mount= features= reserved="

struct layout_parser {
	struct layout *l;
	layout_error_fn *error;
	void *arg;
	unsigned int line;
	bool failed;
};

__attribute__((format(printf, 2, 3))) void layout_fail(struct layout_parser *p, const char *fmt,
						       ...);
/* Copies a word that must fit and must not be empty. */
bool layout_take(struct layout_parser *p, char *to, size_t len, const char *word, const char *what);

/* The words of a line. */
void layout_word_size(struct layout_parser *p, struct layout_part *part, char *word);
void layout_word_fs(struct layout_parser *p, struct layout_part *part, const char *fs,
		    const char *mount);
void layout_word_options(struct layout_parser *p, struct layout_part *part, char *rest);
bool layout_word_bytes(const char *text, uint64_t *out);
bool layout_word_only(const char *s, const char *also);

/* Appends the part, once it is complete. */
void layout_add(struct layout_parser *p, struct layout_part *part);

/* Lines; rest: after the key. */
void layout_line_raid(struct layout_parser *p, char *rest);
void layout_line_luks(struct layout_parser *p, char *rest);
void layout_line_vg(struct layout_parser *p, char *rest);
void layout_line_lv(struct layout_parser *p, char *rest);
void layout_line_filesystem(struct layout_parser *p, char *rest);

/* What only the whole layout shows. */
void layout_check(struct layout_parser *p);

#endif
