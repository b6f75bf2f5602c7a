/* Which sources were silent; see silent.h. */
#include "init/lib/silent.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX     ((size_t)16 << 10)
#define LINE_MAX_LEN 256

/* The line of a URL's server; its length, 0 where there is none. */
static size_t line_of(const char *url, char line[LINE_MAX_LEN])
{
	const char *host = strstr(url, "://");
	int n = 0;

	if (host)
		n = snprintf(line, LINE_MAX_LEN, "%.*s\n",
			     (int)(host + 3 - url + (ptrdiff_t)strcspn(host + 3, "/")), url);
	return n > 0 && n < LINE_MAX_LEN ? (size_t)n : 0;
}

/* Where it was noted for the last time, from 1; 0: never. */
static size_t noted_at(const char *text, const char *url)
{
	char line[LINE_MAX_LEN];
	size_t len = line_of(url, line), at = 0;

	for (const char *p = text; len && *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (!strncmp(p, line, len))
			at = (size_t)(p - text) + 1;
	return at;
}

void silent_last(const char *path, char **urls, size_t count)
{
	_cleanup_free_ char *text = NULL;

	if (file_read(path, 2 * FILE_MAX, &text, NULL))
		return;
	for (size_t i = 1; i < count; i++) {
		char *url = urls[i];
		size_t to = i;

		for (; to && noted_at(text, urls[to - 1]) > noted_at(text, url); to--)
			urls[to] = urls[to - 1];
		urls[to] = url;
	}
}

void silent_note(const char *path, const char *url)
{
	char line[LINE_MAX_LEN];
	size_t len = line_of(url, line);
	struct stat st;
	bool full = !stat(path, &st) && (size_t)st.st_size > FILE_MAX;
	_cleanup_close_ int fd = -1;

	if (!len)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (full ? O_TRUNC : 0), 0600);
	if (fd >= 0)
		(void)!write_full(fd, line, len);
}
