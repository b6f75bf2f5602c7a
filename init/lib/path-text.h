/* Paths in lines of text: every byte up to a blank, DEL and '\' is written as '\' and three octal
 * digits, so that a path is one word of a line, and has one form. Pure. */
#ifndef LUCIE_PATH_TEXT_H
#define LUCIE_PATH_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "init/lib/str.h"

#define PATH_INNER_MAX	 4096
#define PATH_INNER_DEPTH 128

void path_text_add(struct strbuf *b, const char *path);
/* Undoes it in place; false where it is not what path_text_add() writes. */
bool path_text_undo(char *s);
/* Relative, and no part of it is empty, "." or "..": it stays within the directory that it is
 * opened in, but for links. */
bool path_is_inner(const char *path);

/* "./usr//bin/x/" -> "usr/bin/x", in place; the root itself is ".", so there has to be room for
 * that. */
void path_tidy(char *path);

/* The next word of a line up to one blank, cut off in place; "" at the end. */
char *path_text_field(char **rest);
/* One to four octal digits. */
bool path_text_mode(const char *s, uint32_t *mode);

#endif
