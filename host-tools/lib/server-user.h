/* The user that the processes of `lucie serve` that face the network run as, where root starts it:
 * it owns what they write (state.db, installs/, the folders of boot files), may read what they read,
 * and owns nothing else. The owner of STATE/installs says to everybody else who it is.
 */
#ifndef LUCIE_SERVER_USER_H
#define LUCIE_SERVER_USER_H

#include <stdbool.h>
#include <sys/types.h>

#define SERVER_USER "lucie"

struct server_user {
	bool own; /* false: these processes stay what they are, there is no such user */
	uid_t uid;
	gid_t gid;
};

/* Who it is from now on: `name` (a user, or a number), or with NULL the user SERVER_USER, else the one
 * that the state directory was given to, else a number that nobody has. One that cannot enter the
 * state directory is an error if it was named; else it is said, and there is none. Logs; -errno. */
int server_user_find(struct server_user *u, const char *state_dir, const char *name);
/* The one that the state directory was given to. */
void server_user_of(struct server_user *u, const char *state_dir);

/* Mends owners and modes in the state directory, whoever wrote in it before; in a generation; of one
 * file below the state directory that the user reads and nobody else may. Of a user that is not `own`
 * nothing is changed. Logs; -errno. */
int server_user_give(const struct server_user *u, const char *state_dir);
int server_user_give_generation(const struct server_user *u, const char *dir);
int server_user_share(const struct server_user *u, const char *dir, const char *name);

/* Becomes it, for good, without its other groups; what capabilities there are can be kept.
 * Single-threaded. -errno. */
int server_user_become(const struct server_user *u, bool keep_capabilities);

/* In a user namespace with one user (a rootless test) there is nobody to become. */
bool only_root_is_mapped(void);

#endif
