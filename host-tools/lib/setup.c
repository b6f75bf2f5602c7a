/* The order of the work, and the small steps; see setup.h. */
#include "host-tools/lib/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <blake3.h>

#include "host-tools/lib/definition.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/dnsmasq.h"
#include "host-tools/lib/modules.h"
#include "host-tools/lib/replace.h"
#include "host-tools/lib/site-archive.h"
#include "host-tools/lib/site.h"
#include "host-tools/lib/store.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define INPUT_MAX      ((size_t)1 << 20)
#define DEFINITION_MAX ((size_t)256 << 20)

int setup_said(struct setup *s, int result, const char *path)
{
	if (result < 0)
		return log_err(result, "cannot write '%s/%s'", s->g.dir, path);
	if (result)
		report_file(&s->report, "wrote", path);
	return 0;
}

int setup_update(struct setup *s, const char *path, const void *data, size_t len, mode_t mode)
{
	return setup_said(s, generation_update(&s->g, path, data, len, mode), path);
}

/* --- what the definition names --- */

int setup_rendering(struct setup *s, const char *path,
		    int (*write)(struct strbuf *out, const struct cluster *c))
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	int ret = write(&text, s->c);

	return ret ? log_err(ret, "cannot make '%s'", path)
		   : setup_obeyed(s, path, text.buf, text.len, 0644);
}

/* Copies a file that plans are made from into STATE/inputs, under its hash; the generations that
 * need it have a link to it. */
static int input_store(struct setup *s, const char *path, const char *id, const void *data,
		       size_t len)
{
	_cleanup_free_ char *name = xasprintf("inputs/%s", id),
			    *own = xasprintf("%s/%s", s->g.dir, name);
	int ret = access(path, F_OK) ? file_replace(path, data, len, 0644) : 0;

	if (!ret)
		ret = generation_carry(&s->g, name);
	/* What was carried over may be another file of the same content: the link is what keeps this one. */
	if (!ret && unlink(own) && errno != ENOENT)
		ret = -errno;
	if (!ret && link(path, own))
		ret = -errno;
	return ret ? log_err(ret, "cannot write '%s'", path) : 0;
}

static char *take_input(const char *path, void *arg)
{
	struct setup *s = arg;
	_cleanup_free_ char *text = NULL, *kept = NULL;
	uint8_t hash[8];
	char id[2 * sizeof(hash) + 1];
	blake3_hasher h;
	size_t len;
	int ret = file_read(path, INPUT_MAX, &text, &len);

	if (ret) {
		log_err(ret, "cannot read '%s'", path);
		return NULL;
	}
	blake3_hasher_init(&h);
	blake3_hasher_update(&h, text, len);
	blake3_hasher_finalize(&h, hash, sizeof(hash));
	str_to_hex(hash, sizeof(hash), id);
	kept = xasprintf("%s/inputs/%s", s->dir, id);
	return input_store(s, kept, id, text, len) ? NULL : xstrdup(kept);
}

static int setup_inputs(struct setup *s)
{
	_cleanup_free_ char *folder = xasprintf("%s/inputs", s->dir);
	int ret = mkdir_path(folder, 0755);

	return ret ? log_err(ret, "cannot make '%s'", folder)
		   : cluster_move_files(s->c, take_input, s);
}

/* Those that no generation needs any more. */
static int prune_inputs(struct setup *s)
{
	_cleanup_free_ char *path = xasprintf("%s/inputs", s->dir);
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *e;
	struct stat st;

	while (dir && (e = readdir(dir)))
		if (!fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    S_ISREG(st.st_mode) && st.st_nlink == 1 && unlinkat(dirfd(dir), e->d_name, 0))
			return log_err(-errno, "cannot remove '%s/%s'", path, e->d_name);
	return 0;
}

static int setup_modules(struct setup *s)
{
	const struct modules *modules = cluster_modules(s->c);
	int ret = 0;

	for (size_t i = 0; !ret && i < modules->count; i++) {
		const struct module_info *m = modules->list[i];
		_cleanup_free_ char *name = xasprintf("modules/%s.sh", m->name), *text = NULL;
		size_t len;

		if (!m->site)
			continue;
		ret = file_read(m->path, INPUT_MAX, &text, &len);
		ret = ret ? log_err(ret, "cannot read '%s'", m->path)
			  : setup_update(s, name, text, len, 0755);
	}
	return ret;
}

static int setup_archive(struct setup *s)
{
	_cleanup_free_ char *tmp = xasprintf("%s/site.img~", s->g.dir);
	int ret = site_archive_write(tmp, s->public_key, cluster_modules(s->c));

	if (!ret)
		ret = setup_said(s, generation_copy(&s->g, "tftp/site.img", tmp, 0644),
				 "tftp/site.img");
	unlink(tmp);
	return ret;
}

static int setup_dnsmasq(struct setup *s)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	int ret = dnsmasq_write(&text, s->c, s->dir);

	return ret ? log_err(ret, "cannot write dnsmasq's configuration")
		   : setup_obeyed(s, "dnsmasq.conf", text.buf, text.len, 0644);
}

/* It has the password hashes: for its owner, and the server. */
static int setup_definition(struct setup *s)
{
	_cleanup_free_ char *path = xasprintf("%s/definition", s->dir), *before = NULL;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	int ret = cluster_write(s->c, &text);

	if (ret)
		return log_err(
			ret, "cannot write the compiled definition: a value looks like a comment");
	file_read(path, DEFINITION_MAX, &before, NULL);
	report_definition(&s->report.objects, before, text.buf);
	return setup_obeyed(s, "definition", text.buf, text.len, s->user.own ? 0640 : 0600);
}

/* --- all of it --- */

/* Nobody asks for the others by their names. */
static void removed(const char *path, void *arg)
{
	struct setup *s = arg;

	if (!str_starts(path, "inputs/") && !str_ends(path, ".blob"))
		report_file(&s->report, "removed", path);
}

/* The new generation, without what follows from the state. */
static int build(struct setup *s)
{
	static int (*const steps[])(struct setup * s) = {
		setup_servers, setup_nfsroot,	setup_inputs,	  setup_modules,
		setup_tftp,    setup_archive,	setup_files,	  setup_datasets,
		setup_dnsmasq, setup_fragments, setup_definition, setup_bases,
	};
	int ret = generation_begin(&s->g, s->dir);

	for (size_t i = 0; !ret && i < ARRAY_SIZE(steps); i++)
		ret = steps[i](s);
	return ret ? ret : generation_removed(&s->g, removed, s);
}

/* What installations under way have begun with stays. */
static int prune(struct setup *s)
{
	int ret = generation_prune(&s->g, time(NULL) - STORE_KEEP_SECONDS);

	if (!ret)
		ret = prune_inputs(s);
	return ret ? ret : store_prune(s->dir);
}

static int put_in_force(struct setup *s)
{
	int ret = server_user_give_generation(&s->user, s->g.dir);

	return ret ? ret : generation_commit(&s->g);
}

/* Nodes by the definition that is in force now. */
static int follow(struct setup *s)
{
	int ret = setup_gone(s), followed = boot_files_follow(s->dir, s->c, s->state);

	return ret ? ret : followed;
}

static int switch_over(struct setup *s)
{
	int ret = setup_unknown(s), obeyed;

	if (ret)
		return ret;
	/* One that cannot be made is no reason to keep the definition from the other nodes. */
	ret = boot_files_follow(s->g.dir, s->c, s->state);
	if (!boot_files_disk_failed(ret))
		ret = put_in_force(s);
	if (ret)
		return ret;
	obeyed = setup_obey(s);
	report_print(&s->report);
	printf("generation %u is in force\n", s->g.number);
	/* Arming and reports went on meanwhile. What fails from here on is told, but the definition is
	 * in force. */
	ret = follow(s);
	prune(s);
	return obeyed ? obeyed : ret;
}

static int run_steps(struct setup *s)
{
	int ret = setup_key(s->dir, s->public_key), obeyed, pruned;

	if (!ret)
		ret = setup_ring_key(s->dir);
	if (!ret)
		ret = state_open(&s->state, s->dir);
	if (!ret)
		ret = build(s);
	if (!ret)
		ret = setup_nfsroot_folders(s);
	if (ret || s->report.changes)
		return ret ? ret : switch_over(s);
	printf("%s: nothing changed\n", s->dir);
	obeyed = setup_obey(s);
	ret = follow(s);
	pruned = prune(s);
	return obeyed ? obeyed : ret ? ret : pruned;
}

/* One setup at a time. The lock lasts as long as the descriptor. */
static int take_lock(const char *dir)
{
	_cleanup_free_ char *path = xasprintf("%s/lock", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return log_err(-errno, "cannot open '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return log_err(-errno, "another setup works on '%s'", dir);
	}
	return fd;
}

/* Of an installation beside its modules, of a build tree in out/. */
char *setup_images(const char *wanted)
{
	const char *installed = installation_dir();
	char *built;

	if (wanted)
		return xstrdup(wanted);
	built = xasprintf("%s/../../..", installed);
	if (str_ends(installed, "/out/host/lib/lucie"))
		return built;
	free(built);
	return xstrdup(installed);
}

static int prepare(struct setup *s, const char *state_dir)
{
	char real[PATH_MAX];
	int ret = mkdir_path(state_dir, 0755);

	if (ret)
		return log_err(ret, "cannot make the state directory '%s'", state_dir);
	if (!realpath(state_dir, real))
		return log_err(-errno, "state directory '%s'", state_dir);
	if (strpbrk(real, ",#\" \t"))
		return log_err(0,
			       "state directory '%s': expected a path without blanks, commas, "
			       "quotes and '#'",
			       real);
	s->dir = xstrdup(real);
	server_user_of(&s->user, s->dir);
	return 0;
}

static int run_locked(struct setup *s)
{
	_cleanup_close_ int lock = take_lock(s->dir);
	int ret = lock < 0 ? lock : run_steps(s);

	state_close(s->state);
	generation_end(&s->g);
	report_free(&s->report);
	return ret;
}

int setup_run(const struct setup_options *o)
{
	_cleanup_free_ char *images = setup_images(o->images_dir);
	struct setup s = {.images = images};
	int ret = definition_load(&s.c, o->conf ? o->conf : definition_default_path());

	ret = ret ? -EINVAL : prepare(&s, o->state_dir);
	if (!ret)
		ret = replace_apply(s.c, s.dir);
	if (!ret)
		ret = run_locked(&s);
	cluster_free(s.c);
	free(s.dir);
	return ret;
}
