/* The host's list of modules; see modules.h. A shell module's header is the comment at its start:
 *	# module: NAME        (the file's name without .sh)
 *	# summary: TEXT       (required)
 *	# after: NAME...      # needs: NAME...
 */
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
#include "init/lib/str.h"

#define SHELL_MODULE_MAX ((size_t)1 << 20)

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

/* One "# key: value" line of a header. */
static void header_line(struct load *load, struct module_info *info, char *line)
{
	char *colon = strchr(line, ':');
	char *key = line + 1;
	const char **field = NULL;

	if (!colon)
		return;
	*colon = '\0';
	key = str_trim(key);
	if (!strcmp(key, "module"))
		field = &info->name;
	else if (!strcmp(key, "summary"))
		field = &info->summary;
	else if (!strcmp(key, "after"))
		field = &info->after;
	else if (!strcmp(key, "needs"))
		field = &info->needs;
	if (field)
		*field = arena_strdup(&load->m->arena, str_trim(colon + 1));
}

static void header_parse(struct load *load, struct module_info *info, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) && line[0] == '#')
		header_line(load, info, line);
}

static void check_info(struct load *load, const struct module_info *info, const char *file)
{
	char message[256];
	size_t n = strlen(file) - strlen(".sh");

	if (strlen(info->name) != n || strncmp(info->name, file, n)) {
		snprintf(message, sizeof(message),
			 "the module is named '%.64s', expected '# module: %.*s' as the file is "
			 "named",
			 info->name, (int)n, file);
		load->error(info->path, 1, message, load->arg);
	}
	if (!*info->summary)
		load->error(info->path, 1,
			    "the module has no summary, expected a line '# summary: TEXT'",
			    load->arg);
}

static void add_shell_module(struct load *load, const char *dir, const char *file)
{
	struct module_info *info = arena_alloc(&load->m->arena, sizeof(*info)), *old;
	_cleanup_free_ char *text = NULL;
	int ret;

	*info = (struct module_info){
		.name = "", .summary = "", .after = "", .needs = "", .site = load->site};
	info->path = arena_printf(&load->m->arena, "%s/%s", dir, file);
	ret = file_read(info->path, SHELL_MODULE_MAX, &text, NULL);
	if (ret) {
		load->error(info->path, 1, strerror(-ret), load->arg);
		return;
	}
	header_parse(load, info, text);
	check_info(load, info, file);
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

void modules_load(struct modules *m, const char *site_dir, modules_error_fn *error, void *arg)
{
	struct load load = {.m = m, .error = error, .arg = arg};

	add_c_modules(m);
	add_folder(&load, arena_printf(&m->arena, "%s/modules", installation_dir()));
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
