/* e2fsck on one device; see fsck.h. Exit codes are e2fsck(8)'s. */
#include "modules/lib/fsck.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/log.h"
#include "init/lib/str.h"
#include "modules/lib/tool.h"

#define E2FSCK	      "/sbin/e2fsck"
#define E2FSCK_MENDED 3 /* 1: corrected, 2: and the machine should boot again */
#define E2FSCK_LEFT   4
#define SECONDS	      (6 * 3600)
#define LINES_LOGGED  50

struct words {
	const char *path;
	char *why;
	size_t len;
	unsigned int count;
};

/* What e2fsck found, without its progress ("2 17 640 /dev/vda1") and the closing count of files. */
static void hear(const char *line, void *arg)
{
	struct words *w = arg;
	const char *text = line + strspn(line, " \t*");
	size_t n = strlen(w->path);

	if (!*text || isdigit((unsigned char)*text) || strstr(text, " blocks"))
		return;
	if (!strncmp(text, w->path, n) && text[n] == ':')
		text += n + 1 + strspn(text + n + 1, " ");
	snprintf(w->why, w->len, "%s", text);
	str_make_text(w->why);
	if (w->count++ < LINES_LOGGED)
		log_info("e2fsck of '%s': %s", w->path, w->why);
}

static int run(const char *path, char *how, struct words *w)
{
	char *const argv[] = {E2FSCK, how, "-C", "1", (char *)path, NULL};
	char words[TOOL_WORDS_MAX];

	return tool_exit(&(struct tool){.argv = argv,
					.addon = "e2fsck",
					.device = path,
					.seconds = SECONDS,
					.line = hear,
					.arg = w},
			 words);
}

int fsck_ext4(const char *path, char *why, size_t len)
{
	struct words w = {.path = path, .why = why, .len = len};
	int ret;

	why[0] = '\0';
	ret = run(path, "-p", &w);
	if (ret > 0 && ret & E2FSCK_LEFT) {
		log_warn("'%s' is damaged (%s): e2fsck mends all that it finds", path, why);
		ret = run(path, "-y", &w);
	}
	if (ret <= 0)
		return ret;
	if (!(ret & ~E2FSCK_MENDED)) {
		log_info("'%s' was mended: %s", path, why);
		return 1;
	}
	log_err(0, "e2fsck cannot mend '%s' (exit code %d): %s", path, ret, why);
	return -EUCLEAN;
}
