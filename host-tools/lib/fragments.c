/* See fragments.h. A link is ours if it leads into the state directory's fragments. */
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

static char *fragment_path(const char *state_dir, const char *name)
{
	char real[PATH_MAX];

	return xasprintf("%s/fragments/%s", realpath(state_dir, real) ? real : state_dir, name);
}

static int print_names(const char *folder)
{
	_cleanup_closedir_ DIR *dir = opendir(folder);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			fprintf(stderr, "%s\n", e->d_name);
	return -ENOENT;
}

int fragment_print(const char *state_dir, const char *name)
{
	_cleanup_free_ char *path = fragment_path(state_dir, name),
			    *folder = fragment_path(state_dir, ""), *text = NULL;
	size_t len;
	int ret = strchr(name, '/') ? -EINVAL : file_read(path, FRAGMENT_MAX, &text, &len);

	if (ret) {
		log_err(ret, "cannot show '%s'; there are", name);
		return print_names(folder);
	}
	fwrite(text, 1, len, stdout);
	return 0;
}

/* 1: our link, 0: nothing there, -EEXIST: somebody else's. */
static int look(const char *target, const char *path)
{
	char old[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	n = readlink(path, old, sizeof(old) - 1);
	if (n < 0)
		return -EEXIST;
	old[n] = '\0';
	return strcmp(old, target) ? -EEXIST : 1;
}

static int enable(const char *target, const char *path, const char *then)
{
	_cleanup_free_ char *folder = xstrdup(path);
	int ret = look(target, path);

	if (ret < 0)
		return log_err(0, "'%s' is there and not ours: it is left as it is", path);
	if (ret)
		return 0;
	*strrchr(folder, '/') = '\0';
	ret = mkdir_path(folder, 0755);
	if (!ret && symlink(target, path))
		ret = -errno;
	if (ret)
		return log_err(ret, "cannot link '%s'", path);
	printf("linked %s (then: %s)\n", path, then);
	return 0;
}

static int disable(const char *target, const char *path)
{
	int ret = look(target, path);

	if (ret != 1)
		return 0;
	if (unlink(path))
		return log_err(-errno, "cannot remove '%s'", path);
	printf("removed %s\n", path);
	return 0;
}

/* Every place is tried; the first error is returned. */
static int for_each_place(const char *state_dir, const char *root, bool on)
{
	int ret = 0;

	for (const struct place *p = places; p < places + ARRAY_SIZE(places); p++) {
		_cleanup_free_ char *target = fragment_path(state_dir, p->name);
		_cleanup_free_ char *path = xasprintf("%s%s", root, p->path);
		int result = 0;

		if (!on)
			result = disable(target, path);
		else if (!access(target, F_OK))
			result = enable(target, path, p->then);
		ret = ret ? ret : result;
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
