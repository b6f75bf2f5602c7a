/* Nodes without machines: what the parts of sim-nodes share. */
#ifndef LUCIE_SIM_H
#define LUCIE_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/lib/plan-format.h"
#include "init/lib/seal.h"
#include "init/lib/str.h"

struct sim_options {
	const char *server; /* http://ADDRESS:PORT */
	const char *mac;    /* of the only node, or of the first one */
	uint8_t site_public[SITE_PUBLIC_LEN];
	/* one node */
	const char *nonce, *fail;
	bool repeat, plan_only, no_blobs;
	/* many nodes */
	unsigned int nodes, seconds, at_once;
	const char *ledger;
};

/* Both: the exit code. */
int sim_one(const struct sim_options *options);
int sim_many(const struct sim_options *options);

void sim_nonce(char nonce[2 * NONCE_LEN + 1]);
/* The body of POST /v1/plan. */
void sim_plan_request(struct strbuf *out, const char *mac, const char *nonce,
		      const struct box_keys *keys);
/* Opens, verifies and reads a sealed plan, as PID 1 does; its text goes to text. Logs. */
int sim_plan_take(struct plan *plan, struct strbuf *text, const void *sealed, size_t len,
		  const struct box_keys *keys, const char *nonce,
		  const uint8_t site_public[SITE_PUBLIC_LEN]);

#endif
