/* Runs one storage tool; see tool.h. */
#include "modules/lib/tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/kmod.h"
#include "init/lib/log.h"
#include "init/lib/proc.h"
#include "init/lib/str.h"

struct listener {
	const struct tool *tool;
	char *words;
};

static void hear(const char *line, void *arg)
{
	struct listener *l = arg;

	log_debug("%s: %s", l->tool->argv[0], line);
	snprintf(l->words, TOOL_WORDS_MAX, "%s", line);
	str_make_text(l->words);
	if (l->tool->line)
		l->tool->line(line, l->tool->arg);
}

int tool_exit(const struct tool *t, char words[TOOL_WORDS_MAX])
{
	struct listener listener = {t, words};
	const struct proc_options o = {.total_seconds = t->seconds ? t->seconds : TOOL_SECONDS,
				       .line = hear,
				       .arg = &listener,
				       .input = t->input,
				       .input_len = t->input_len};
	char result[64];
	int ret;

	words[0] = '\0';
	ret = proc_run(t->argv, &o);
	if (ret == -ENOENT)
		return log_err(ret, "'%s' for '%s' is not here: %s.img was not loaded", t->argv[0],
			       t->device, t->addon);
	if (ret < 0)
		log_err(0, "'%s' of '%s': %s", t->argv[0], t->device,
			proc_result(ret, &o, result, sizeof(result)));
	return ret;
}

int tool_run(const struct tool *t)
{
	char words[TOOL_WORDS_MAX];
	int ret = tool_exit(t, words);

	if (ret <= 0)
		return ret;
	log_err(0, "'%s' of '%s' fails with %d: %s", t->argv[0], t->device, ret,
		words[0] ? words : "it gives no reason");
	return -EIO;
}

void tool_load(const char *const *modules, size_t count)
{
	struct kmod *k;

	if (kmod_open(&k, NULL))
		return;
	for (size_t i = 0; i < count; i++)
		kmod_load(k, modules[i]);
	kmod_close(k);
}
