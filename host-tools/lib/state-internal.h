/* What the two halves of the state share: statements and transactions of its database. Not for
 * others. All return 0 or -errno and log what went wrong. */
#ifndef LUCIE_STATE_INTERNAL_H
#define LUCIE_STATE_INTERNAL_H

#include "host-tools/lib/state.h"

#include <pthread.h>
#include <sqlite3.h>

struct state {
	sqlite3 *db;
	pthread_mutex_t lock; /* held for a whole transaction */
};

/* A statement without result rows. types: one letter for each argument: s text, i int64_t, h 32
 * bytes. */
int db_run(struct state *s, const char *sql, const char *types, ...);
/* The first row of a query: 0 with *out for the caller to finalize, -ENOENT where there is none. */
int db_row(struct state *s, sqlite3_stmt **out, const char *sql, const char *types, ...);
/* Calls take() for the row that stmt has (db_row) and for all after it; finalizes stmt. */
int rows_each(struct state *s, sqlite3_stmt *stmt, void (*take)(sqlite3_stmt *, void *), void *arg);
/* A text of a row, cut to what fits. */
void column_text(char *dst, size_t size, sqlite3_stmt *stmt, int column);

/* Takes the lock; durable: when the call that ends the transaction returns, it is done, whatever
 * happens to the power. */
int transaction_begin(struct state *s, bool durable);
/* Commits unless ret says that something failed; returns ret, or why it could not be committed. */
int transaction_end(struct state *s, int ret);

#endif
