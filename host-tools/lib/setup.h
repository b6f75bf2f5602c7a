/* What `lucie setup` does, step by step; also a way for other verbs to make a state directory of
 * their own. */
#ifndef LUCIE_SETUP_H
#define LUCIE_SETUP_H

#include <sys/types.h>

#include "host-tools/lib/cluster.h"
#include "host-tools/lib/generation.h"
#include "host-tools/lib/server-user.h"
#include "host-tools/lib/setup-report.h"
#include "host-tools/lib/state.h"
#include "init/lib/seal.h"

#define OBEYED "key"

struct setup_options {
	const char *conf;	/* NULL: the default place */
	const char *state_dir;	/* made if it is not there */
	const char *images_dir; /* NULL: of the installation */
};

/* Says on stdout what it changed, on stderr what is wrong. 0, or -errno when something could not be
 * done. */
int setup_run(const struct setup_options *o);
/* The folder with one for each board: the wanted one, or where this program's own images are. To be
 * freed. */
char *setup_images(const char *wanted);

/* --- the keys, made where there are none --- */

/* Whoever has the site's secret key can install anything on the nodes: nothing but the signer reads
 * it. Logs; -errno. */
int setup_key(const char *state_dir, uint8_t public_key[SITE_PUBLIC_LEN]);
int setup_ring_key(const char *state_dir);

/* --- for setup*.c --- */

struct setup {
	struct cluster *c;
	char *dir;	    /* absolute state directory */
	const char *images; /* may be NULL: not found */
	uint8_t public_key[SITE_PUBLIC_LEN];
	struct state *state;
	struct server_user user; /* of a server that has worked here */
	struct generation g;
	struct report report;
};

/* result of generation_update() or the like: notes what changed, logs a failure. path is below the
 * generation. Returns a negative result, else 0. */
int setup_said(struct setup *s, int result, const char *path);
int setup_update(struct setup *s, const char *path, const void *data, size_t len, mode_t mode);

/* setup_update() of a file that root's own programs obey: what they get is a copy below
 * STATE/OBEYED, where the web process cannot write. A name has to be in the list of
 * setup-obeyed.c. */
int setup_obeyed(struct setup *s, const char *name, const void *data, size_t len, mode_t mode);
/* The same with what write() makes of the definition. */
int setup_rendering(struct setup *s, const char *path,
		    int (*write)(struct strbuf *out, const struct cluster *c));
/* With the generation in force: its copies, too. Logs; -errno. */
int setup_obey(const struct setup *s);

int setup_servers(struct setup *s); /* server_address where only a name is given */
int setup_tftp(struct setup *s);
int setup_nfsroot(struct setup *s);
int setup_nfsroot_folders(struct setup *s); /* not of the generation: the last thing before it */
/* What machines boot that have no files of their own; it names the generation, so it differs in each.
 */
int setup_unknown(struct setup *s);
int setup_files(struct setup *s);
int setup_fragments(struct setup *s); /* for the system's own services */
int setup_bases(struct setup *s);
int setup_datasets(struct setup *s);
/* With the definition in force: disarms what is no host any more, and says so. */
int setup_gone(struct setup *s);

#endif
