/* Generations of a state directory: what one `lucie setup` made, in a folder of its own, and the
 * one rename that puts it in force.
 *
 *	STATE/generations/N/	one generation; its files are links to the last one's where they
 *				are the same
 *	STATE/current		-> generations/N, the one in force
 *	STATE/definition, ...	-> current/definition, ...: names that stay
 *
 * Whatever ends a setup early, the earlier generation stays in force, and the next setup removes
 * what is unfinished.
 */
#ifndef LUCIE_GENERATION_H
#define LUCIE_GENERATION_H

#include <sys/types.h>

#include "host-tools/lib/arena.h"
#include "host-tools/lib/map.h"
#include "init/lib/str.h"

#define GENERATIONS "generations"

/* Owner: whoever declared it; released by generation_end(). One process at a time has one of a
 * state directory. Paths below are relative to it. */
struct generation {
	const char *state_dir;
	unsigned int number;
	char *dir;	/* absolute if state_dir is */
	char *previous; /* the one in force; NULL: none */
	struct map files;
	struct strbuf contents; /* their names, a line each */
	struct arena arena;
};

/* 0: there is none, or STATE is not a state directory with generations. */
unsigned int generation_current(const char *state_dir);

/* Removes what an earlier setup left unfinished and makes the folder. Logs; -errno. */
int generation_begin(struct generation *g, const char *state_dir);
/* Removes the folder unless it was put in force, and releases the memory. */
void generation_end(struct generation *g);

/* 1: written, 0: as it was in the previous one; -errno (not logged). */
int generation_update(struct generation *g, const char *path, const void *data, size_t len,
		      mode_t mode);
int generation_copy(struct generation *g, const char *path, const char *from, mode_t mode);
/* For a file that is then made otherwise: its folder, and the file as it was in the previous one,
 * if it was in it. */
int generation_carry(struct generation *g, const char *path);

/* Calls removed() for each file that the previous one had. -errno. */
int generation_removed(const struct generation *g, void (*removed)(const char *path, void *arg),
		       void *arg);
/* Syncs it and puts it in force. Logs; -errno: the previous one still is. */
int generation_commit(struct generation *g);
/* Removes old ones: all but the last few, and those that were in force since `since` (seconds since
 * 1970). Logs. */
int generation_prune(const struct generation *g, int64_t since);

#endif
