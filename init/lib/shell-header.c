/* Reader of the comment at the start of a shell module; see shell-header.h. Pure. Other comments
 * among its lines are left alone. */
#include "init/lib/shell-header.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "init/lib/str.h"

#define LINE_LEN 512

static int take_text(char *out, size_t size, const char *value)
{
	size_t n = strlen(value);

	if (n >= size || !str_is_text(value, n))
		return -EINVAL;
	memcpy(out, value, n + 1);
	return 0;
}

static int take_names(char *out, size_t size, const char *value)
{
	char copy[LINE_LEN], *rest = copy, *word;

	if (take_text(out, size, value))
		return -EINVAL;
	snprintf(copy, sizeof(copy), "%s", value);
	while ((word = str_word(&rest)))
		if (!str_is_name(word))
			return -EINVAL;
	return 0;
}

static int take_silence(struct shell_header *h, const char *value)
{
	uint64_t seconds;

	if (str_to_u64(value, &seconds) || seconds == 0 || seconds > SILENCE_MAX)
		return -EINVAL;
	h->silence = (unsigned int)seconds;
	return 0;
}

static int take(struct shell_header *h, const char *key, const char *value)
{
	if (!strcmp(key, "module"))
		return str_is_name(value) ? take_text(h->name, sizeof(h->name), value) : -EINVAL;
	if (!strcmp(key, "summary"))
		return take_text(h->summary, sizeof(h->summary), value);
	if (!strcmp(key, "after"))
		return take_names(h->after, sizeof(h->after), value);
	if (!strcmp(key, "needs"))
		return take_names(h->needs, sizeof(h->needs), value);
	if (!strcmp(key, "silence"))
		return take_silence(h, value);
	return 0;
}

/* "# key: value" */
static int take_line(struct shell_header *h, char *line, char *why, size_t why_len)
{
	char *colon = strchr(line, ':'), *key;

	if (!colon)
		return 0;
	*colon = '\0';
	key = str_trim(line + 1);
	if (!take(h, key, str_trim(colon + 1)))
		return 0;
	snprintf(why, why_len, "the value of '# %.20s:' cannot be used", key);
	return -EINVAL;
}

int shell_header_parse(struct shell_header *h, const char *text, size_t len, char *why,
		       size_t why_len)
{
	char line[LINE_LEN];
	int ret = 0;

	*h = (struct shell_header){.silence = SILENCE_DEFAULT};
	while (!ret && len && *text == '#') {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		snprintf(line, sizeof(line), "%.*s", (int)(n < LINE_LEN ? n : LINE_LEN - 1), text);
		ret = take_line(h, line, why, why_len);
		n += end ? 1 : 0;
		text += n;
		len -= n;
	}
	if (!ret && (!*h->name || !*h->summary)) {
		snprintf(why, why_len, "its header has no '# %s:' line",
			 *h->name ? "summary" : "module");
		ret = -EINVAL;
	}
	return ret;
}
