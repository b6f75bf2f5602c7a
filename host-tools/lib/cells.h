/* Texts, times and sizes as cells of a table on a terminal. What comes from nodes is hostile:
 * whatever is in it, a cell keeps its width and no terminal obeys it. Pure; widths are those of the
 * locale that LC_CTYPE says. */
#ifndef LUCIE_CELLS_H
#define LUCIE_CELLS_H

#include <stdint.h>

#include "init/lib/str.h"

#define CELL_TEXT 32 /* bytes for any of the short texts below, with the NUL */

/* Appends text in at most `columns` columns and returns how many those are. A character that is not
 * printable, or combines with others, becomes '?'; a text that is cut ends in '~'. */
size_t cell_add(struct strbuf *out, const char *text, size_t columns);
/* The same, filled up with blanks to all of the columns. */
void cell_pad(struct strbuf *out, const char *text, size_t columns);

/* The same, and the blanks before the next column of a table. */
void cell_column(struct strbuf *out, const char *text, size_t columns);
/* Prints a line of cells without the blanks at its end, and empties it. */
void cell_print(struct strbuf *line);

/* "42s", "12m05s", "3h07m", "12d": at most 6 columns up to 270 years. Negative is "0s". */
const char *cell_duration(int64_t seconds, char buf[CELL_TEXT]);
/* Bytes in 5 columns: "999", "1.1G", "1023M". */
const char *cell_size(uint64_t bytes, char buf[CELL_TEXT]);
/* Seconds since 1970 as "2026-11-22 21:45:30" of here; "-" for 0. */
#define CELL_TIME 32
const char *cell_time(int64_t at, char buf[CELL_TIME]);

#endif
