/* The host's list of modules; see modules.h. */
#include "host-tools/lib/modules.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/shell-header.h"
#include "init/lib/str.h"

/* A program without modules, as a unit test is, has no such section. */
extern const struct module *const __start_lucie_modules[] __attribute__((weak));
extern const struct module *const __stop_lucie_modules[] __attribute__((weak));

struct load {
	struct modules *m;
	bool site;
	modules_error_fn *error;
	void *arg;
};

static void add(struct modules *m, struct module_info *info)
{
	if (map_put(&m->by_name, info->name, info))
		return;
	m->list = xrealloc(m->list, m->count + 1, sizeof(*m->list));
	m->list[m->count++] = info;
}

static void add_c_modules(struct modules *m)
{
	for_each_module(module)
	{
		struct module_info *info = arena_alloc(&m->arena, sizeof(*info));

		*info = (struct module_info){
			.name = module->name,
			.summary = module->summary ? module->summary : "",
			.after = module->after ? module->after : "",
			.needs = module->needs ? module->needs : "",
			.c = module,
		};
		add(m, info);
	}
}

/* What the node's own reader of headers says, and that the file is named as the module. */
static int read_header(struct load *load, struct module_info *info, const char *file,
		       const char *text, size_t len)
{
	struct shell_header h;
	char why[160], message[256];
	size_t n = strlen(file) - strlen(".sh");

	if (shell_header_parse(&h, text, len, why, sizeof(why))) {
		snprintf(message, sizeof(message), "%s, expected a header as in lucie-module(7)",
			 why);
		load->error(info->path, 1, message, load->arg);
		return -EINVAL;
	}
	if (strlen(h.name) != n || strncmp(h.name, file, n)) {
		snprintf(message, sizeof(message),
			 "the module is named '%.64s', expected '# module: %.*s' as the file is "
			 "named",
			 h.name, (int)n, file);
		load->error(info->path, 1, message, load->arg);
	}
	info->name = arena_strdup(&load->m->arena, h.name);
	info->summary = arena_strdup(&load->m->arena, h.summary);
	info->after = arena_strdup(&load->m->arena, h.after);
	info->needs = arena_strdup(&load->m->arena, h.needs);
	return 0;
}

static void add_shell_module(struct load *load, const char *dir, const char *file)
{
	struct module_info *info = arena_alloc(&load->m->arena, sizeof(*info)), *old;
	_cleanup_free_ char *text = NULL;
	size_t len;
	int ret;

	*info = (struct module_info){.site = load->site};
	info->path = arena_printf(&load->m->arena, "%s/%s", dir, file);
	ret = file_read(info->path, SHELL_MODULE_MAX, &text, &len);
	if (ret) {
		load->error(info->path, 1, strerror(-ret), load->arg);
		return;
	}
	if (read_header(load, info, file, text, len))
		return;
	old = map_get(&load->m->by_name, info->name);
	if (!old)
		add(load->m, info);
	else if (old->c)
		load->error(info->path, 1, "a built-in module has this name, expected another one",
			    load->arg);
	else
		*old = *info;
}

static int is_shell_module(const struct dirent *e)
{
	return e->d_name[0] != '.' && str_ends(e->d_name, ".sh");
}

static void add_folder(struct load *load, const char *dir)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, is_shell_module, alphasort);

	for (int i = 0; i < n; i++) {
		add_shell_module(load, dir, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	else if (errno != ENOENT)
		load->error(dir, 1, strerror(errno), load->arg);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct module_info *const *)a)->name,
		      (*(struct module_info *const *)b)->name);
}

/* --- those that are shipped with this program --- */

struct watch {
	modules_error_fn *error;
	void *arg;
	bool failed;
};

static void watch_error(const char *path, unsigned int line, const char *message, void *arg)
{
	struct watch *w = arg;

	w->failed = true;
	w->error(path, line, message, w->arg);
}

/* Read once: a server that went over to a user of its own may not get there any more. */
static const struct modules *shipped_modules(modules_error_fn *error, void *arg)
{
	static struct modules shipped;
	static bool is_read;
	struct watch watch = {.error = error, .arg = arg};
	struct load load = {.m = &shipped, .error = watch_error, .arg = &watch};

	if (is_read)
		return &shipped;
	modules_free(&shipped);
	add_folder(&load, arena_printf(&shipped.arena, "%s/modules", installation_dir()));
	is_read = !watch.failed;
	return &shipped;
}

bool modules_read_shipped(modules_error_fn *error, void *arg)
{
	struct watch watch = {.error = error, .arg = arg};

	shipped_modules(watch_error, &watch);
	return !watch.failed;
}

static void add_shipped(struct load *load)
{
	const struct modules *shipped = shipped_modules(load->error, load->arg);

	for (size_t i = 0; i < shipped->count; i++) {
		struct module_info *info = arena_alloc(&load->m->arena, sizeof(*info));

		*info = *shipped->list[i];
		if (map_get(&load->m->by_name, info->name))
			load->error(info->path, 1,
				    "a built-in module has this name, expected another one",
				    load->arg);
		else
			add(load->m, info);
	}
}

void modules_load(struct modules *m, const char *site_dir, modules_error_fn *error, void *arg)
{
	struct load load = {.m = m, .error = error, .arg = arg};

	add_c_modules(m);
	add_shipped(&load);
	if (site_dir) {
		load.site = true;
		add_folder(&load, site_dir);
	}
	if (m->count)
		qsort(m->list, m->count, sizeof(m->list[0]), by_name);
}

const struct module_info *modules_find(const struct modules *m, const char *name)
{
	return map_get(&m->by_name, name);
}

void modules_free(struct modules *m)
{
	free(m->list);
	map_free(&m->by_name);
	arena_free(&m->arena);
	*m = (struct modules){0};
}

const char *installation_dir(void)
{
	static char dir[PATH_MAX + 16];
	char exe[PATH_MAX];
	ssize_t n = dir[0] ? 0 : readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (dir[0])
		return dir;
	exe[n < 0 ? 0 : n] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(exe, '/');

		if (slash)
			*slash = '\0';
	}
	snprintf(dir, sizeof(dir), "%s/lib/lucie", exe);
	return dir;
}
