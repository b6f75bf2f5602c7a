/* lucie status: a line for each node: how its last installation went, or goes, and what it boots
 * next; or the same as JSON. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host-tools/lib/board.h"
#include "host-tools/lib/cells.h"
#include "host-tools/lib/command.h"
#include "host-tools/lib/json-out.h"
#include "host-tools/lib/machine.h"
#include "host-tools/lib/screen.h"
#include "host-tools/lib/site.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

static const char usage[] =
	"lucie status [--state DIR] [--json | --seconds] [NODE...]\n"
	"  --json       an array with an object for each node (lucie(1) lists the fields)\n"
	"  --seconds    of the last installation: each module and how long it took\n"
	"  --state DIR  the state directory (" DEFAULT_STATE_DIR ")\n";

#define STATE_WIDTH 10
#define NEXT_WIDTH  16
#define SEEN_WIDTH  6

static size_t name_columns(const struct board *b)
{
	return b->name_width < 4 ? 4 : b->name_width > 20 ? 20 : b->name_width;
}

static const char *state_word(const struct board_row *row)
{
	return row->group == BOARD_RUNNING && row->silent > STATE_SILENT_SECONDS
		       ? "silent"
		       : board_state_name(row);
}

/* What an armed node did before is history. */
static void doing(const struct board_row *row, char *buf, size_t len)
{
	const struct state_node *n = &row->node;
	char done[24], all[24], amount[80] = "";

	buf[0] = '\0';
	if (row->group == BOARD_ARMED)
		return;
	if (!strcmp(n->status, "running") && n->total)
		snprintf(amount, sizeof(amount), "%.0f%% (%s of %s)",
			 100.0 * (double)n->bytes / (double)n->total,
			 event_amount(n->bytes, n->total, done, sizeof(done)),
			 event_amount(n->total, n->total, all, sizeof(all)));
	snprintf(buf, len, "%s%s%s%s%s", n->module,
		 n->module[0] && (amount[0] || n->message[0]) ? ": " : "", amount,
		 amount[0] && n->message[0] ? ", " : "", n->message);
}

static void print_row(const struct board *b, const struct board_row *row, size_t columns)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	size_t name = name_columns(b);
	size_t used = name + 2 + STATE_WIDTH + 2 + NEXT_WIDTH + 2 + SEEN_WIDTH + 2;
	const struct state_node *n = &row->node;
	char text[EVENT_MESSAGE_MAX + 200], next[96] = "disk", seen[CELL_TEXT] = "-";

	if (n->armed[0])
		snprintf(next, sizeof(next), "%s%s", n->armed, n->wipe ? ", may wipe" : "");
	if (row->silent >= 0)
		cell_duration(row->silent, seen);
	cell_column(&out, n->name, name);
	cell_column(&out, state_word(row), STATE_WIDTH);
	cell_column(&out, next, NEXT_WIDTH);
	cell_column(&out, seen, SEEN_WIDTH);
	doing(row, text, sizeof(text));
	cell_add(&out, text, columns > used ? columns - used : 1);
	cell_print(&out);
}

static int print_table(const struct board *b)
{
	size_t columns = screen_columns();

	printf("%-*s  %-*s  %-*s  %-*s  DOING\n", (int)name_columns(b), "NODE", STATE_WIDTH,
	       "STATE", NEXT_WIDTH, "NEXT BOOT", SEEN_WIDTH, "SEEN");
	for (size_t i = 0; i < b->count; i++)
		print_row(b, &b->rows[i], columns);
	return 0;
}

/* Of a node that is shown; not into the table, which programs read, too. */
static void print_replaced(const struct state_replacement *r, void *arg)
{
	const struct board *b = arg;

	if (!map_get(&b->by_name, r->node))
		return;
	fprintf(stderr,
		"%s: its network card was replaced by %s (%s in the definition; lucie setup says "
		"where)\n",
		r->node, r->mac, r->old);
}

/* For whoever looks at the table, not for programs. The definition is read again only where there
 * is something to name. */
static int print_unknown(struct state *state, const char *state_dir)
{
	struct cluster *c = NULL;
	struct machines all;
	int ret = machines_read(&all, state, "");

	if (!ret && all.count)
		ret = definition_read_served(&c, state_dir);
	if (c)
		machines_drop_named(&all, c);
	if (!ret && all.count)
		fprintf(stderr, "%zu unknown machine%s to be named (lucie discover)\n", all.count,
			all.count == 1 ? " waits" : "s wait");
	machines_free(&all);
	cluster_free(c);
	return ret;
}

static int print_json(const struct board *b)
{
	json_t *list = json_array();
	int failed = 0;

	for (size_t i = 0; i < b->count; i++) {
		const struct state_node *n = &b->rows[i].node;

		failed |= json_array_append_new(
			list,
			json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:I, s:I, s:o, s:o, s:i}",
				  "node", json_text(n->name), "held", json_text(n->held), "state",
				  json_text(n->status), "installer", json_text(n->armed), "wipe",
				  n->wipe, "install", json_text(n->install), "module",
				  json_text(n->module), "bytes", (json_int_t)n->bytes, "total",
				  (json_int_t)n->total, "message", json_text(n->message),
				  "last_seen", json_time(n->last_seen), "attempts",
				  (int)n->attempts));
	}
	if (failed) {
		json_decref(list);
		list = NULL;
	}
	return json_print(list);
}

static void print_end(const struct event *e, int64_t at, void *arg)
{
	(void)arg;
	(void)at;
	if (e->kind == EVENT_END)
		printf("%-12s %8.2f%s\n", e->module, (double)e->millis / 1000,
		       e->ok ? "" : "  failed");
}

static int print_seconds(const struct board *b, struct state *state)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < b->count; i++) {
		const struct state_node *n = &b->rows[i].node;

		if (!n->install[0])
			return log_err(0, "nothing is known of an installation of '%s'", n->name);
		ret = state_events(state, n->install, print_end, NULL);
	}
	return ret;
}

static int status(const char *state_dir, char form, int count, char **words)
{
	struct state *state;
	struct board board;
	int ret = board_open(&board, &state, state_dir, count, words);

	if (ret)
		return ret;
	ret = board_read(&board, state, time(NULL), now_ms());
	if (!ret && form == 'j')
		ret = print_json(&board);
	else if (!ret && form == 't')
		ret = print_seconds(&board, state);
	else if (!ret)
		ret = print_table(&board);
	if (!ret && !form)
		ret = state_replacements(state, print_replaced, &board);
	if (!ret && !form && isatty(STDOUT_FILENO))
		ret = print_unknown(state, state_dir);
	board_free(&board);
	state_close(state);
	return ret;
}

static int status_main(int argc, char **argv)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'},
						{"seconds", no_argument, NULL, 't'},
						{"json", no_argument, NULL, 'j'},
						{0}};
	const char *state_dir = DEFAULT_STATE_DIR;
	char form = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			state_dir = optarg;
		else if ((c == 't' || c == 'j') && !form)
			form = (char)c;
		else
			return c == '?' ? command_help(argv[0]) : command_usage(argv[0]);
	}
	return status(state_dir, form, argc - optind, argv + optind) ? 1 : 0;
}

COMMAND(status, .summary = "what each node does, and boots next", .usage = usage,
	.run = status_main);
