/* The live board: what each node of a list does, from the state database, and how fast it gets on.
 * The state has the last position of a node only; the board, which reads it again and again,
 * remembers some earlier ones and so knows rates. `lucie status` reads once, `lucie watch` twice a
 * second. Single-threaded. */
#ifndef LUCIE_BOARD_H
#define LUCIE_BOARD_H

#include <sys/types.h>
#include <time.h>

#include "host-tools/lib/map.h"
#include "host-tools/lib/state.h"

#define BOARD_SAMPLES 8

/* In the order in which they are shown. */
enum board_group {
	BOARD_FAILED,
	BOARD_HELD, /* before a module, until somebody lets it go on */
	BOARD_RUNNING,
	BOARD_ARMED, /* waits for its next boot */
	BOARD_INSTALLED,
	BOARD_UNKNOWN, /* nothing is known of it */
	BOARD_GROUPS
};

struct board_row {
	struct state_node node;
	size_t place; /* in the list of nodes */
	enum board_group group;
	int64_t silent; /* seconds since it was heard of; -1: never */
	/* Of the running module, the oldest first. */
	struct board_sample {
		int64_t at; /* now_ms() */
		uint64_t bytes;
	} samples[BOARD_SAMPLES];
	size_t sample_count;
	uint64_t said; /* the owner's: a hash of what it said of the node; 0 at first */
};

struct board {
	struct board_row *rows; /* in the order of the list of nodes */
	struct board_row **order;
	size_t count;
	size_t groups[BOARD_GROUPS]; /* how many nodes each has */
	size_t name_width;	     /* columns of the longest name */
	int64_t now, now_ms;	     /* when it was read: seconds since 1970; now_ms() */
	struct map by_name;
	/* What board_open() was told, the caller's, and the definition that it read. */
	const char *state_dir;
	char **words;
	int word_count;
	struct timespec definition_time;
	ino_t definition_inode;
};

void board_init(struct board *b, char *const *names, size_t count);
/* Of the nodes that the words of a command line name (site_hosts), and the state to read,
 * read-only, the caller's to close. Logs; -errno. */
int board_open(struct board *b, struct state **state, const char *state_dir, int count,
	       char **words);
/* Where `lucie setup` has changed the definition since, the list of nodes follows it; what is known
 * of nodes that stay is kept. 0 or -errno (logged; the list is as it was). */
int board_follow(struct board *b);
void board_free(struct board *b);

/* Reads the state; then order and groups are right. 0 or -errno (logged; the board is as it was).
 */
int board_read(struct board *b, struct state *s, int64_t now, int64_t now_ms);
/* The same without a database, for tests: take each node, then arrange. */
void board_begin(struct board *b, int64_t now, int64_t now_ms);
void board_take(struct board *b, const struct state_node *n);
void board_arrange(struct board *b);
/* One row alone, which may be a copy. */
void board_row_take(const struct board *b, struct board_row *row, const struct state_node *n);

const char *board_group_name(enum board_group group);
/* The same of a node; what has a state of its own, as "wiped", is called so. */
const char *board_state_name(const struct board_row *row);
/* Bytes a second of the running module, over about the last ten seconds; 0: none, or not known. */
uint64_t board_rate(const struct board *b, const struct board_row *row);
/* Seconds until the running module ends at this rate; -1: not known. */
int64_t board_eta(const struct board *b, const struct board_row *row);

/* Lines without '\n', at most `columns` wide; colours are ANSI sequences. */
void board_counts(const struct board *b, struct strbuf *out, size_t columns);
void board_titles(const struct board *b, struct strbuf *out, size_t columns);
void board_line(const struct board *b, const struct board_row *row, struct strbuf *out,
		size_t columns, bool colours);
/* What there is to say about a node apart from its numbers: the cause, what it does, what it waits
 * for. Not made printable. */
void board_words(const struct board_row *row, char *buf, size_t len);

#endif
