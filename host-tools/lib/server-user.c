/* Finding it, giving to it, becoming it; see server-user.h. */
#include "host-tools/lib/server-user.h"

#include <errno.h>
#include <fts.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/str.h"

/* Numbers that neither distributions nor systemd give to anybody (systemd's UIDS-GIDS). */
#define FREE_FIRST 60578
#define FREE_LAST  60705

/* --- who --- */

bool only_root_is_mapped(void)
{
	_cleanup_free_ char *map = NULL;
	char *rest, *word;
	uint64_t count = 0;

	if (file_read("/proc/self/uid_map", 4096, &map, NULL))
		return false;
	rest = map;
	for (int i = 0; i < 3 && (word = str_word(&rest)); i++)
		if (str_to_u64(word, &count))
			return false;
	return count == 1;
}

static bool by_name(struct server_user *u, const char *name)
{
	const struct passwd *p = getpwnam(name);
	uint64_t number;

	if (p)
		*u = (struct server_user){p->pw_uid != 0, p->pw_uid, p->pw_gid};
	else if (!str_to_u64(name, &number) && number && number < UINT32_MAX)
		*u = (struct server_user){true, (uid_t)number, (gid_t)number};
	return u->own || p;
}

void server_user_of(struct server_user *u, const char *state_dir)
{
	char path[PATH_MAX];
	struct stat st;

	*u = (struct server_user){0};
	snprintf(path, sizeof(path), "%s/installs", state_dir);
	if (!geteuid() && !stat(path, &st) && st.st_uid)
		*u = (struct server_user){true, st.st_uid, st.st_gid};
}

static void by_free_number(struct server_user *u)
{
	uid_t id = FREE_FIRST;

	while (id <= FREE_LAST && (getpwuid(id) || getgrgid(id)))
		id++;
	*u = (struct server_user){id <= FREE_LAST, id, id};
}

/* Asks the kernel, which knows all modes and lists on the way: in a child, as that user. */
static bool can_enter(const struct server_user *u, const char *dir)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(server_user_become(u, false) || access(dir, R_OK | X_OK) ? 1 : 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

/* Its owner would lose what is given away, and could put links where root gives it. */
static bool is_of_another(const char *state_dir)
{
	struct stat st;

	return !stat(state_dir, &st) && st.st_uid;
}

int server_user_find(struct server_user *u, const char *state_dir, const char *name)
{
	*u = (struct server_user){0};
	if (geteuid() || only_root_is_mapped())
		return name ? log_err(-EPERM, "only root can serve as another user") : 0;
	if (name && !by_name(u, name))
		return log_err(0, "no user '%s'", name);
	if (!name && !by_name(u, SERVER_USER))
		server_user_of(u, state_dir);
	if (!name && !u->own)
		by_free_number(u);
	if (u->own && is_of_another(state_dir)) {
		u->own = false;
		if (name)
			return log_err(-EPERM, "'%s' is not root's, it cannot be served as %s",
				       state_dir, name);
		log_warn("the processes of this server stay root's: '%s' is another user's",
			 state_dir);
	}
	if (!u->own || can_enter(u, state_dir))
		return 0;
	u->own = false;
	if (name)
		return log_err(-EACCES, "'%s' as the user %s", state_dir, name);
	log_warn("the processes of this server stay root's: another user cannot enter '%s'",
		 state_dir);
	return 0;
}

int server_user_become(const struct server_user *u, bool keep_capabilities)
{
	if (!u->own)
		return 0;
	if (prctl(PR_SET_KEEPCAPS, keep_capabilities, 0, 0, 0) || setgroups(0, NULL) ||
	    setresgid(u->gid, u->gid, u->gid) || setresuid(u->uid, u->uid, u->uid))
		return -errno;
	return 0;
}

/* --- what is its --- */

static int give(const struct server_user *u, const char *path, const struct stat *st)
{
	if (st->st_uid == u->uid && st->st_gid == u->gid)
		return 0;
	return lchown(path, u->uid, u->gid) ? log_err(-errno, "cannot give '%s' away", path) : 0;
}

/* A folder after all that is in it: the owner of the uppermost one says that it is done. */
static int give_tree(const struct server_user *u, char *path)
{
	char *paths[] = {path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *f;
	int ret = 0;

	if (!tree)
		return log_err(-errno, "cannot read '%s'", path);
	while (!ret && (f = fts_read(tree)))
		if (f->fts_info == FTS_DP || f->fts_info == FTS_F)
			ret = give(u, f->fts_accpath, f->fts_statp);
	fts_close(tree);
	return ret;
}

/* 0: there; -ENOENT; -errno (logged). */
static int look(char path[PATH_MAX], struct stat *st, const char *dir, const char *name)
{
	if ((size_t)snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return log_err(-ENAMETOOLONG, "'%s'", dir);
	if (!lstat(path, st))
		return 0;
	return errno == ENOENT ? -ENOENT : log_err(-errno, "cannot look at '%s'", path);
}

static int give_named(const struct server_user *u, const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	int ret = look(path, &st, dir, name);

	return ret ? ret == -ENOENT ? 0 : ret : give(u, path, &st);
}

int server_user_share(const struct server_user *u, const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	int ret = u->own ? look(path, &st, dir, name) : -ENOENT;
	mode_t wanted;

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	wanted = (st.st_mode & 07777) | (S_ISDIR(st.st_mode) ? 0050 : 0040);
	if (st.st_gid == u->gid && (st.st_mode & 07777) == wanted)
		return 0;
	if (S_ISLNK(st.st_mode) || lchown(path, (uid_t)-1, u->gid) || chmod(path, wanted))
		return log_err(S_ISLNK(st.st_mode) ? -ELOOP : -errno, "cannot share '%s'", path);
	return 0;
}

int server_user_give_generation(const struct server_user *u, const char *dir)
{
	static const char *const written[] = {"tftp/pxelinux.cfg", "tftp/grub"};
	static const char *const read[] = {"definition", "files"};
	int ret = 0;

	for (size_t i = 0; u->own && !ret && i < ARRAY_SIZE(written); i++)
		ret = give_named(u, dir, written[i]);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(read); i++)
		ret = server_user_share(u, dir, read[i]);
	return ret;
}

static int share_folder(const struct server_user *u, const char *dir, const char *name)
{
	char path[PATH_MAX];
	_cleanup_closedir_ DIR *folder = NULL;
	struct dirent *e;
	int ret = server_user_share(u, dir, name);

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	folder = ret ? NULL : opendir(path);
	while (folder && !ret && (e = readdir(folder)))
		if (e->d_type == DT_REG)
			ret = server_user_share(u, path, e->d_name);
	return ret;
}

/* Many: looked through once, when the user is a new one. */
static int give_installs(const struct server_user *u, const char *state_dir)
{
	char path[PATH_MAX];
	struct stat st;
	int ret = look(path, &st, state_dir, "installs");

	if (ret)
		return ret;
	if (stat(path, &st))
		return log_err(-errno, "cannot look at '%s'", path);
	if (st.st_uid == u->uid && st.st_gid == u->gid)
		return 0;
	strcat(path, "/"); /* it may be a link to where there is room */
	return give_tree(u, path);
}

int server_user_give(const struct server_user *u, const char *state_dir)
{
	static const char *const written[] = {"state.db", "state.db-wal", "state.db-shm"};
	static const char *const read[] = {"operator-token", "ring.key"};
	char generation[PATH_MAX];
	int ret = 0;

	if (!u->own)
		return 0;
	for (size_t i = 0; !ret && i < ARRAY_SIZE(written); i++)
		ret = give_named(u, state_dir, written[i]);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(read); i++)
		ret = server_user_share(u, state_dir, read[i]);
	if (!ret)
		ret = share_folder(u, state_dir, "datasets");
	snprintf(generation, sizeof(generation), "%s/current", state_dir);
	if (!ret)
		ret = server_user_give_generation(u, generation);
	return ret ? ret : give_installs(u, state_dir);
}
