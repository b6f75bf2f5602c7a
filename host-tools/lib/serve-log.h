/* The log files of the installations (installs/ID/log), written by a thread of their own: making
 * thousands of them takes a while, and no acknowledgement waits for that. */
#ifndef LUCIE_SERVE_LOG_H
#define LUCIE_SERVE_LOG_H

#include "init/lib/str.h"

struct serve_log;

/* state_dir stays the caller's. Logs; -errno. */
int serve_log_start(struct serve_log **out, const char *state_dir);
/* Appends the text to the log of the installation; takes it from the caller, who has an empty one
 * then. Any thread. What there is no room for is counted and said: the database has it all the
 * same. */
void serve_log_put(struct serve_log *l, const char *install, struct strbuf *text);
/* Writes what is left. */
void serve_log_stop(struct serve_log *l);

#endif
