/* Reads sources.list and sources.list.d in both forms; see apt-sources.h. Taken is what names the
 * host's release, or an update or security suite of it, and has the component main: not what other
 * vendors offer for the same release. */
#include "host-tools/lib/apt-sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

#define SOURCES_MAX ((size_t)1 << 20)
#define APT_DIR	    "/etc/apt"

struct source {
	char *types, *uris, *suites, *components, *signed_by, *trusted, *enabled;
};

struct rewrite {
	struct strbuf *out;
	const char *host, *suite; /* codenames */
	unsigned int count;
};

static bool has_word(const char *list, const char *word)
{
	_cleanup_free_ char *copy = xstrdup(list ? list : "");
	char *rest = copy, *w;

	while ((w = str_word(&rest)))
		if (!strcmp(w, word))
			return true;
	return false;
}

/* "bookworm-security" -> "trixie-security"; other suites are left out. */
static void write_suites(struct rewrite *r, struct strbuf *suites, const char *list)
{
	_cleanup_free_ char *copy = xstrdup(list);
	char *rest = copy, *w;
	size_t n = strlen(r->host);

	while ((w = str_word(&rest))) {
		if (strncmp(w, r->host, n))
			continue;
		if (!w[n] || !strcmp(w + n, "-updates") || !strcmp(w + n, "-security"))
			strbuf_addf(suites, " %s%s", r->suite, w + n);
	}
}

static void write_source(struct rewrite *r, const struct source *s)
{
	_cleanup_strbuf_ struct strbuf suites = STRBUF_INIT;

	if (!has_word(s->types, "deb") || !has_word(s->components, "main") || !s->uris ||
	    !s->suites)
		return;
	if (s->enabled && !strcmp(s->enabled, "no"))
		return;
	write_suites(r, &suites, s->suites);
	if (!suites.len)
		return;
	strbuf_addf(r->out, "%sTypes: deb\nURIs: %s\nSuites:%s\nComponents: %s\n",
		    r->count++ ? "\n" : "", s->uris, suites.buf, s->components);
	if (s->signed_by)
		strbuf_addf(r->out, "Signed-By: %s\n", s->signed_by);
	if (s->trusted)
		strbuf_addf(r->out, "Trusted: %s\n", s->trusted);
}

/* "[arch=amd64 signed-by=/x.gpg]" */
static void parse_options(struct source *s, char *options)
{
	char *rest = options, *w;

	while ((w = str_word(&rest))) {
		if (str_starts(w, "signed-by="))
			s->signed_by = w + strlen("signed-by=");
		else if (str_starts(w, "trusted="))
			s->trusted = w + strlen("trusted=");
	}
}

/* "deb [options] URI SUITE COMPONENT..." */
static void parse_line(struct rewrite *r, char *line)
{
	struct source s = {0};
	char *rest = line, *close;

	line[strcspn(line, "#")] = '\0';
	s.types = str_word(&rest);
	rest += strspn(rest, " \t");
	if (*rest == '[' && (close = strchr(rest, ']'))) {
		*close = '\0';
		parse_options(&s, rest + 1);
		rest = close + 1;
	}
	s.uris = str_word(&rest);
	s.suites = str_word(&rest);
	s.components = str_trim(rest);
	write_source(r, &s);
}

static void parse_list(struct rewrite *r, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		parse_line(r, line);
}

/* The field that a line begins, its value set; NULL for one that is of no interest. */
static char **start_field(struct source *s, char *line)
{
	const struct {
		const char *name;
		char **value;
	} fields[] = {
		{"Types:", &s->types},	       {"URIs:", &s->uris},
		{"Suites:", &s->suites},       {"Components:", &s->components},
		{"Signed-By:", &s->signed_by}, {"Trusted:", &s->trusted},
		{"Enabled:", &s->enabled},
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strncasecmp(line, fields[i].name, strlen(fields[i].name))) {
			*fields[i].value = str_trim(line + strlen(fields[i].name));
			return fields[i].value;
		}
	return NULL;
}

/* One paragraph of deb822. Continuation lines (an embedded key) stay part of their value: they are
 * joined again with the newline. */
static void parse_stanza(struct rewrite *r, char *text)
{
	struct source s = {0};
	char *line, **field = NULL, *end = NULL;

	while ((line = strsep(&text, "\n"))) {
		if (*line == '#')
			continue;
		if (*line != ' ' && *line != '\t') {
			field = start_field(&s, line);
			end = field ? *field + strlen(*field) : NULL;
		} else if (end) {
			size_t n = strlen(line);

			*end++ = '\n';
			memmove(end, line, n + 1);
			end += n;
		}
	}
	write_source(r, &s);
}

static void parse_deb822(struct rewrite *r, char *text)
{
	char *end;

	while ((end = strstr(text, "\n\n"))) {
		*end = '\0';
		parse_stanza(r, text);
		text = end + 2;
	}
	parse_stanza(r, text);
}

static int read_source_file(struct rewrite *r, const char *path)
{
	_cleanup_free_ char *text = NULL;
	int ret = file_read(path, SOURCES_MAX, &text, NULL);

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return log_err(ret, "cannot read '%s'", path);
	if (str_ends(path, ".sources"))
		parse_deb822(r, text);
	else
		parse_list(r, text);
	return 0;
}

static int is_source(const struct dirent *e)
{
	return str_ends(e->d_name, ".list") || str_ends(e->d_name, ".sources");
}

static int read_all(struct rewrite *r)
{
	struct dirent **entries = NULL;
	int ret = read_source_file(r, APT_DIR "/sources.list");
	int n = scandir(APT_DIR "/sources.list.d", &entries, is_source, alphasort);

	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path =
			xasprintf(APT_DIR "/sources.list.d/%s", entries[i]->d_name);

		if (!ret)
			ret = read_source_file(r, path);
		free(entries[i]);
	}
	free(entries);
	return ret;
}

/* The value of KEY=value or KEY="value". */
static bool os_release_value(const char *text, const char *key, char *out, size_t len)
{
	size_t n = strlen(key);

	for (const char *line = text; line;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		if (strncmp(line, key, n) || line[n] != '=')
			continue;
		line += n + 1;
		line += *line == '"';
		n = strcspn(line, "\"\n");
		if (n >= len)
			return false;
		memcpy(out, line, n);
		out[n] = '\0';
		return n;
	}
	return false;
}

int apt_host_release(char *codename, size_t codename_len, char *id, size_t id_len)
{
	_cleanup_free_ char *text = NULL;
	int ret = file_read("/etc/os-release", SOURCES_MAX, &text, NULL);

	if (ret)
		return ret;
	if (!os_release_value(text, "VERSION_CODENAME", codename, codename_len) ||
	    !os_release_value(text, "ID", id, id_len))
		return -ENOENT;
	return 0;
}

int apt_sources_write(struct strbuf *out, const char *suite)
{
	char codename[64], id[64];
	struct rewrite r = {.out = out, .host = codename, .suite = suite};
	int ret = apt_host_release(codename, sizeof(codename), id, sizeof(id));

	if (ret)
		return log_err(ret, "cannot tell this host's release from /etc/os-release");
	ret = read_all(&r);
	if (!ret && !r.count)
		return log_err(0,
			       "no source of '%s' in " APT_DIR "/sources.list and sources.list.d",
			       codename);
	return ret ? ret : out->error;
}
