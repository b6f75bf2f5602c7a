/* The board as lines of a terminal; see board.h. At 80 columns:
 *
 *	NODE           STATE      MODULE      SILENT PROGRESS         RATE    ETA
 *	cnode07        installing extrbase    0s      45%  512M/1.1G  98M/s   6s
 *	cnode31        failed     partition   3m12s  foreign data on '/dev/sda'
 */
#include "host-tools/lib/board.h"

#include <stdio.h>
#include <string.h>

#include "host-tools/lib/cells.h"

#define STATE_WIDTH    10
#define MODULE_WIDTH   11
#define SILENT_WIDTH   6
#define PROGRESS_WIDTH 16
#define RATE_WIDTH     7
#define ETA_WIDTH      6
#define MESSAGE_WIDTH  16 /* a narrower one is not worth its place */
#define NAME_MIN       4
#define NAME_MAX_TIGHT 14 /* of a terminal with fewer than ROOMY columns */
#define NAME_MAX_ROOMY 32
#define ROOMY	       110

#define NUMBERS_WIDTH (PROGRESS_WIDTH + 1 + RATE_WIDTH + 1 + ETA_WIDTH)

static size_t name_columns(const struct board *b, size_t columns)
{
	size_t most = columns < ROOMY ? NAME_MAX_TIGHT : NAME_MAX_ROOMY;

	if (b->name_width < NAME_MIN)
		return NAME_MIN;
	return b->name_width < most ? b->name_width : most;
}

/* A row of cells that stops at the right margin. */
struct line {
	struct strbuf *out;
	size_t left; /* columns */
};

static void line_cell(struct line *l, const char *text, size_t columns, const char *colour)
{
	size_t n = columns < l->left ? columns : l->left;

	if (colour)
		strbuf_adds(l->out, colour);
	cell_pad(l->out, text, n);
	if (colour)
		strbuf_adds(l->out, "\033[0m");
	l->left -= n;
	if (l->left) {
		strbuf_adds(l->out, " ");
		l->left--;
	}
}

void board_counts(const struct board *b, struct strbuf *out, size_t columns)
{
	char text[256], clock[CELL_TIME];
	size_t len, clock_len;

	snprintf(text, sizeof(text), "%zu node%s", b->count, b->count == 1 ? "" : "s");
	for (int g = 0; g < BOARD_GROUPS; g++) {
		len = strlen(text);
		if (b->groups[g])
			snprintf(text + len, sizeof(text) - len, "  %zu %s", b->groups[g],
				 board_group_name((enum board_group)g));
	}
	len = strlen(text);
	cell_time(b->now, clock);
	clock_len = strlen(clock) < 8 ? strlen(clock) : 8;
	if (len + 2 + clock_len > columns)
		cell_pad(out, text, columns);
	else
		strbuf_addf(out, "%s%*s", text, (int)(columns - len),
			    clock + strlen(clock) - clock_len);
}

void board_titles(const struct board *b, struct strbuf *out, size_t columns)
{
	struct line l = {out, columns};

	line_cell(&l, "NODE", name_columns(b, columns), NULL);
	line_cell(&l, "STATE", STATE_WIDTH, NULL);
	line_cell(&l, "MODULE", MODULE_WIDTH, NULL);
	line_cell(&l, "SILENT", SILENT_WIDTH, NULL);
	line_cell(&l, "PROGRESS", PROGRESS_WIDTH, NULL);
	line_cell(&l, "RATE", RATE_WIDTH, NULL);
	line_cell(&l, "ETA", ETA_WIDTH, NULL);
	line_cell(&l, l.left >= MESSAGE_WIDTH ? "MESSAGE" : "", l.left, NULL);
}

void board_words(const struct board_row *row, char *buf, size_t len)
{
	const struct state_node *n = &row->node;

	if (row->group == BOARD_ARMED)
		snprintf(buf, len, "installer '%s' at its next boot%s", n->armed,
			 n->wipe ? "; may wipe" : "");
	else
		snprintf(buf, len, "%s", n->message);
}

static void progress_text(const struct state_node *n, char *buf, size_t len)
{
	char done[CELL_TEXT], all[CELL_TEXT];
	double part = n->total ? (double)n->bytes / (double)n->total : 0;

	if (!n->total)
		snprintf(buf, len, "     %5s", n->bytes ? cell_size(n->bytes, done) : "");
	else if (n->total < EVENT_STEPS_MAX)
		snprintf(buf, len, "%3.0f%% %5llu/%llu", 100 * (part < 1 ? part : 1),
			 (unsigned long long)n->bytes, (unsigned long long)n->total);
	else
		snprintf(buf, len, "%3.0f%% %5s/%s", 100 * (part < 1 ? part : 1),
			 cell_size(n->bytes, done), cell_size(n->total, all));
}

static void line_numbers(struct line *l, const struct board *b, const struct board_row *row)
{
	char text[64], part[CELL_TEXT];
	uint64_t rate = board_rate(b, row);
	int64_t eta = board_eta(b, row);

	progress_text(&row->node, text, sizeof(text));
	line_cell(l, text, PROGRESS_WIDTH, NULL);
	if (rate)
		snprintf(text, sizeof(text), "%s/s", cell_size(rate, part));
	line_cell(l, rate ? text : "", RATE_WIDTH, NULL);
	line_cell(l, eta >= 0 ? cell_duration(eta, part) : "", ETA_WIDTH, NULL);
}

static const char *silent_colour(const struct board_row *row)
{
	if (row->group != BOARD_RUNNING || row->silent < 30)
		return NULL;
	return row->silent < 120 ? "\033[33m" : "\033[1;31m";
}

void board_line(const struct board *b, const struct board_row *row, struct strbuf *out,
		size_t columns, bool colours)
{
	static const char *const state_colours[] = {"\033[1;31m", "\033[1;35m", "\033[36m",
						    "\033[33m",	  "\033[32m",	"\033[2m"};
	char silent[CELL_TEXT] = "", words[EVENT_MESSAGE_MAX];
	struct line l = {out, columns};

	line_cell(&l, row->node.name, name_columns(b, columns), NULL);
	line_cell(&l, board_state_name(row), STATE_WIDTH,
		  colours ? state_colours[row->group] : NULL);
	line_cell(&l, row->node.module, MODULE_WIDTH, NULL);
	if (row->silent >= 0)
		cell_duration(row->silent, silent);
	line_cell(&l, silent, SILENT_WIDTH, colours ? silent_colour(row) : NULL);
	board_words(row, words, sizeof(words));
	if (row->group == BOARD_RUNNING &&
	    (row->node.bytes || row->node.total || l.left >= NUMBERS_WIDTH + 1 + MESSAGE_WIDTH)) {
		line_numbers(&l, b, row);
		if (l.left < MESSAGE_WIDTH)
			words[0] = '\0';
	}
	line_cell(&l, words, l.left, NULL);
}
