/* Reader and writer of plans; see plan-format.h. Pure: no I/O, no logging.
 *
 * The reader splits its copy of the text in place: one array of lines for the whole plan, of which
 * every section holds a part, so a plan costs two allocations besides its text and can be released
 * without walking it.
 */
#include "init/lib/plan-format.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct plan *plan;
	struct plan_line *next; /* free place in the array of lines */
	unsigned int number;
	char *why;
	size_t why_len;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct reader *r, const char *fmt, ...)
{
	char what[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(r->why, r->why_len, "line %u: %s", r->number, what);
	return -EINVAL;
}

static bool is_key(const char *s)
{
	if (!islower((unsigned char)*s))
		return false;
	for (; *s; s++)
		if (!islower((unsigned char)*s) && !isdigit((unsigned char)*s) && *s != '_')
			return false;
	return true;
}

static int read_section(struct reader *r, char *line)
{
	size_t n = strlen(line);

	if (line[n - 1] != ']')
		return refuse(r, "a section without its ']'");
	line[n - 1] = '\0';
	line++;
	if (!str_is_name(line))
		return refuse(r, "'%.63s' cannot name a section", line);
	if (plan_section(r->plan, line))
		return refuse(r, "section '%s' for the second time", line);
	r->plan->sections[r->plan->count++] = (struct plan_section){.name = line, .lines = r->next};
	return 0;
}

static int read_line(struct reader *r, char *line)
{
	struct plan_section *s = &r->plan->sections[r->plan->count - 1];
	char *value = strchr(line, ' ');

	if (value)
		*value++ = '\0';
	if (!is_key(line))
		return refuse(r, "'%.63s' cannot be a key", line);
	if (value && !*value)
		return refuse(r, "nothing after the blank of '%.63s'", line);
	*r->next++ =
		(struct plan_line){.key = line, .value = value ? value : "", .number = r->number};
	s->count++;
	return 0;
}

static int read_text(struct reader *r)
{
	char *line = r->plan->text, *end;
	int ret;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		r->number++;
		if (!str_is_text(line, (size_t)(end - line)))
			return refuse(r, "a control character, or not UTF-8");
		if (r->number == 1) {
			if (strcmp(line, PLAN_VERSION_LINE) != 0)
				return refuse(r, "not a plan of this version ('%s')",
					      PLAN_VERSION_LINE);
			continue;
		}
		if (!*line)
			continue;
		ret = *line == '[' ? read_section(r, line) : read_line(r, line);
		if (ret)
			return ret;
	}
	r->number++;
	if (*line)
		return refuse(r, "the end of the line is missing");
	if (r->number == 1)
		return refuse(r, "empty");
	return 0;
}

/* Room for the worst case, so that nothing grows later: every line that starts with '[' is a
 * section, every other one a line. */
static int make_room(struct plan *p, struct plan_line **lines)
{
	size_t line_count = 1, section_count = 1;

	for (const char *s = p->text; (s = strchr(s, '\n')); s++) {
		if (s[1] == '[')
			section_count++;
		else
			line_count++;
	}
	*lines = calloc(line_count, sizeof(**lines));
	p->sections = calloc(section_count, sizeof(*p->sections));
	if (!*lines || !p->sections) {
		free(*lines);
		return -ENOMEM;
	}
	p->sections[0] = (struct plan_section){.name = "", .lines = *lines};
	p->count = 1;
	return 0;
}

int plan_parse(struct plan *p, const char *text, size_t len, char *why, size_t why_len)
{
	struct reader r = {.plan = p, .why = why, .why_len = why_len};
	int ret;

	*p = (struct plan){0};
	if (len > PLAN_MAX) {
		snprintf(why, why_len, "larger than %zu bytes", PLAN_MAX);
		return -EFBIG;
	}
	if (len == 0)
		text = "";
	if (memchr(text, '\0', len)) {
		snprintf(why, why_len, "a NUL byte in the text");
		return -EINVAL;
	}
	p->text = strndup(text, len);
	ret = p->text ? make_room(p, &r.next) : -ENOMEM;
	if (ret)
		snprintf(why, why_len, "out of memory");
	else
		ret = read_text(&r);
	if (ret)
		plan_free(p);
	return ret;
}

void plan_free(struct plan *p)
{
	if (p->count)
		free(p->sections[0].lines);
	free(p->sections);
	free(p->text);
	*p = (struct plan){0};
}

const struct plan_section *plan_section(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (!strcmp(p->sections[i].name, name))
			return &p->sections[i];
	return NULL;
}

static const struct plan_line *search(const struct plan_section *s, const char *key, size_t from)
{
	for (size_t i = from; i < s->count; i++)
		if (!key || !strcmp(s->lines[i].key, key))
			return &s->lines[i];
	return NULL;
}

const struct plan_line *plan_first(const struct plan_section *s, const char *key)
{
	return s ? search(s, key, 0) : NULL;
}

const struct plan_line *plan_next(const struct plan_section *s, const char *key,
				  const struct plan_line *after)
{
	return search(s, key, (size_t)(after - s->lines) + 1);
}

const char *plan_get(const struct plan_section *s, const char *key)
{
	const struct plan_line *line = plan_first(s, key);

	return line ? line->value : NULL;
}

const char *plan_head(const struct plan *p, const char *key)
{
	return p->count ? plan_get(&p->sections[0], key) : NULL;
}

int plan_blob_urls(const struct plan *p, const char *root, char **urls, size_t max)
{
	const struct plan_section *head = plan_section(p, "");
	const char *key = plan_get(head, "blobs") ? "blobs" : "server";
	int count = 0;

	plan_for_each (line, head, key) {
		if ((size_t)count == max)
			break;
		if (asprintf(&urls[count], "%s%s/%s", line->value,
			     strcmp(key, "blobs") ? "/blob" : "", root) < 0) {
			while (count)
				free(urls[--count]);
			return -ENOMEM;
		}
		count++;
	}
	return count;
}

void plan_write_start(struct strbuf *b)
{
	strbuf_adds(b, PLAN_VERSION_LINE "\n");
}

void plan_write_section(struct strbuf *b, const char *name)
{
	if (str_is_name(name))
		strbuf_addf(b, "\n[%s]\n", name);
	else if (!b->error)
		b->error = -EINVAL;
}

void plan_write(struct strbuf *b, const char *key, const char *value)
{
	if (is_key(key) && str_is_text(value, strlen(value)))
		strbuf_addf(b, "%s%s%s\n", key, *value ? " " : "", value);
	else if (!b->error)
		b->error = -EINVAL;
}

void plan_writef(struct strbuf *b, const char *key, const char *fmt, ...)
{
	char small[256], *value = small;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(small)) {
		va_start(ap, fmt);
		n = vasprintf(&value, fmt, ap);
		va_end(ap);
	}
	if (n < 0) {
		b->error = b->error ? b->error : -ENOMEM;
		return;
	}
	plan_write(b, key, value);
	if (value != small)
		free(value);
}
