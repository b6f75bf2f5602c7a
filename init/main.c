/* /init: PID 1 of the installer, and by other names or options what else lies in this binary. Only
 * a dispatcher. */
#include "init/boot.h"
#include "init/fetch-blob.h"
#include "init/lib/kmod.h"
#include "init/lib/log.h"
#include "init/lib/version.h"
#include "init/module.h"
#include "init/shell-module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_MAX 256

struct list {
	char *lines[LIST_MAX];
	size_t count;
};

static void list_add(struct list *l, const char *name, const char *summary)
{
	if (l->count < LIST_MAX && asprintf(&l->lines[l->count], "%s\t%s", name, summary) >= 0)
		l->count++;
}

static void add_shell_module(const struct shell_header *h, void *arg)
{
	list_add(arg, h->name, h->summary);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_modules(void)
{
	static struct list l;

	for_each_module(m) list_add(&l, m->name, m->summary);
	shell_module_each(add_shell_module, &l);
	qsort(l.lines, l.count, sizeof(l.lines[0]), compare_lines);
	for (size_t i = 0; i < l.count; i++)
		puts(l.lines[i]);
	return 0;
}

static int print_version(void)
{
	puts("lucie init " LUCIE_VERSION);
	return 0;
}

/* The kernel calls "/sbin/modprobe -q -- NAME" for what it misses; a person in the rescue shell,
 * "modprobe NAME". */
static int modprobe(int argc, char **argv)
{
	struct kmod *k;
	int ret;

	if (argc < 2 || *argv[argc - 1] == '-') {
		fputs("usage: modprobe NAME\n", stderr);
		return 2;
	}
	ret = kmod_open(&k, NULL);
	if (!ret) {
		ret = kmod_load(k, argv[argc - 1]);
		kmod_close(k);
	}
	if (ret == -ENOENT && strcmp(argv[1], "-q") != 0)
		log_err(0, "there is no kernel module '%s' in this image", argv[argc - 1]);
	return ret ? 1 : 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? base_name(argv[0]) : "init";

	log_set_program(name);
	if (getpid() == 1)
		boot();
	if (!strcmp(name, "modprobe"))
		return modprobe(argc, argv);
	if (argc == 2 && !strcmp(argv[1], "--list"))
		return list_modules();
	if (argc == 2 && !strcmp(argv[1], "--version"))
		return print_version();
	if (argc == 5 && !strcmp(argv[1], "--fetch-blob"))
		return fetch_blob(argv[2], argv[3], argv[4]);
	fputs("usage: init --list | --version | --fetch-blob PLAN ROOT FILE\n", stderr);
	return 2;
}
