/* What the program `dolly` shows: a line of progress, the events as text or as JSON, and what is
 * logged. Text goes to the standard error output, JSON to the standard output. */
#ifndef LUCIE_RING_DOLLY_OUTPUT_H
#define LUCIE_RING_DOLLY_OUTPUT_H

#include "init/lib/log.h"
#include "ring/ring.h"

struct dolly_output {
	bool json, quiet, terminal;

	/* its own */
	bool line_open; /* the line of progress has no end yet */
	double last_shown;
	uint64_t last_bytes;
};

/* For ring_send, ring_recv and log_set_sink(); arg: a struct dolly_output. */
void dolly_output_event(const struct ring_event *e, void *arg);
void dolly_output_received(uint64_t done, uint64_t total, void *arg);
void dolly_output_log(enum log_level level, const char *line, void *arg);
/* Before the program ends. */
void dolly_output_end(struct dolly_output *d);

#endif
