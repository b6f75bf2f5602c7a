/* Looks at what is in a system of files, as its listing would have it (listing.h). Follows no link,
 * and opens nothing but regular files. */
#ifndef LUCIE_CENSUS_H
#define LUCIE_CENSUS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "init/lib/path-text.h"
#include "init/lib/plan-format.h"
#include "modules/lib/listing.h"

struct module_context;

/* What a module knows of itself, for those who look at systems in its name. */
struct census_job {
	const struct plan *plan;
	const struct plan_section *section;
	const char *target;
	struct module_context *ctx;
	void (*progress)(struct module_context *ctx, uint64_t done, uint64_t total,
			 const char *what); /* module_progress() */
};
/* The job of the module whose context this is. */
#define CENSUS_JOB(module)                                                                         \
	(&(const struct census_job){.plan = (module)->plan,                                        \
				    .section = (module)->section,                                  \
				    .target = (module)->target,                                    \
				    .ctx = (module),                                               \
				    .progress = module_progress})

/* One place below the directory root, all but the content of a file. e->path is path. *fd, where it
 * is wanted, is an O_PATH descriptor of it, the caller's to close. -ENOENT, -ELOOP (a link is in the
 * way), -errno; logs nothing. */
int census_look(int root, const char *path, struct listing_entry *e, int *fd);

/* The directory that census_open() looked into last: a listing goes by directories, and walking a
 * whole path for each entry would cost more than looking at it. {.fd = -1} at first, and closed at
 * the end by who has it. */
struct census_dir {
	int fd;
	char path[PATH_INNER_MAX];
};
/* As census_look(), quicker, of regular files and directories: a descriptor that can be read, the
 * caller's to close. -1: it is neither, or something is wrong; census_look() says what. */
int census_open(struct census_dir *d, int root, const char *path, struct listing_entry *e);

#define CENSUS_BUFFER ((size_t)128 << 10)
/* The content of the regular file of about that size at the descriptor, through a buffer of CENSUS_BUFFER bytes; adds
 * to *bytes as it reads. -ECANCELED, -errno; logs nothing. */
int census_hash(int fd, off_t size, void *buffer, _Atomic uint64_t *bytes,
		uint8_t hash[LISTING_HASH]);

/* What lives by itself and is nobody's to compare: /proc and its like, logs, caches, the first
 * boot's own marks; what the section's `ignore` names; the data sets of the plan. */
bool census_ignores(const struct census_job *job, const char *path);

/* Calls fn for everything below the directory root, a directory before its entries, but for what is
 * ignored. With `since` only for directories, and for what lies in those that were changed since
 * then: where something was made, replaced or removed. Stops at a result that is not 0 and returns
 * it. -errno. */
typedef int census_fn(const char *path, const struct stat *st, void *arg);
struct census_walk {
	const struct census_job *job;
	int root;
	const struct timespec *since; /* NULL: all */
	census_fn *fn;
	void *arg;
};
int census_walk(const struct census_walk *w);
bool census_is_since(const struct timespec *t, const struct timespec *since);

#endif
