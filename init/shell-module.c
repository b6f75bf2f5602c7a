/* Finding and executing shell modules; see shell-module.h. */
#include "init/shell-module.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"
#include "init/module.h"
#include "init/plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *modules_dir(void)
{
	const char *dir = getenv("LUCIE_MODULES");

	return dir ? dir : SHELL_MODULES_DIR;
}

static int read_header(const char *path, const char *name, struct shell_header *h)
{
	_cleanup_free_ char *text = NULL;
	char why[160];
	size_t len;
	int ret = file_read(path, SHELL_MODULE_MAX, &text, &len);

	if (ret == -ENOENT)
		return ret;
	if (ret)
		return log_err(ret, "cannot read '%s'", path);
	if (shell_header_parse(h, text, len, why, sizeof(why)))
		return log_err(0, "'%s' is no module: %s", path, why);
	if (strcmp(h->name, name) != 0)
		return log_err(0, "'%s' says that it is module '%s'", path, h->name);
	return 0;
}

int shell_module_find(const char *name, struct shell_header *h, char path[PATH_MAX])
{
	if (!str_is_name(name))
		return -ENOENT;
	if (snprintf(path, PATH_MAX, "%s/%s.sh", modules_dir(), name) >= PATH_MAX)
		return -ENAMETOOLONG;
	return read_header(path, name, h);
}

void shell_module_each(void (*found)(const struct shell_header *h, void *arg), void *arg)
{
	_cleanup_closedir_ DIR *dir = opendir(modules_dir());
	char path[PATH_MAX], name[256];
	struct shell_header h;
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		if (*d->d_name == '.' || !str_ends(d->d_name, ".sh"))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(strlen(d->d_name) - 3), d->d_name);
		if (!shell_module_find(name, &h, path))
			found(&h, arg);
	}
}

/* PLAN_<KEY>: all values of the key, a newline between them. */
static int set_plan_variable(const struct plan_section *s, const char *key)
{
	_cleanup_strbuf_ struct strbuf value = STRBUF_INIT;
	char name[128] = "PLAN_";
	size_t n = strlen(name);

	if (strlen(key) >= sizeof(name) - n)
		return -ENAMETOOLONG;
	for (size_t i = 0; i <= strlen(key); i++)
		name[n + i] = (char)toupper((unsigned char)key[i]);
	plan_for_each (line, s, key)
		strbuf_addf(&value, "%s%s", value.len ? "\n" : "", line->value);
	if (value.error)
		return value.error;
	return setenv(name, value.buf ? value.buf : "", 1) ? -errno : 0;
}

static int set_environment(const char *name, const struct plan *plan)
{
	const struct {
		const char *name, *value;
	} fixed[] = {
		{"PATH", "/bin:/sbin:/usr/bin:/usr/sbin"},
		{"HOME", "/"},
		{"LUCIE_MODULE", name},
		{"LUCIE_TARGET", MODULE_TARGET},
		{"LUCIE_NODE", plan_head(plan, "node")},
		{"LUCIE_INSTALL", plan_head(plan, "install")},
		{"LUCIE_VARIANT", plan_head(plan, "variant")},
		{"LUCIE_SERVER", plan_head(plan, "server")},
		{"LUCIE_PLAN", PLAN_PATH},
	};
	int ret = 0;

	clearenv();
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (setenv(fixed[i].name, fixed[i].value ? fixed[i].value : "", 1))
			ret = -errno;
	plan_for_each (line, plan_section(plan, name), NULL)
		if (!ret)
			ret = set_plan_variable(plan_section(plan, name), line->key);
	return ret;
}

int shell_module_become(const char *path, const char *name, const struct plan *plan)
{
	char *const argv[] = {"sh", (char *)path, NULL};
	int ret = set_environment(name, plan);

	if (ret)
		return log_err(ret, "cannot make the environment of module '%s'", name);
	execv("/bin/sh", argv);
	return log_err(-errno, "cannot execute '/bin/sh' for '%s'", path);
}
