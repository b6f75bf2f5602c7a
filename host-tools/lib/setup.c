/* The order of the work, and the small steps; see setup.h. */
#include "host-tools/lib/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <blake3.h>

#include "host-tools/lib/definition.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/dnsmasq.h"
#include "host-tools/lib/modules.h"
#include "host-tools/lib/replace.h"
#include "host-tools/lib/rings.h"
#include "host-tools/lib/site-archive.h"
#include "host-tools/lib/store.h"
#include "host-tools/lib/update.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define INPUT_MAX ((size_t)1 << 20)

int setup_said(struct setup *s, int result, const char *fmt, ...)
{
	_cleanup_free_ char *path = NULL;
	va_list ap;

	va_start(ap, fmt);
	path = xvasprintf(fmt, ap);
	va_end(ap);
	if (result < 0)
		return log_err(result, "cannot write '%s/%s'", s->dir, path);
	s->changed += (unsigned int)result;
	if (result && !s->quiet)
		printf("wrote %s\n", path);
	return 0;
}

int setup_update(struct setup *s, const char *path, const void *data, size_t len, mode_t mode)
{
	_cleanup_free_ char *whole = xasprintf("%s/%s", s->dir, path), *parent = xstrdup(whole);
	int ret;

	*strrchr(parent, '/') = '\0';
	ret = mkdir_path(parent, 0755);
	if (!ret)
		ret = file_update(whole, data, len, mode);
	return setup_said(s, ret, "%s", path);
}

int setup_drop(struct setup *s, const char *path)
{
	_cleanup_free_ char *whole = xasprintf("%s/%s", s->dir, path);

	if (unlink(whole))
		return errno == ENOENT ? 0 : log_err(-errno, "cannot remove '%s'", whole);
	s->changed++;
	printf("removed %s\n", path);
	return 0;
}

/* --- the site key --- */

static int key_write(struct setup *s, const char *name, const uint8_t *key, size_t len, mode_t mode)
{
	char text[2 * SITE_SECRET_LEN + 2];
	int ret;

	str_to_hex(key, len, text);
	strcat(text, "\n");
	ret = setup_update(s, name, text, strlen(text), mode);
	seal_wipe(text, sizeof(text));
	return ret;
}

static int key_read(const char *path, uint8_t secret[SITE_SECRET_LEN])
{
	_cleanup_free_ char *text = NULL;
	int ret = file_read(path, 2 * SITE_SECRET_LEN + 1, &text, NULL);

	if (ret)
		return ret;
	ret = str_from_hex(str_trim(text), secret, SITE_SECRET_LEN);
	seal_wipe(text, strlen(text));
	return ret;
}

/* Made on the first setup; whoever has it can install anything on the nodes, so nothing but the
 * signer reads it. */
int setup_key(struct setup *s)
{
	_cleanup_free_ char *folder = xasprintf("%s/key", s->dir),
			    *path = xasprintf("%s/key/site.key", s->dir);
	uint8_t secret[SITE_SECRET_LEN];
	int ret = seal_init();

	if (ret)
		return log_err(ret, "no random numbers");
	if (mkdir(folder, 0700) && errno != EEXIST)
		return log_err(-errno, "cannot make '%s'", folder);
	ret = key_read(path, secret);
	if (ret == -ENOENT) {
		site_key_make(s->public_key, secret);
		ret = key_write(s, "key/site.key", secret, sizeof(secret), 0600);
	} else if (ret) {
		return log_err(ret, "cannot read the site key '%s'", path);
	}
	site_key_public(secret, s->public_key);
	seal_wipe(secret, sizeof(secret));
	return ret ? ret : key_write(s, "key/site.pub", s->public_key, sizeof(s->public_key), 0644);
}

/* The rings' keys are made from it (rings.h). */
static int setup_ring_key(struct setup *s)
{
	_cleanup_free_ char *path = xasprintf("%s/ring.key", s->dir);
	uint8_t key[RINGS_KEY_LEN];

	if (!access(path, F_OK))
		return 0;
	seal_random(key, sizeof(key));
	return key_write(s, "ring.key", key, sizeof(key), 0600);
}

/* --- what the definition names --- */

/* Copies a file that plans are made from into the state directory, under its hash: what a
 * generation says does not change later. */
static char *take_input(const char *path, void *arg)
{
	struct setup *s = arg;
	_cleanup_free_ char *text = NULL, *name = NULL;
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
	name = xasprintf("inputs/%s", id);
	return setup_update(s, name, text, len, 0644) ? NULL : xasprintf("%s/%s", s->dir, name);
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

/* A module that the site no longer has must not come back from the state directory. */
static int remove_old_modules(struct setup *s)
{
	_cleanup_free_ char *path = xasprintf("%s/modules", s->dir);
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		_cleanup_free_ char *name = xstrdup(e->d_name);
		const struct module_info *m;

		if (!str_ends(name, ".sh"))
			continue;
		name[strlen(name) - 3] = '\0';
		m = modules_find(cluster_modules(s->c), name);
		if (m && m->site)
			continue;
		if (unlinkat(dirfd(dir), e->d_name, 0))
			return log_err(-errno, "cannot remove '%s/%s'", path, e->d_name);
		s->changed++;
		printf("removed modules/%s\n", e->d_name);
	}
	return 0;
}

static int setup_archive(struct setup *s)
{
	_cleanup_free_ char *path = xasprintf("%s/tftp/site.img", s->dir);
	_cleanup_free_ char *tmp = xasprintf("%s/site.img.%ld~", s->dir, (long)getpid());
	int ret = site_archive_write(tmp, s->public_key, cluster_modules(s->c));

	if (!ret)
		ret = setup_said(s, file_copy_update(path, tmp, 0644), "tftp/site.img");
	unlink(tmp);
	return ret;
}

static int setup_dnsmasq(struct setup *s)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	int ret = dnsmasq_write(&text, s->c, s->dir);

	return ret ? log_err(ret, "cannot write dnsmasq's configuration")
		   : setup_update(s, "dnsmasq.conf", text.buf, text.len, 0644);
}

/* 0600: it has the password hashes. */
static int setup_definition(struct setup *s)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	int ret = cluster_write(s->c, &text);

	return ret ? log_err(ret,
			     "cannot write the compiled definition: a value looks like a comment")
		   : setup_update(s, "definition", text.buf, text.len, 0600);
}

/* --- all of it --- */

static int run_steps(struct setup *s)
{
	static int (*const steps[])(struct setup * s) = {
		setup_key,	setup_ring_key,	  setup_modules, remove_old_modules,
		setup_tftp,	setup_archive,	  setup_files,	 setup_bases,
		setup_datasets, setup_boot_files, setup_dnsmasq,
	};
	int ret = setup_servers(s);

	if (!ret)
		ret = cluster_move_files(s->c, take_input, s);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(steps); i++)
		ret = steps[i](s);
	return ret ? ret : setup_definition(s);
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

/* Where the boards' images are: of an installation beside its modules, of a build tree in out/. */
static char *find_images(const char *wanted)
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
	return 0;
}

static int run_locked(struct setup *s)
{
	_cleanup_close_ int lock = take_lock(s->dir);
	int ret = lock < 0 ? lock : run_steps(s);

	if (lock >= 0 && s->changed && syncfs(lock) && !ret)
		ret = log_err(-errno, "cannot sync '%s'", s->dir);
	if (!ret)
		ret = store_prune(s->dir);
	if (!ret && !s->changed)
		printf("%s: nothing changed\n", s->dir);
	return ret;
}

int setup_run(const struct setup_options *o)
{
	_cleanup_free_ char *images = find_images(o->images_dir);
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
