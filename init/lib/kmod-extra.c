/* See kmod-extra.h. */
#include "init/lib/kmod-extra.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/lib/modinfo.h"
#include "init/lib/unxz.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define MODULE_MAX ((size_t)64 << 20)

struct lines_of {
	const char *file;
	struct strbuf *alias, *dep;
	char name[64];
};

static bool is_known(const char *known, const char *file)
{
	char wanted[NAME_MAX + 16];
	size_t n = (size_t)snprintf(wanted, sizeof(wanted), "\n" KMOD_EXTRA "/%s:", file);

	return !strncmp(known, wanted + 1, n - 1) || strstr(known, wanted);
}

static void add_line(const char *key, const char *value, void *arg)
{
	struct lines_of *l = arg;

	if (!str_is_text(value, strlen(value)) || strchr(value, ' '))
		return;
	if (!strcmp(key, "alias"))
		strbuf_addf(l->alias, "alias %s %s\n", value, l->name);
	for (; !strcmp(key, "depends") && *value;
	     value += strcspn(value, ","), value += *value == ',')
		strbuf_addf(l->dep, " %.*s", (int)strcspn(value, ","), value);
}

static int add_module(const char *dir, struct lines_of *l)
{
	_cleanup_free_ char *data = NULL;
	char path[PATH_MAX];
	size_t len;
	int ret;

	if (snprintf(path, sizeof(path), "%s/%s", dir, l->file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	snprintf(l->name, sizeof(l->name), "%.*s", (int)strcspn(l->file, "."), l->file);
	ret = str_ends(path, ".xz") ? unxz_file(path, MODULE_MAX, &data, &len)
				    : file_read(path, MODULE_MAX, &data, &len);
	strbuf_addf(l->dep, KMOD_EXTRA "/%s:", l->file);
	if (!ret)
		ret = modinfo_each(data, len, add_line, l);
	strbuf_adds(l->dep, "\n");
	if (ret)
		log_warn("cannot read the kernel module '%s': %s", path, strerror(-ret));
	return l->alias->error ? l->alias->error : l->dep->error;
}

int kmod_extra(const char *dir, const char *known, struct strbuf *alias, struct strbuf *dep)
{
	struct lines_of l = {.alias = alias, .dep = dep};
	_cleanup_closedir_ DIR *folder = NULL;
	char path[PATH_MAX];
	struct dirent *d;
	int ret = 0;

	if (snprintf(path, sizeof(path), "%s/" KMOD_EXTRA, dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	folder = opendir(path);
	while (folder && !ret && (d = readdir(folder))) {
		l.file = d->d_name;
		if ((str_ends(l.file, ".ko") || str_ends(l.file, ".ko.xz")) && *l.file != '.' &&
		    str_is_name(l.file) && !is_known(known, l.file))
			ret = add_module(path, &l);
	}
	return ret;
}
