/* Splits a stream of bytes into bounded lines, for pipes whose writers are not trusted to end a
 * line or to keep it short. */
#ifndef LUCIE_LINES_H
#define LUCIE_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define LINES_MAX                                                                                  \
	2048 /* bytes with the NUL; what is longer is cut, the rest of the line dropped            \
	      */

/* Zero-initialised; no resources. */
struct lines {
	char text[LINES_MAX];
	size_t len;
	bool dropping; /* the rest of a line that was cut */
};

typedef void lines_fn(char *line, void *arg);

/* Calls line() for each line without its '\n'; '\r' ends one too (progress meters), empty ones are
 * left out. */
void lines_add(struct lines *l, const char *data, size_t len, lines_fn *line, void *arg);
/* The end of the stream: what is left is a line. */
void lines_end(struct lines *l, lines_fn *line, void *arg);

#endif
