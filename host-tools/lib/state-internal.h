/* What the two halves of the state share: statements and transactions of its database. Not for
 * others. All return 0 or -errno and log what went wrong. */
#ifndef LUCIE_STATE_INTERNAL_H
#define LUCIE_STATE_INTERNAL_H

#include "host-tools/lib/state.h"

#include <pthread.h>
#include <sqlite3.h>

#define STATEMENTS_MAX 32

struct state {
	sqlite3 *db;
	pthread_mutex_t lock; /* recursive; held for a whole transaction; of all below */
	unsigned int depth;   /* of transactions: those within another one are part of it */
	int failed;	      /* why the outermost one cannot be committed */
	sqlite3_stmt
		*statements[STATEMENTS_MAX]; /* those that nobody uses now; NULL: a free place */
};

/* Of a row of install that has ended, or is none of a node's state. */
#define INSTALL_RESULT                                                                             \
	"CASE WHEN ended=0 THEN 'superseded' WHEN ok THEN 'installed' ELSE 'failed' END"
#define INSTALL_SECONDS "CASE WHEN ok AND ended>begun THEN ended-begun ELSE 0 END"

/* A statement without result rows. types: one letter for each argument: s text, i int64_t, h 32
 * bytes. */
int db_run(struct state *s, const char *sql, const char *types, ...);
/* The first row of a query: 0 with *out for the caller to end with db_done(), -ENOENT where there is
 * none. Under the lock. */
int db_row(struct state *s, sqlite3_stmt **out, const char *sql, const char *types, ...);
/* Keeps the statement for the next one with this text. */
void db_done(struct state *s, sqlite3_stmt *stmt);
/* Calls take() for the row that stmt has (db_row) and for all after it; ends with stmt. */
int rows_each(struct state *s, sqlite3_stmt *stmt, void (*take)(sqlite3_stmt *, void *), void *arg);
/* A text of a row, cut to what fits. */
void column_text(char *dst, size_t size, sqlite3_stmt *stmt, int column);

/* Takes the lock. Within another transaction it is a part of that one: then the outermost decides,
 * and fails if a part of it did; after that, no other part of it begins. */
int transaction_begin(struct state *s);
/* Commits unless ret says that something failed; returns ret, or why it could not be committed. */
int transaction_end(struct state *s, int ret);

#endif
