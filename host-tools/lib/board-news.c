/* The news of a board; see board-news.h. While thousands are installed at once, nearly all that
 * changes is how far they have come: that goes as five numbers a node, everything else as the whole
 * of what is known of it. */
#include "host-tools/lib/board-news.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/json-out.h"

/* What changes all the time. */
struct numbers {
	int64_t done, rate, eta, seen;
};

struct news_row {
	char group[64];
	uint64_t texts; /* a hash of all but the numbers */
	struct numbers numbers;
	uint64_t texts_version, numbers_version; /* in which they became so */
};

static struct numbers numbers_of(const struct board *b, const struct board_row *row)
{
	struct numbers n = {.seen = row->node.last_seen};

	if (row->group != BOARD_RUNNING)
		return n;
	n.done = (int64_t)row->node.bytes;
	n.rate = (int64_t)board_rate(b, row);
	n.eta = board_eta(b, row);
	if (n.eta < 0)
		n.eta = 0;
	return n;
}

static bool is_same(const struct numbers *a, const struct numbers *b)
{
	return a->done == b->done && a->rate == b->rate && a->eta == b->eta && a->seen == b->seen;
}

static uint64_t texts_of(const struct board_row *row)
{
	const struct state_node *n = &row->node;
	uint64_t hash = map_hash(MAP_HASH, board_state_name(row));
	char total[24];

	snprintf(total, sizeof(total), "%llu", (unsigned long long)n->total);
	hash = map_hash(hash, n->armed);
	hash = map_hash(hash, n->install);
	hash = map_hash(hash, n->module);
	hash = map_hash(hash, n->held);
	hash = map_hash(hash, total);
	return map_hash(hash, n->message);
}

void news_begin(struct board_news *n, const struct board *b,
		void (*group)(const char *node, char *buf, size_t len, void *arg), void *arg)
{
	free(n->rows);
	n->rows = xcalloc(b->count, sizeof(*n->rows));
	n->first = ++n->version;
	for (size_t i = 0; i < b->count; i++)
		group(b->rows[i].node.name, n->rows[i].group, sizeof(n->rows[i].group), arg);
}

void news_free(struct board_news *n)
{
	free(n->rows);
	*n = (struct board_news){0};
}

/* Whether anything has become other than it was. */
static bool row_take(struct news_row *r, const struct board *b, const struct board_row *row,
		     uint64_t version)
{
	struct numbers numbers = numbers_of(b, row);
	uint64_t texts = texts_of(row);
	bool other_texts = texts != r->texts, other_numbers = !is_same(&numbers, &r->numbers);

	r->texts = texts;
	r->numbers = numbers;
	if (other_texts)
		r->texts_version = version;
	if (other_numbers)
		r->numbers_version = version;
	return other_texts || other_numbers;
}

void news_take(struct board_news *n, const struct board *b, size_t waiting)
{
	bool changed = waiting != n->waiting;

	n->waiting = waiting;
	for (size_t i = 0; i < b->count; i++)
		changed |= row_take(&n->rows[i], b, &b->rows[i], n->version + 1);
	n->version += changed;
}

/* --- JSON --- */

/* What is empty is left out: there are many rows. */
static void set_text(json_t *object, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(object, key, json_text(text));
}

static void set_number(json_t *object, const char *key, int64_t n)
{
	if (n > 0)
		json_object_set_new(object, key, json_integer(n));
}

json_t *news_row_json(const struct board_news *n, const struct board *b,
		      const struct board_row *row)
{
	const struct state_node *node = &row->node;
	struct numbers numbers = numbers_of(b, row);
	json_t *o = json_pack("{s:o, s:s}", "name", json_text(node->name), "state",
			      board_state_name(row));

	if (!o)
		return NULL;
	set_text(o, "group", n->rows[row->place].group);
	set_text(o, "armed", node->armed);
	set_text(o, "install", node->install);
	set_text(o, "module", node->held[0] ? node->held : node->module);
	set_text(o, "message", node->message);
	set_number(o, "seen", numbers.seen);
	if (row->group == BOARD_RUNNING)
		set_number(o, "total", (int64_t)node->total);
	set_number(o, "done", numbers.done);
	set_number(o, "rate", numbers.rate);
	set_number(o, "eta", numbers.eta);
	return o;
}

static int append(const char *text, size_t len, void *out)
{
	return strbuf_add(out, text, len) ? -1 : 0;
}

static void write_row(const struct board_news *n, const struct board *b,
		      const struct board_row *row, struct strbuf *out)
{
	json_t *o = news_row_json(n, b, row);

	if (!o)
		out->error = -ENOMEM;
	else
		json_dump_callback(o, append, out, JSON_COMPACT);
	json_decref(o);
}

static void write_numbers(const struct board_row *row, const struct numbers *n, struct strbuf *out)
{
	strbuf_addf(out, "%zu,%lld,%lld,%lld,%lld", row->place, (long long)n->done,
		    (long long)n->rate, (long long)n->eta, (long long)n->seen);
}

static void write_nodes(const struct board_news *n, const struct board *b, uint64_t from,
			bool whole, struct strbuf *out)
{
	const char *comma = "";

	strbuf_adds(out, ",\"nodes\":[");
	for (size_t i = 0; i < b->count; i++)
		if (whole || n->rows[i].texts_version > from) {
			strbuf_adds(out, comma);
			write_row(n, b, &b->rows[i], out);
			comma = ",";
		}
	strbuf_adds(out, "]");
}

static void write_progress(const struct board_news *n, const struct board *b, uint64_t from,
			   struct strbuf *out)
{
	const char *comma = "";

	strbuf_adds(out, ",\"progress\":[");
	for (size_t i = 0; i < b->count; i++)
		if (n->rows[i].texts_version <= from && n->rows[i].numbers_version > from) {
			strbuf_adds(out, comma);
			write_numbers(&b->rows[i], &n->rows[i].numbers, out);
			comma = ",";
		}
	strbuf_adds(out, "]");
}

void news_write(const struct board_news *n, const struct board *b, uint64_t from,
		struct strbuf *out, bool *whole)
{
	*whole = from < n->first;
	strbuf_addf(out, "{\"site\":\"%s\",\"now\":%lld,\"waiting\":%zu", n->site,
		    (long long)b->now, n->waiting);
	write_nodes(n, b, from, *whole, out);
	if (!*whole)
		write_progress(n, b, from, out);
	strbuf_adds(out, "}");
}
