/* lucie watch: the live board. On a terminal a screen that is drawn anew twice a second and
 * scrolls; where stdout is none, one line for each change of a node. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "host-tools/lib/board.h"
#include "host-tools/lib/cells.h"
#include "host-tools/lib/command.h"
#include "host-tools/lib/screen.h"
#include "init/lib/io.h"
#include "init/lib/log.h"

static const char usage[] = "lucie watch [--state DIR] [NODE...]\n"
			    "  NODE         a host, or several: cnode[00-31] (all of them)\n"
			    "  --state DIR  the state directory (" DEFAULT_STATE_DIR ")\n"
			    "keys: arrows, PgUp, PgDn, Home, End scroll; q ends\n";

#define READ_MS 500

struct watch {
	struct board board;
	struct state *state;
	size_t top;		    /* the first row that is shown */
	char problem[LOG_LINE_MAX]; /* why the state could not be read this time; "" */
};

/* On a screen a message has its place in the last line. */
static void keep_problem(enum log_level level, const char *line, void *arg)
{
	struct watch *w = arg;

	if (level >= LOG_LEVEL_WARN)
		snprintf(w->problem, sizeof(w->problem), "%s", line);
}

static void read_state(struct watch *w)
{
	w->problem[0] = '\0';
	board_follow(&w->board);
	board_read(&w->board, w->state, time(NULL), now_ms());
}

/* --- on a terminal --- */

static size_t top_max(const struct watch *w, size_t room)
{
	return w->board.count > room ? w->board.count - room : 0;
}

static void scroll(struct watch *w, enum screen_key key, size_t room)
{
	size_t max = top_max(w, room), page = room > 1 ? room - 1 : 1;

	if (key == SCREEN_UP && w->top)
		w->top--;
	else if (key == SCREEN_DOWN)
		w->top++;
	else if (key == SCREEN_PAGE_UP)
		w->top -= w->top < page ? w->top : page;
	else if (key == SCREEN_PAGE_DOWN)
		w->top += page;
	else if (key == SCREEN_HOME)
		w->top = 0;
	else if (key == SCREEN_END)
		w->top = max;
	if (w->top > max)
		w->top = max;
}

/* What is shown of how many, or what is wrong, and the keys. */
static void draw_footer(const struct watch *w, struct strbuf *out, size_t room, size_t columns)
{
	size_t last = w->top + room < w->board.count ? w->top + room : w->board.count;
	char text[LOG_LINE_MAX + 128];

	if (w->problem[0])
		snprintf(text, sizeof(text), "%s", w->problem);
	else if (w->board.count > room)
		snprintf(text, sizeof(text),
			 "%zu-%zu of %zu   arrows PgUp PgDn Home End: scroll   "
			 "q: end",
			 w->top + 1, last, w->board.count);
	else
		snprintf(text, sizeof(text), "q: end");
	cell_add(out, text, columns);
}

/* One column stays free: a character in the last one would be erased with the rest of its line. */
static int draw(struct watch *w, size_t rows, size_t columns, size_t room)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	bool colours = screen_colours();

	columns -= columns > 1;
	strbuf_adds(&out, "\033[1m");
	board_counts(&w->board, &out, columns);
	strbuf_adds(&out, "\033[0m\033[K\n");
	if (rows > 2) {
		strbuf_adds(&out, "\033[7m");
		board_titles(&w->board, &out, columns);
		strbuf_adds(&out, "\033[0m\033[K\n");
	}
	for (size_t i = w->top; i < w->top + room; i++) {
		if (i < w->board.count)
			board_line(&w->board, w->board.order[i], &out, columns, colours);
		strbuf_adds(&out, "\033[K\n");
	}
	draw_footer(w, &out, room, columns);
	strbuf_adds(&out, "\033[K");
	return out.error ? out.error : screen_show(&out);
}

static int watch_screen(struct watch *w)
{
	int64_t due = 0, left;
	int ret = screen_open();

	while (!ret) {
		size_t rows, columns, room;
		enum screen_key key;

		if (now_ms() >= due) {
			read_state(w);
			due = now_ms() + READ_MS;
		}
		screen_size(&rows, &columns);
		room = rows > 3 ? rows - 3 : 0;
		scroll(w, SCREEN_NONE, room);
		ret = draw(w, rows, columns, room);
		left = due - now_ms(); /* keys count also on a terminal that takes longer to draw */
		key = screen_wait(left > 20 ? (int)left : 20);
		if (key == SCREEN_QUIT)
			break;
		scroll(w, key, room);
	}
	screen_close();
	return ret;
}

/* --- as lines --- */

/* Whether state, module or what it boots next is other than at the last call. */
static bool has_news(struct board_row *row)
{
	uint64_t now = map_hash(MAP_HASH, board_group_name(row->group));

	now = map_hash(now, row->node.install);
	now = map_hash(now, row->node.armed);
	now = map_hash(now, row->node.module);
	if (now == row->said || (!row->said && row->group == BOARD_UNKNOWN))
		return false;
	row->said = now;
	return true;
}

static void say(const struct board *b, const struct board_row *row)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	char words[EVENT_MESSAGE_MAX], when[CELL_TIME];

	board_words(row, words, sizeof(words));
	cell_column(&line, cell_time(b->now, when), 19);
	cell_column(&line, row->node.name, b->name_width);
	cell_column(&line, board_state_name(row), 10);
	cell_column(&line, row->node.module, 12);
	cell_add(&line, words, sizeof(words));
	cell_print(&line);
}

static int watch_lines(struct watch *w)
{
	int ret = 0;

	while (!ret) {
		board_follow(&w->board);
		ret = board_read(&w->board, w->state, time(NULL), now_ms());
		for (size_t i = 0; !ret && i < w->board.count; i++)
			if (has_news(&w->board.rows[i]))
				say(&w->board, &w->board.rows[i]);
		if (!ret && fflush(stdout))
			ret = log_err(-errno, "cannot write");
		sleep_ms(READ_MS);
	}
	return ret;
}

static int watch_main(int argc, char **argv)
{
	static const struct option options[] = {{"state", required_argument, NULL, 's'}, {0}};
	const char *state_dir = DEFAULT_STATE_DIR;
	struct watch w = {0};
	int c, ret;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			state_dir = optarg;
		else
			return command_help(argv[0]);
	}
	if (board_open(&w.board, &w.state, state_dir, argc - optind, argv + optind))
		return 1;
	if (screen_possible()) {
		log_set_sink(keep_problem, &w);
		ret = watch_screen(&w);
		log_set_sink(NULL, NULL);
		if (ret && !screen_signal())
			log_err(ret, "the board cannot be shown");
	} else {
		ret = watch_lines(&w);
	}
	board_free(&w.board);
	state_close(w.state);
	if (screen_signal()) { /* so that who started us sees how it ended */
		signal(screen_signal(), SIG_DFL);
		raise(screen_signal());
	}
	return ret ? 1 : 0;
}

COMMAND(watch, .summary = "what the nodes do, live", .usage = usage, .run = watch_main);
