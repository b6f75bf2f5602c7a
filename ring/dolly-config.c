/* Reader of the older dolly's configuration; see dolly-config.h. Pure. */
#include "ring/dolly-config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "init/lib/str.h"

struct reader {
	struct dolly_config *c;
	char *rest;
	unsigned int line;
	const char *problem;
};

/* The next line that is neither empty nor a comment, trimmed; NULL at the end. */
static char *next_line(struct reader *r)
{
	while (r->rest && *r->rest) {
		char *line = r->rest, *newline = strchr(line, '\n');

		r->rest = newline ? newline + 1 : line + strlen(line);
		if (newline)
			*newline = '\0';
		r->line++;
		line = str_trim(line);
		if (*line && *line != '#')
			return line;
	}
	return NULL;
}

static void take_value(struct reader *r, char **out, char *rest)
{
	char *value = str_word(&rest);

	if (*out)
		r->problem = "given twice";
	else if (!value)
		r->problem = "its value is missing";
	else
		*out = value;
}

static void take_clients(struct reader *r, char *rest)
{
	char *number = str_word(&rest);
	uint64_t n;

	if (r->c->clients) {
		r->problem = "given twice";
		return;
	}
	if (!number || str_to_u64(number, &n) || n == 0 || n > DOLLY_CLIENTS_MAX) {
		r->problem = "not a number of clients";
		return;
	}
	r->c->clients = calloc((size_t)n, sizeof(*r->c->clients));
	if (!r->c->clients) {
		r->problem = "out of memory";
		return;
	}
	while (r->c->count < n) {
		char *line = next_line(r);

		if (!line || !strcmp(line, "endconfig")) {
			r->problem = "fewer clients than announced";
			return;
		}
		r->c->clients[r->c->count++] = str_word(&line);
	}
}

static bool is_accepted(const char *word)
{
	static const char *const words[] = {"firstclient",  "lastclient",   "hyphennormal",
					    "hypheninname", "fastethernet", "gigabit",
					    "dosync",	    "segsize",	    "bufsize"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

static void take_line(struct reader *r, char *line)
{
	char *rest = line, *word = str_word(&rest);

	if (!strcmp(word, "infile"))
		take_value(r, &r->c->infile, rest);
	else if (!strcmp(word, "outfile"))
		take_value(r, &r->c->outfile, rest);
	else if (!strcmp(word, "server"))
		take_value(r, &r->c->server, rest);
	else if (!strcmp(word, "clients"))
		take_clients(r, rest);
	else if (!is_accepted(word))
		r->problem =
			"not supported, expected infile, outfile, server, clients or endconfig";
}

static const char *read_lines(struct reader *r)
{
	char *line;

	while ((line = next_line(r)) && strcmp(line, "endconfig")) {
		take_line(r, line);
		if (r->problem)
			return r->problem;
	}
	if (!line)
		return "endconfig is missing";
	if (!r->c->infile || !r->c->outfile || !r->c->clients)
		return "infile, outfile or clients is missing";
	return NULL;
}

int dolly_config_parse(struct dolly_config *c, const char *text, size_t len, char *why,
		       size_t why_len)
{
	struct reader r = {.c = c};
	const char *problem;

	*c = (struct dolly_config){0};
	if (memchr(text, '\0', len)) {
		snprintf(why, why_len, "line 1: not a text file");
		return -EINVAL;
	}
	c->text = strndup(text, len);
	if (!c->text)
		return -ENOMEM;
	r.rest = c->text;
	problem = read_lines(&r);
	if (!problem)
		return 0;
	snprintf(why, why_len, "line %u: %s", r.line, problem);
	dolly_config_free(c);
	return -EINVAL;
}

void dolly_config_free(struct dolly_config *c)
{
	free(c->text);
	free(c->clients);
	*c = (struct dolly_config){0};
}
