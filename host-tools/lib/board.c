/* Rows of the board, their order, rates; see board.h. */
#include "host-tools/lib/board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/lib/die.h"
#include "host-tools/lib/site.h"
#include "init/lib/cleanup.h"

#define SAMPLE_MS 1250 /* between two samples: all of them are ten seconds */
/* A node that is silent for less is not, or the running ones would change places all the time. */
#define SILENT_SECONDS 10

void board_init(struct board *b, char *const *names, size_t count)
{
	*b = (struct board){.count = count};
	b->rows = xcalloc(count, sizeof(*b->rows));
	b->order = xcalloc(count, sizeof(struct board_row *));
	for (size_t i = 0; i < count; i++) {
		struct board_row *row = &b->rows[i];

		snprintf(row->node.name, sizeof(row->node.name), "%s", names[i]);
		row->place = i;
		b->order[i] = row;
		map_put(&b->by_name, row->node.name, row);
		if (strlen(names[i]) > b->name_width)
			b->name_width = strlen(names[i]);
	}
}

/* Whether the definition is another one than that of the last call. */
static bool definition_changed(struct board *b)
{
	_cleanup_free_ char *path = xasprintf("%s/definition", b->state_dir);
	struct stat st;

	if (stat(path, &st) ||
	    (st.st_ino == b->definition_inode && st.st_mtim.tv_sec == b->definition_time.tv_sec &&
	     st.st_mtim.tv_nsec == b->definition_time.tv_nsec))
		return false;
	b->definition_inode = st.st_ino;
	b->definition_time = st.st_mtim;
	return true;
}

static int names_read(const struct board *b, char ***names, size_t *count)
{
	struct site site = {.state_dir = b->state_dir};
	int ret = definition_read_served(&site.cluster, b->state_dir);

	if (!ret)
		ret = site_hosts(&site, b->word_count, b->words, names, count);
	cluster_free(site.cluster);
	return ret;
}

/* The nodes of the definition as it is now. */
static int board_renew(struct board *b)
{
	struct board fresh;
	char **names;
	size_t count;
	int ret = names_read(b, &names, &count);

	if (ret)
		return ret;
	board_init(&fresh, names, count);
	cluster_names_free(names, count);
	for (size_t i = 0; i < count; i++) {
		const struct board_row *old = map_get(&b->by_name, fresh.rows[i].node.name);

		if (old)
			fresh.rows[i] = *old;
		fresh.rows[i].place = i;
	}
	fresh.state_dir = b->state_dir;
	fresh.words = b->words;
	fresh.word_count = b->word_count;
	fresh.definition_time = b->definition_time;
	fresh.definition_inode = b->definition_inode;
	board_free(b);
	*b = fresh;
	return 0;
}

int board_open(struct board *b, struct state **state, const char *state_dir, int count,
	       char **words)
{
	int ret;

	*b = (struct board){.state_dir = state_dir, .words = words, .word_count = count};
	*state = NULL;
	definition_changed(b);
	ret = board_renew(b);
	if (!ret)
		ret = state_open_readonly(state, state_dir);
	if (ret)
		board_free(b);
	return ret;
}

int board_follow(struct board *b)
{
	return definition_changed(b) ? board_renew(b) : 0;
}

void board_free(struct board *b)
{
	map_free(&b->by_name);
	free(b->order);
	free(b->rows);
	*b = (struct board){0};
}

static enum board_group group_of(const struct state_node *n)
{
	if (!strcmp(n->status, "running"))
		return n->held[0] ? BOARD_HELD : BOARD_RUNNING;
	if (n->armed[0] && !n->attempts)
		return BOARD_ARMED;
	if (!strcmp(n->status, "failed"))
		return BOARD_FAILED;
	return strcmp(n->status, "installed") ? BOARD_UNKNOWN : BOARD_INSTALLED;
}

const char *board_group_name(enum board_group group)
{
	static const char *const names[] = {"failed", "held",	   "installing",
					    "armed",  "installed", "new"};

	return names[group];
}

const char *board_state_name(const struct board_row *row)
{
	return row->group == BOARD_UNKNOWN && row->node.status[0] ? row->node.status
								  : board_group_name(row->group);
}

/* The clock is asked before the state is, so a node may have been heard of since. */
static void row_judge(const struct board *b, struct board_row *row)
{
	row->group = group_of(&row->node);
	row->silent = row->node.last_seen ? b->now - row->node.last_seen : -1;
	if (row->node.last_seen && row->silent < 0)
		row->silent = 0;
}

void board_begin(struct board *b, int64_t now, int64_t now_ms)
{
	b->now = now;
	b->now_ms = now_ms;
}

static void sample(const struct board *b, struct board_row *row)
{
	struct board_sample *last = row->samples + row->sample_count - 1;

	if (row->sample_count && b->now_ms - last->at < SAMPLE_MS)
		return;
	if (row->sample_count == BOARD_SAMPLES)
		memmove(row->samples, row->samples + 1,
			--row->sample_count * sizeof(row->samples[0]));
	row->samples[row->sample_count++] = (struct board_sample){b->now_ms, row->node.bytes};
}

void board_row_take(const struct board *b, struct board_row *row, const struct state_node *n)
{
	if (strcmp(row->node.install, n->install) || strcmp(row->node.module, n->module) ||
	    row->node.total != n->total || n->bytes < row->node.bytes)
		row->sample_count = 0;
	row->node = *n;
	if (!strcmp(n->status, "running") && n->total >= EVENT_STEPS_MAX)
		sample(b, row);
	row_judge(b, row);
}

void board_take(struct board *b, const struct state_node *n)
{
	struct board_row *row = map_get(&b->by_name, n->name);

	if (row)
		board_row_take(b, row, n);
}

static int by_urgency(const void *a, const void *b)
{
	const struct board_row *x = *(struct board_row *const *)a;
	const struct board_row *y = *(struct board_row *const *)b;
	int64_t sx = x->silent < SILENT_SECONDS ? 0 : x->silent;
	int64_t sy = y->silent < SILENT_SECONDS ? 0 : y->silent;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->group == BOARD_RUNNING && sx != sy)
		return sx > sy ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

void board_arrange(struct board *b)
{
	memset(b->groups, 0, sizeof(b->groups));
	for (size_t i = 0; i < b->count; i++) {
		row_judge(b, &b->rows[i]);
		b->groups[b->rows[i].group]++;
	}
	qsort(b->order, b->count, sizeof(b->order[0]), by_urgency);
}

static void take_row(const struct state_node *n, void *arg)
{
	board_take(arg, n);
}

int board_read(struct board *b, struct state *s, int64_t now, int64_t now_ms)
{
	int ret;

	board_begin(b, now, now_ms);
	ret = state_nodes(s, take_row, b);
	board_arrange(b);
	return ret;
}

uint64_t board_rate(const struct board *b, const struct board_row *row)
{
	const struct board_sample *first = row->samples;
	int64_t ms = b->now_ms - first->at;

	if (!row->sample_count || ms < SAMPLE_MS || row->node.bytes < first->bytes)
		return 0;
	return (uint64_t)((double)(row->node.bytes - first->bytes) * 1000 / (double)ms);
}

int64_t board_eta(const struct board *b, const struct board_row *row)
{
	uint64_t rate = board_rate(b, row);

	if (!rate || row->node.bytes >= row->node.total)
		return -1;
	return (int64_t)((row->node.total - row->node.bytes) / rate);
}
