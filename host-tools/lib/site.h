/* A state directory opened by a verb: the compiled definition and the state, side by side. */
#ifndef LUCIE_SITE_H
#define LUCIE_SITE_H

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/state.h"

struct site {
	const char *state_dir;
	struct cluster *cluster;
	struct state *state;
};

/* Reads the definition in force, which `lucie setup` wrote: the copy in STATE/key, as root runs and
 * reads what it names. Logs; -errno. */
int definition_read(struct cluster **out, const char *state_dir);
/* That of the generation, which the web process can read, and which root does not obey. */
int definition_read_served(struct cluster **out, const char *state_dir);

/* Makes the boot files of a host say what the state says, also when another process changes the
 * state at the same time. dir: the state directory, or a generation. Logs; -errno. */
int boot_file_follow(const char *dir, const struct cluster *c, struct state *state,
		     const struct cluster_object *host);
/* The same for all hosts at once; files of cards that the definition does not have are removed. What
 * fails for one is said and keeps no other one from its own; the first error is returned, or one of
 * the disk. */
int boot_files_follow(const char *dir, const struct cluster *c, struct state *state);
/* The same for those whose boot file was left behind (state_stale), when who armed or disarmed them
 * was ended. */
int boot_files_mend(const char *dir, const struct cluster *c, struct state *state);
/* Whether such an error is of the disk, not of one node. */
bool boot_files_disk_failed(int ret);

int site_open(struct site *site, const char *state_dir);
void site_close(struct site *site);

/* The hosts that the words of a command line name ("cnode[00-03]", "a,b"); with no words, all of
 * them. Logs; -errno. Release with cluster_names_free(). */
int site_hosts(const struct site *site, int count, char **words, char ***names, size_t *name_count);

#endif
