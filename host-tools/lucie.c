/* lucie: the administrator's program. Only dispatches: each verb is a file cmd-VERB.c that
 * registers itself (command.h). Called by a name `lucie-VERB`, it is that verb. */
#include "host-tools/lib/command.h"

#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/suggest.h"
#include "init/lib/cleanup.h"
#include "init/lib/str.h"
#include "init/lib/version.h"

#define COMMANDS_MAX 64

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct command *const *)a)->name,
		      (*(const struct command *const *)b)->name);
}

static const struct command *command_find(const char *name)
{
	for (const struct command *const *c = __start_lucie_commands; c < __stop_lucie_commands;
	     c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

static void print_overview(FILE *out)
{
	const struct command *list[COMMANDS_MAX];
	size_t n = 0;

	for (const struct command *const *c = __start_lucie_commands; c < __stop_lucie_commands;
	     c++)
		if (n < ARRAY_SIZE(list))
			list[n++] = *c;
	qsort(list, n, sizeof(list[0]), by_name);
	fputs("usage: lucie VERB [ARGUMENT...]\n", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "  %-10s %s\n", list[i]->name, list[i]->summary);
	fputs("`lucie VERB --help` says more; so does lucie(1).\n", out);
}

int command_usage(const char *verb)
{
	const struct command *c = command_find(verb);

	fprintf(stderr, "usage: %s", c && c->usage ? c->usage : "lucie VERB [ARGUMENT...]\n");
	return 2;
}

int command_help(const char *verb)
{
	fprintf(stderr, "lucie: `lucie %s --help` says what there is\n", verb);
	return 2;
}

int command_unknown(const char *verb, const char *option)
{
	fprintf(stderr, "%s: unrecognized option '%s'\n", verb, option);
	return command_help(verb);
}

int command_bad(const char *option, const char *value, const char *expected)
{
	fprintf(stderr, "lucie: %s '%s', expected %s\n", option, value, expected);
	return -EINVAL;
}

int command_number(const char *option, const char *text, unsigned int least, unsigned int most,
		   unsigned int *out)
{
	char expected[64];
	uint64_t v;

	if (!str_to_u64(text, &v) && v >= least && v <= most) {
		*out = (unsigned int)v;
		return 0;
	}
	snprintf(expected, sizeof(expected), "a number from %u to %u", least, most);
	return command_bad(option, text, expected);
}

static int unknown_verb(const char *name)
{
	struct suggestion s = suggest_start(name);

	for (const struct command *const *c = __start_lucie_commands; c < __stop_lucie_commands;
	     c++)
		suggest_offer(&s, (*c)->name);
	if (s.best) {
		fprintf(stderr, "lucie: unknown verb '%s', expected '%s'\n", name, s.best);
		return 2;
	}
	fprintf(stderr, "lucie: unknown verb '%s'\n", name);
	print_overview(stderr);
	return 2;
}

static bool is_help(const char *argument)
{
	return !strcmp(argument, "--help") || !strcmp(argument, "-h");
}

static bool is_version(const char *argument)
{
	return !strcmp(argument, "--version") || !strcmp(argument, "-V");
}

static int command_run(int argc, char **argv)
{
	const struct command *c = command_find(argv[0]);

	if (!c)
		return unknown_verb(argv[0]);
	/* also after a word: lucie base build --help */
	if ((argc == 2 || argc == 3) && is_help(argv[argc - 1])) {
		printf("usage: %s", c->usage);
		return 0;
	}
	return c->run(argc, argv);
}

int main(int argc, char **argv)
{
	char *slash = argc ? strrchr(argv[0], '/') : NULL, *name = slash ? slash + 1 : argv[0];

	setlocale(LC_CTYPE, "C.UTF-8"); /* file names in archives are UTF-8 */
	if (argc && !strncmp(name, "lucie-", 6)) {
		argv[0] = name + 6;
		return command_run(argc, argv);
	}
	if (argc < 2) {
		print_overview(stderr);
		return 2;
	}
	if (is_help(argv[1]) || !strcmp(argv[1], "help")) {
		print_overview(stdout);
		return 0;
	}
	if (is_version(argv[1])) {
		puts("lucie " LUCIE_VERSION);
		return 0;
	}
	return command_run(argc - 1, argv + 1);
}
