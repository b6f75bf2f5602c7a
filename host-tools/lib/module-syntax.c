/* See module-syntax.h. The node's shell is busybox's, this host's mostly dash: the two read one
 * language. */
#include "host-tools/lib/module-syntax.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "init/lib/proc.h"
#include "init/lib/str.h"

#define READ_SECONDS 10

struct word {
	const char *path;
	char text[256]; /* "LINE: what", the first that it says */
};

/* "PATH: LINE: what", or "PATH: line LINE: what". */
static void take_word(const char *line, void *arg)
{
	struct word *w = arg;
	size_t n = strlen(w->path);

	if (w->text[0])
		return;
	if (!strncmp(line, w->path, n) && line[n] == ':')
		line += n + 1;
	while (*line == ' ')
		line++;
	if (str_starts(line, "line ") && isdigit((unsigned char)line[5]))
		line += 5;
	snprintf(w->text, sizeof(w->text), "%s", line);
}

static bool is_readable(const char *path, struct word *w)
{
	char *const argv[] = {(char *)"sh", (char *)"-n", (char *)path, NULL};
	struct proc_options o = {.total_seconds = READ_SECONDS, .line = take_word, .arg = w};
	int ret = proc_run(argv, &o);

	if (ret && !w->text[0])
		proc_result(ret, &o, w->text, sizeof(w->text));
	return !ret;
}

int module_syntax_check(const struct modules *m, cluster_error_fn *error, void *arg)
{
	int errors = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct word w = {.path = m->list[i]->path};
		_cleanup_free_ char *line = NULL;

		if (!m->list[i]->site || is_readable(w.path, &w))
			continue;
		line = xasprintf("%s:%s%s", w.path, isdigit((unsigned char)w.text[0]) ? "" : " ",
				 w.text);
		error(line, arg);
		errors++;
	}
	return errors;
}
