/* Makes the text of a host's plan from the compiled definition and the state directory
 * (docs/plan-format.md). */
#ifndef LUCIE_PLAN_MAKE_H
#define LUCIE_PLAN_MAKE_H

#include "host-tools/lib/cluster.h"
#include "init/lib/str.h"

struct plan_order {
	const char *state_dir; /* NULL: placeholders for the blobs */
	const char *host;      /* name */
	const char *variant;   /* an installer's name; NULL: the host's own */
	const char *mac;       /* NULL: the host's first */
	const char *install;   /* id */
	const char *resume;    /* the one that a power cut ended just before; NULL: none */
	const char *alarm; /* why this boot may not be the node; NULL: nothing speaks for that */
	const char *nonce, *token, *site; /* hex */
	const char *const *servers;	  /* base URLs; NULL-terminated */
	const char *breaks;		  /* modules to hold before, with commas; NULL: none */
	bool no_mirrors;		  /* the servers alone have the blobs */
	const char *identity_key;	  /* hex: what the node seals its identity to; NULL */
	const char *identity; /* base64, sealed to the boot that asked; NULL: none is known */
	bool wipe;
	bool no_hosts; /* leave out the `host` lines, where 10,000 plans are only checked */
};

/* -EINVAL, -ENOENT (a base or file blob is missing) with why (>= 256 bytes). */
int plan_make(struct strbuf *out, const struct cluster *c, const struct plan_order *order,
	      char *why, size_t why_len);

#endif
