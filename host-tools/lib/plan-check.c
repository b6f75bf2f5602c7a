/* See plan-check.h. */
#include "host-tools/lib/plan-check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/arena.h"
#include "host-tools/lib/boot-files.h"
#include "host-tools/lib/die.h"
#include "host-tools/lib/layout-needs.h"
#include "host-tools/lib/map.h"
#include "host-tools/lib/modules.h"
#include "host-tools/lib/plan-make.h"
#include "init/lib/cleanup.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

struct check {
	const struct cluster *c;
	cluster_error_fn *error;
	void *arg;
	struct map seen; /* complaints without the host's name */
	struct arena arena;
	int errors;
	const struct cluster_object *host;
	const char *module;
};

static void complain(struct check *k, const char *text)
{
	_cleanup_free_ char *line = NULL;

	if (map_put(&k->seen, arena_strdup(&k->arena, text), k))
		return;
	line = xasprintf("%s:%u:%u: host '%s': %s", k->host->at.file, k->host->at.line,
			 k->host->at.column, k->host->name, text);
	k->error(line, k->arg);
	k->errors++;
}

__attribute__((format(printf, 2, 3))) static void on_error(struct module_check *check,
							   const char *fmt, ...)
{
	struct check *k = check->arg;
	_cleanup_free_ char *text = NULL, *whole = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	whole = xasprintf("module '%s': %s", k->module, text);
	complain(k, whole);
}

static void check_modules(struct check *k, const struct plan *plan)
{
	_cleanup_free_ char *names = xstrdup(plan_head(plan, "modules"));
	char *rest = names;

	while ((k->module = str_word(&rest))) {
		const struct module_info *info = modules_find(cluster_modules(k->c), k->module);
		struct module_check check = {.plan = plan,
					     .section = plan_section(plan, k->module),
					     .error = on_error,
					     .arg = k};

		if (info && info->c && info->c->check)
			info->c->check(&check);
	}
}

static bool is_in_list(const struct layout_need *need, const void *list)
{
	return list && (cluster_list_has(list, need->package) ||
			(need->more && cluster_list_has(list, need->more)));
}

/* What is in a base that is a file is seen when a node is armed. */
static void check_packages(struct check *k, const struct plan *plan)
{
	const struct cluster_object *base = cluster_host_ref(k->c, k->host, "base", TYPE_BASE);
	const char *list = base ? cluster_get(base, "packages") : NULL;
	const struct layout_need *need;
	_cleanup_free_ char *text = NULL;

	if (!base || cluster_get(base, "file"))
		return;
	need = layout_need_unmet(plan, is_in_list, list);
	if (!need)
		return;
	text = xasprintf("its disk_layout '%s' needs %s in the installed system, expected it in "
			 "the packages of base '%s'",
			 cluster_host_get(k->c, k->host, "disk_layout"), need->package, base->name);
	complain(k, text);
}

static void check_host(struct check *k, struct strbuf *text)
{
	char **servers = boot_files_servers(k->c, k->host);
	struct plan_order order = {
		.host = k->host->name,
		.install = "check",
		.nonce = ZEROS,
		.token = ZEROS,
		.site = "0000000000000000",
		.servers = (const char *const *)servers,
		.no_hosts = true,
	};
	struct plan plan;
	char why[256];

	strbuf_reset(text);
	if (plan_make(text, k->c, &order, why, sizeof(why)) ||
	    plan_parse(&plan, text->buf, text->len, why, sizeof(why))) {
		complain(k, why);
	} else {
		check_modules(k, &plan);
		check_packages(k, &plan);
		plan_free(&plan);
	}
	boot_files_servers_free(servers);
}

int plan_check(const struct cluster *c, cluster_error_fn *error, void *arg)
{
	struct check k = {.c = c, .error = error, .arg = arg};
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < cluster_count(c, TYPE_HOST); i++) {
		k.host = cluster_at(c, TYPE_HOST, i);
		if (cluster_host_is_sound(c, k.host))
			check_host(&k, &text);
	}
	map_free(&k.seen);
	arena_free(&k.arena);
	return k.errors;
}
