/* What modules there are, as the host sees them: C modules linked into this program, shell modules
 * shipped with it, and those of the site in the folder `modules` beside its cluster.conf. Only
 * descriptors; nothing runs here. */
#ifndef LUCIE_MODULES_H
#define LUCIE_MODULES_H

#include <stdbool.h>
#include <stddef.h>

#include "host-tools/lib/arena.h"
#include "host-tools/lib/map.h"
#include "init/module.h"

struct module_info {
	const char *name, *summary, *after, *needs; /* "" where there is none */
	const struct module *c;			    /* NULL: a shell module */
	const char *path;			    /* of a shell module */
	bool site;				    /* goes into the site archive */
};

/* Owner: whoever declared it, zeroed; released by modules_free(). */
struct modules {
	struct arena arena;
	struct module_info **list; /* by name */
	size_t count;
	struct map by_name;
};

/* One call for each thing that is wrong with a file: line from 1. */
typedef void modules_error_fn(const char *path, unsigned int line, const char *message, void *arg);
/* site_dir may be NULL or missing. Where a file of the site has the name of a shipped shell module,
 * the site's holds. */
void modules_load(struct modules *m, const char *site_dir, modules_error_fn *error, void *arg);
/* Reads those that are shipped, once for this process and those that it forks; modules_load() does so
 * by itself where it may. Not for two threads at a time. False: `error` said why. */
bool modules_read_shipped(modules_error_fn *error, void *arg);
const struct module_info *modules_find(const struct modules *m, const char *name);
void modules_free(struct modules *m);

/* The folder lib/lucie of the installation that this program belongs to ("PREFIX/lib/lucie"); in a
 * build tree out/host/lib/lucie. */
const char *installation_dir(void);

#endif
