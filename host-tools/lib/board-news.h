/* What of a board is new since when, as JSON for a browser (docs/serving.md, "The board"). Each change
 * of a node is of a version, and so is each node's progress apart: what leads from any earlier version
 * to the newest can be written at any time. Single-threaded. */
#ifndef LUCIE_BOARD_NEWS_H
#define LUCIE_BOARD_NEWS_H

#include <jansson.h>
#include <stdint.h>

#include "host-tools/lib/board.h"

struct news_row;

struct board_news {
	const char *site;
	uint64_t version,
		first;	       /* the newest; that in which the list of nodes became another one */
	size_t waiting;	       /* machines without a name */
	struct news_row *rows; /* of each row of the board */
};

/* The board has another list of nodes; group() says of a node where it belongs, "" is nowhere. */
void news_begin(struct board_news *n, const struct board *b,
		void (*group)(const char *node, char *buf, size_t len, void *arg), void *arg);
void news_free(struct board_news *n);
/* The board was read: what is other than it was is of a new version. */
void news_take(struct board_news *n, const struct board *b, size_t waiting);
/* Everything, or what is new since a version; *whole: which of them it is. A failure is in out->error. */
void news_write(const struct board_news *n, const struct board *b, uint64_t from,
		struct strbuf *out, bool *whole);
/* A row as news_write() says it, which may be a copy. NULL: no memory. */
json_t *news_row_json(const struct board_news *n, const struct board *b,
		      const struct board_row *row);

#endif
