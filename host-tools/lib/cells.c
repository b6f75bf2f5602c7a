/* Cells of a table on a terminal; see cells.h. */
#include "host-tools/lib/cells.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

/* One character of the text, replaced where it may not be shown: its bytes in out (with the NUL),
 * its columns. Returns the bytes of the text that it was. */
static size_t take(const char *text, char out[8], size_t *columns)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t n = mbrtowc(&c, text, strnlen(text, 6), &state);
	bool bad = n == (size_t)-1 || n == (size_t)-2;
	int width = bad ? -1 : wcwidth(c);

	if (width < 1) {
		*columns = 1;
		memcpy(out, "?", 2);
		return bad ? 1 : n;
	}
	*columns = (size_t)width;
	memcpy(out, text, n);
	out[n] = '\0';
	return n;
}

/* Whether the whole text fits. */
static bool fits(const char *text, size_t columns)
{
	size_t used = 0, width;
	char c[8];

	while (*text) {
		text += take(text, c, &width);
		used += width;
		if (used > columns)
			return false;
	}
	return true;
}

size_t cell_add(struct strbuf *out, const char *text, size_t columns)
{
	bool whole = fits(text, columns);
	size_t room = whole || !columns ? columns : columns - 1, used = 0, width;
	char c[8];

	while (*text) {
		text += take(text, c, &width);
		if (used + width > room)
			break;
		strbuf_adds(out, c);
		used += width;
	}
	if (!whole && columns) {
		strbuf_adds(out, "~");
		used++;
	}
	return used;
}

void cell_pad(struct strbuf *out, const char *text, size_t columns)
{
	size_t used = cell_add(out, text, columns);

	strbuf_addf(out, "%*s", (int)(columns - used), "");
}

void cell_column(struct strbuf *out, const char *text, size_t columns)
{
	cell_pad(out, text, columns);
	strbuf_adds(out, "  ");
}

void cell_print(struct strbuf *line)
{
	while (line->len && line->buf[line->len - 1] == ' ')
		line->buf[--line->len] = '\0';
	puts(line->len ? line->buf : "");
	strbuf_reset(line);
}

const char *cell_duration(int64_t seconds, char buf[CELL_TEXT])
{
	unsigned long long s = seconds > 0 ? (unsigned long long)seconds : 0;

	if (s < 60)
		snprintf(buf, CELL_TEXT, "%llus", s);
	else if (s < 3600)
		snprintf(buf, CELL_TEXT, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, CELL_TEXT, "%lluh%02llum", s / 3600, s / 60 % 60);
	else if (s / 86400 < 99999)
		snprintf(buf, CELL_TEXT, "%llud", s / 86400);
	else
		snprintf(buf, CELL_TEXT, "ages");
	return buf;
}

const char *cell_size(uint64_t bytes, char buf[CELL_TEXT])
{
	static const char units[] = "KMGTPE";
	double n = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buf, CELL_TEXT, "%u", (unsigned int)bytes);
		return buf;
	}
	for (n /= 1024; n >= 1023.5 && unit + 1 < sizeof(units) - 1; unit++)
		n /= 1024;
	snprintf(buf, CELL_TEXT, n < 9.95 ? "%.1f%c" : "%.0f%c", n, units[unit]);
	return buf;
}

const char *cell_time(int64_t at, char buf[CELL_TIME])
{
	time_t t = (time_t)at;
	struct tm tm;

	if (!at || !localtime_r(&t, &tm) || !strftime(buf, CELL_TIME, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(buf, CELL_TIME, "-");
	return buf;
}
