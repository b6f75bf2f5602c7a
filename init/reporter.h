/* What the server hears of an installation: events (init/lib/event.h) in order, each until it is
 * acknowledged.
 *
 * PID 1 keeps the queue; a child carries one batch at a time to the server and tries until it is
 * taken, so that a server that is slow, away or hostile holds nothing up but the queue. When too
 * much waits, progress and log lines are left out, never the others.
 */
#ifndef LUCIE_REPORTER_H
#define LUCIE_REPORTER_H

#include <stdbool.h>
#include <stdint.h>

#include "init/lib/event.h"

/* Without a server in the plan (lucie.plan=FILE) nothing is reported. The plan must stay. */
void reporter_start(const struct plan *plan);

/* Queues an event; the kind's fields of e are used, the common ones filled in. */
void report(const struct event *e);
void report_log(const char *module, const char *level, const char *message);

/* To be called now and then: starts the next batch. */
void reporter_run(void);
/* Waits until everything is acknowledged, at most so long, and says so on the console. */
bool reporter_flush(unsigned int seconds);

#endif
