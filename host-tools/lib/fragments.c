/* See fragments.h. A link is ours if it leads into the state directory's fragments: to the copy that
 * the web process cannot write (setup-obeyed.c), or, as earlier versions made it, to the one of the
 * generation. */
#include "host-tools/lib/fragments.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/setup.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define FRAGMENT_MAX ((size_t)64 << 20)

/* Where the system looks for them; the others are for another machine, or included by hand. */
static const struct place {
	const char *name, *path, *then;
} places[] = {
	{"lucie-serve.service", "/etc/systemd/system/lucie-serve.service",
	 "systemctl daemon-reload && systemctl enable --now lucie-serve"},
	{"exports", "/etc/exports.d/lucie.exports", "exportfs -ra"},
};

static char *path_below(const char *state_dir, const char *folder, const char *name)
{
	char real[PATH_MAX];

	return xasprintf("%s/%s/%s", realpath(state_dir, real) ? real : state_dir, folder, name);
}

static char *fragment_path(const char *state_dir, const char *name)
{
	return path_below(state_dir, OBEYED "/fragments", name);
}

static int is_fragment(const struct dirent *e)
{
	return e->d_name[0] != '.' && !str_ends(e->d_name, "~");
}

/* Says which there are. */
static int no_fragment(const char *folder, const char *name)
{
	_cleanup_strbuf_ struct strbuf names = STRBUF_INIT;
	struct dirent **entries;
	int n = scandir(folder, &entries, is_fragment, alphasort);

	if (n <= 0)
		return log_err(0, "there is no '%s' in '%s': `lucie setup` makes it", name, folder);
	for (int i = 0; i < n; i++) {
		strbuf_addf(&names, "%s%s", i ? ", " : "", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return log_err(0, "there is no '%s', expected one of: %s", name, names.buf);
}

int fragment_print(const char *state_dir, const char *name)
{
	_cleanup_free_ char *path = fragment_path(state_dir, name),
			    *folder = fragment_path(state_dir, ""), *text = NULL;
	size_t len;
	int ret = strchr(name, '/') ? -ENOENT : file_read(path, FRAGMENT_MAX, &text, &len);

	if (ret == -ENOENT)
		return no_fragment(folder, name);
	if (ret)
		return log_err(ret, "cannot read '%s'", path);
	fwrite(text, 1, len, stdout);
	return 0;
}

struct fragment {
	char *path, *target, *earlier; /* where the link is, and leads, and led */
	const char *then;
};

enum { NOTHING, OURS, EARLIER }; /* what is at its path; -EEXIST: somebody else's */

static int look(const struct fragment *f)
{
	char old[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (lstat(f->path, &st))
		return errno == ENOENT ? NOTHING : -errno;
	n = readlink(f->path, old, sizeof(old) - 1);
	if (n < 0)
		return -EEXIST;
	old[n] = '\0';
	if (!strcmp(old, f->target))
		return OURS;
	return strcmp(old, f->earlier) ? -EEXIST : EARLIER;
}

static int enable(const struct fragment *f)
{
	_cleanup_free_ char *folder = xstrdup(f->path);
	int ret = look(f);

	if (ret < 0)
		return log_err(0, "'%s' is there and not ours: it is left as it is", f->path);
	if (ret == OURS)
		return 0;
	*strrchr(folder, '/') = '\0';
	ret = ret == EARLIER && unlink(f->path) ? -errno : mkdir_path(folder, 0755);
	if (!ret && symlink(f->target, f->path))
		ret = -errno;
	if (ret)
		return log_err(ret, "cannot link '%s'", f->path);
	printf("linked %s (then: %s)\n", f->path, f->then);
	return 0;
}

static int disable(const struct fragment *f)
{
	if (look(f) <= NOTHING)
		return 0;
	if (unlink(f->path))
		return log_err(-errno, "cannot remove '%s'", f->path);
	printf("removed %s\n", f->path);
	return 0;
}

/* Every place is tried; the first error is returned. */
static int for_each_place(const char *state_dir, const char *root, bool on)
{
	int ret = 0;

	for (const struct place *p = places; p < places + ARRAY_SIZE(places); p++) {
		struct fragment f = {
			.path = xasprintf("%s%s", root, p->path),
			.target = fragment_path(state_dir, p->name),
			.earlier = path_below(state_dir, "fragments", p->name),
			.then = p->then,
		};
		int result = 0;

		if (!on)
			result = disable(&f);
		else if (!access(f.target, F_OK))
			result = enable(&f);
		ret = ret ? ret : result;
		free(f.path);
		free(f.target);
		free(f.earlier);
	}
	return ret;
}

int fragments_enable(const char *state_dir, const char *root)
{
	return for_each_place(state_dir, root, true);
}

int fragments_disable(const char *state_dir, const char *root)
{
	return for_each_place(state_dir, root, false);
}
