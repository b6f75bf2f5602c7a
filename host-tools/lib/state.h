/* What changes while the server runs: SQLite (WAL) in STATE/state.db. Used by `serve` and by the
 * commands, at the same time. Every call is one transaction, which outlives a power cut once
 * the call returns. 0 or -errno; logs what went wrong with the database. */
#ifndef LUCIE_STATE_H
#define LUCIE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/lib/event.h"

struct state;

int state_open(struct state **out, const char *state_dir);
/* For those who only look: nothing is written, and the database has to be there. */
int state_open_readonly(struct state **out, const char *state_dir);
void state_close(struct state *s);

/* What the calling thread does in between becomes one transaction, which fails as a whole: so many
 * events share the cost of a commit. Other threads wait. */
int state_begin(struct state *s);
int state_end(struct state *s);

#define STATE_ATTEMPTS	 3 /* plans for one arming, unless it says otherwise */
#define STATE_BREAKS_MAX 256

struct state_node {
	char name[64];
	char armed[64];		   /* variant to install at the next boot; "" : local boot */
	bool wipe;		   /* one-shot, consumed by the first plan that carries it */
	char install[PLAN_ID_MAX]; /* the last or running installation; "" */
	char status[16];	   /* "", "running", "installed", "wiped", "failed" */
	char module[EVENT_MODULE_MAX];
	uint64_t bytes, total;
	char message[EVENT_MESSAGE_MAX];
	int64_t last_seen;	       /* seconds since 1970; 0: never */
	unsigned int attempts;	       /* plans given out since it was armed */
	unsigned int attempts_max;     /* of this arming; then it is given up */
	char breaks[STATE_BREAKS_MAX]; /* modules before which it shall hold, with commas; "" */
	char held[EVENT_MODULE_MAX];   /* the module before which it holds now; "" : it does not */
	bool go;		       /* it may go on, and does not know yet */
};

/* Whether its last installation came to a good end, whatever its variant was for. */
bool state_ended_well(const struct state_node *n);

/* How a node is to be installed at its next boot. */
struct state_arming {
	const char *variant;
	bool wipe;
	unsigned int attempts_max; /* 0: STATE_ATTEMPTS */
	const char *breaks;	   /* NULL: none */
	bool may_erase; /* somebody has named the node once more, for an installer that erases it */
};

int state_arm_as(struct state *s, const char *node, const struct state_arming *arming);
int state_arm(struct state *s, const char *node, const char *variant, bool wipe);
/* An installation that was not heard of for STATE_SILENT_SECONDS has failed then; one that is goes
 * on. */
#define STATE_SILENT_SECONDS 60
int state_disarm(struct state *s, const char *node);
/* Nodes that were armed or disarmed, and whose boot file need not say so: whoever did it is about to
 * write it, or was ended before. row() must not call the state. */
int state_stale(struct state *s, void (*row)(const char *node, void *arg), void *arg);
/* The node's boot file says `armed`. Nothing is done where the state says something else by now. */
int state_fresh(struct state *s, const char *node, const char *armed);
/* -ENOENT where nothing is known of the node (n is then zero but for its name). */
int state_node(struct state *s, const char *node, struct state_node *n);
/* Calls row() for every node of which something is known, all in one query. row() must not call the
 * state. */
int state_nodes(struct state *s, void (*row)(const struct state_node *n, void *arg), void *arg);

/* A plan that was made for the node as it was seen is about to be given out: makes the installation,
 * counts the attempt, consumes wipe. -EAGAIN, and nothing done, where somebody armed or disarmed it
 * since. */
int state_install_begin(struct state *s, const struct state_node *seen, const char *install,
			const char *mac, const uint8_t token_hash[32]);
/* Disarms a node that has had its attempts; an installation of it that has not reported has failed
 * then, for the reason of the message. -EAGAIN, and nothing done, where somebody armed or disarmed
 * it since. */
int state_give_up(struct state *s, const char *node, const char *message);
/* Lets a node that holds go on. -ENOENT: it does not hold. */
int state_continue(struct state *s, const char *node);
/* An installation that holds asks whether it may go on; its node counts as heard of. */
int state_may_go(struct state *s, const char *install, const char *module, bool *go);
/* The public key that the ssh server of an installation has said ("ssh-ed25519 AAAA..."); ""
 * before it did. -ENOENT. */
int state_host_key(struct state *s, const char *install, char *key, size_t len);
struct state_sender {
	char node[64];
	uint64_t ack;	 /* its newest event */
	bool superseded; /* another boot has got the node's plan since */
};

/* Whose an installation is, and its token hash, which is the key of its codes (request-code.h).
 * -ENOENT. */
int state_install_find(struct state *s, const char *install, struct state_sender *sender,
		       uint8_t token_hash[32]);

/* A request of an installation that is no event, with the node's clock in it: counts once. -ESTALE: it
 * is not later than all that were, so that it is a replay (or the installation is unknown). */
int state_install_asks(struct state *s, const char *install, uint64_t t);

struct state_install {
	char id[PLAN_ID_MAX], node[64], variant[64], mac[MAC_TEXT];
	int64_t begun, ended; /* seconds since 1970; ended 0: no report, and not given up */
	bool ok;	      /* the report was good */
	bool latest;	      /* no later one of its node has begun */
	char module[EVENT_MODULE_MAX], message[EVENT_MESSAGE_MAX]; /* of the report */
};

/* -ENOENT (i is then zero). */
int state_install(struct state *s, const char *install, struct state_install *i);
/* Calls row() for every installation, the oldest first. row() must not call the state. */
int state_installs(struct state *s, void (*row)(const struct state_install *i, void *arg),
		   void *arg);
/* The last `max`, of one node or (NULL) of all, the newest first. */
int state_installs_last(struct state *s, const char *node, unsigned int max,
			void (*row)(const struct state_install *i, void *arg), void *arg);

/* How many installations have ended how since the state began, also those that are forgotten: none of
 * these numbers falls, but where one that was given up reports after all. seconds: from plan to
 * report, of the good ones. */
struct state_totals {
	uint64_t installed, failed, superseded, seconds;
};
int state_totals(struct state *s, struct state_totals *t);

/* Removes all but the last `keep` installations of each node, with their events and their folders in
 * state_dir; never the one that a node's state is about. *forgotten: how many. */
int state_forget(struct state *s, const char *state_dir, unsigned int keep, size_t *forgotten);

/* Applies an event once: 1. seq must be ack + 1; smaller ones are repeats (0, nothing done), larger
 * ones -ERANGE. A good report sets the node to installed and disarms it, unless it was armed anew
 * meanwhile; a bad one sets it to failed. Of an installation that a later one superseded the events
 * are kept, but say nothing about the node. -ENOENT: no such installation. */
int state_event(struct state *s, const struct event *e);

/* Calls row() for every kept event (not progress, and of very many not all) of an installation in
 * order, or with install NULL for the ends of the modules of every installation. row() must not
 * call the state. */
int state_events(struct state *s, const char *install,
		 void (*row)(const struct event *e, int64_t at, void *arg), void *arg);

#define STATE_MODULE_EVENTS_MAX 200
/* Only the starts and the ends of its modules, and not more of them. */
int state_module_events(struct state *s, const char *install,
			void (*row)(const struct event *e, int64_t at, void *arg), void *arg);

/* --- machines (state-machines.c): what each one that has asked for a plan is made of --- */

/* Kept ones that no host of the definition is: in all, and of one address that asks for them. */
#define STATE_MACHINES_MAX	    500
#define STATE_MACHINES_PER_PEER_MAX 32

struct state_machine {
	char mac[MAC_TEXT];
	char node[64];	       /* "": no host of the definition, waiting to be named */
	int64_t first, seen;   /* seconds since 1970 */
	const char *inventory; /* JSON object of clean text (inventory.h); while row() runs */
};

/* Keeps what a machine says of itself, from the address `peer`; 1 where it was not known before. Where
 * there are too many unknown ones, it takes the place of one of the address that has most of them, or
 * of one that has not been seen for a while; -ENOSPC where there is none (logs nothing then). */
int state_machine_seen(struct state *s, const char *mac, const char *node, const char *inventory,
		       const char *peer);
/* Calls row() for every machine in order of appearance; of one node only, where node is not NULL
 * ("" for the unknown ones). row() must not call the state. */
int state_machines(struct state *s, const char *node,
		   void (*row)(const struct state_machine *m, void *arg), void *arg);
/* An unknown machine; with mac NULL all of them. Known ones stay. */
int state_machine_forget(struct state *s, const char *mac);

/* --- identities and new mainboards (state-identity.c) --- */

/* The ssh host keys of a node (modules/lib/identity.h), sealed to the signer: base64. *sealed is
 * malloc'ed. -ENOENT. */
int state_identity(struct state *s, const char *node, char **sealed);
int state_identity_keep(struct state *s, const char *node, const char *sealed);
int state_identity_forget(struct state *s, const char *node);

/* Network cards that hold in place of those that the definition gives (lucie replace), until it
 * says something else than it did then. */
struct state_replacement {
	const char *node, *old, *mac; /* lists as in the definition; while row() runs */
	int64_t at;
};
int state_replace(struct state *s, const char *node, const char *old, const char *mac);
int state_replace_drop(struct state *s, const char *node);
/* By name of the node. row() must not call the state. */
int state_replacements(struct state *s, void (*row)(const struct state_replacement *r, void *arg),
		       void *arg);

#endif
