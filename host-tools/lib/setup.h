/* What `lucie setup` does, step by step; also a way for other verbs to make a state directory of
 * their own. */
#ifndef LUCIE_SETUP_H
#define LUCIE_SETUP_H

#include <sys/types.h>

#include "host-tools/lib/cluster.h"
#include "init/lib/seal.h"

struct setup_options {
	const char *conf;	/* NULL: the default place */
	const char *state_dir;	/* made if it is not there */
	const char *images_dir; /* NULL: of the installation */
};

/* Says on stdout what it changed, on stderr what is wrong. 0, or -errno when something could not be
 * done. */
int setup_run(const struct setup_options *o);

/* --- for setup*.c --- */

struct setup {
	struct cluster *c;
	char *dir;	    /* absolute state directory */
	const char *images; /* may be NULL: not found */
	uint8_t public_key[SITE_PUBLIC_LEN];
	unsigned int changed; /* files */
	bool quiet;	      /* while many are written */
};

/* result of file_update() or the like: counts and says what changed, logs a failure; path is below
 * the state directory. Returns a negative result, else 0. */
int setup_said(struct setup *s, int result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* file_update() of a path below the state directory, with its folder. */
int setup_update(struct setup *s, const char *path, const void *data, size_t len, mode_t mode);

/* Removes a file below the state directory; it need not be there. */
int setup_drop(struct setup *s, const char *path);

int setup_servers(struct setup *s); /* server_address where only a name is given */
int setup_key(struct setup *s);
int setup_tftp(struct setup *s);
int setup_boot_files(struct setup *s);
int setup_files(struct setup *s);
int setup_bases(struct setup *s);
int setup_datasets(struct setup *s);

#endif
