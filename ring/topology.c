/* The order of the ring and the judgement of its members; see topology.h. Pure. */
#include "ring/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two windows: a very slow member holds up all behind it and is moved in half a second at most; one
 * that is only somewhat slow has to be so for two seconds. */
#define WINDOW_SHORT_MS 600
#define WINDOW_LONG_MS	2000
#define RATE_MIN	(64.0 * 1024) /* below it the reference itself says nothing */
#define BACKLOG_SECONDS 0.2	      /* of its predecessor's data */
#define STEADY_MARGIN	15	      /* percent that a single interval may be above */
#define LEAVES_MAX	4	      /* they share the last member's link */

/* When a session that nobody needs may end. */
#define WORN_MEMBERS 1000
#define WORN_MS	     600000

/* The quick look, at what a predecessor itself says of its successor. */
#define FEED_BYTES     ((uint64_t)4 * RING_FRAME) /* between two samples, */
#define FEED_MS	       125			  /* or so long */
#define FEED_WINDOW    150
#define FEED_SAMPLES   3
#define FEED_BACKLOG   0.1 /* seconds */
#define FEED_FRESH_MS  250
#define FEED_SETTLE_MS 300 /* after it was attached */

void topology_init(struct topology *t, uint64_t length)
{
	*t = (struct topology){.length = length, .epoch = 1, .demoted_at = INT64_MIN / 2};
}

void topology_free(struct topology *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->members[i]);
	free(t->members);
	free(t->chain);
	free(t->leaves);
	*t = (struct topology){0};
}

struct member *topology_member(const struct topology *t, uint32_t id)
{
	return id && id <= t->count ? t->members[id - 1] : NULL;
}

static size_t list_find(const uint32_t *list, size_t len, uint32_t id)
{
	size_t i = 0;

	while (i < len && list[i] != id)
		i++;
	return i;
}

static void list_insert(uint32_t *list, size_t *len, size_t at, uint32_t id)
{
	memmove(list + at + 1, list + at, (*len - at) * sizeof(*list));
	list[at] = id;
	(*len)++;
}

static void list_remove(uint32_t *list, size_t *len, uint32_t id)
{
	size_t at = list_find(list, *len, id);

	if (at == *len)
		return;
	(*len)--;
	memmove(list + at, list + at + 1, (*len - at) * sizeof(*list));
}

static bool grow(struct topology *t)
{
	size_t n = t->count + 1;
	struct member **members = realloc(t->members, n * sizeof(*members));
	uint32_t *chain, *leaves;

	if (members)
		t->members = members;
	chain = realloc(t->chain, n * sizeof(*chain));
	if (chain)
		t->chain = chain;
	leaves = realloc(t->leaves, n * sizeof(*leaves));
	if (leaves)
		t->leaves = leaves;
	return members && chain && leaves;
}

/* Before the first member of a higher rank, if from there on nobody has begun: whoever has data may
 * not be put behind one that has none. */
static size_t place_by_rank(const struct topology *t, uint32_t rank)
{
	size_t at = t->chain_len;

	while (at && t->members[t->chain[at - 1] - 1]->received == 0 &&
	       t->members[t->chain[at - 1] - 1]->rank > rank)
		at--;
	return at;
}

struct member *topology_join(struct topology *t, const char *name, const struct ring_address *data,
			     uint32_t rank, uint32_t former, int64_t now)
{
	struct member *old = topology_member(t, former), *m;

	if (t->count >= RING_ID_MAX || !grow(t))
		return NULL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->id = (uint32_t)t->count + 1;
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->data = *data;
	m->rank = rank;
	m->attached = m->told = RING_NOBODY;
	m->joined = m->heard = m->progress_at = now;
	m->place = PLACE_CHAIN;
	t->members[t->count++] = m;
	list_insert(t->chain, &t->chain_len, old ? t->chain_len : place_by_rank(t, rank), m->id);
	t->epoch++;
	if (old && !old->next_life) {
		if (old->place != PLACE_NONE)
			topology_remove(t, former, MEMBER_DROPPED, "it came back", now);
		m->former = former;
		old->next_life = m->id;
	}
	return m;
}

void topology_remove(struct topology *t, uint32_t id, enum member_state state, const char *reason,
		     int64_t now)
{
	struct member *m = topology_member(t, id);

	if (!m)
		return;
	list_remove(t->chain, &t->chain_len, id);
	list_remove(t->leaves, &t->leaf_len, id);
	m->place = PLACE_NONE;
	m->state = state;
	if (!m->ended)
		m->ended = now;
	if (reason != m->reason)
		snprintf(m->reason, sizeof(m->reason), "%s", reason);
	t->epoch++;
}

void topology_demote(struct topology *t, uint32_t id, int64_t now)
{
	struct member *m = topology_member(t, id);

	if (!m || m->place != PLACE_CHAIN)
		return;
	list_remove(t->chain, &t->chain_len, id);
	list_insert(t->leaves, &t->leaf_len, t->leaf_len, id);
	m->place = PLACE_LEAF;
	t->demoted_at = now;
	t->epoch++;
}

uint32_t topology_predecessor(const struct topology *t, uint32_t id)
{
	size_t at = list_find(t->chain, t->chain_len, id);

	return at ? t->chain[at - 1] : 0;
}

void topology_candidates(const struct topology *t, uint32_t id, struct ring_place *out)
{
	size_t at = list_find(t->chain, t->chain_len, id);

	*out = (struct ring_place){.epoch = t->epoch};
	while (out->count < RING_CANDIDATES) {
		uint32_t candidate = at ? t->chain[at - 1] : 0;
		const struct member *m = topology_member(t, candidate);

		out->candidates[out->count].id = candidate;
		if (m)
			out->candidates[out->count].data = m->data;
		out->count++;
		if (!at--)
			break;
	}
}

static bool needs_data(const struct member *m)
{
	return m->state == MEMBER_ACTIVE && m->place != PLACE_NONE;
}

bool topology_is_idle(const struct topology *t, uint32_t id)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct member *m = t->members[i];

		if (needs_data(m) && m->id != id && (m->attached == id || m->told == id))
			return false;
	}
	return true;
}

static void note_feed(struct member *m, uint32_t by, uint64_t have, uint64_t given, int64_t now)
{
	const struct member_feed *last = &m->feeds[(m->feed_count - 1) % TOPOLOGY_FEEDS];

	if (m->fed_by != by)
		m->feed_count = 0;
	m->fed_by = by;
	if (m->feed_count && have - last->have < FEED_BYTES && now - last->at < FEED_MS)
		return;
	m->feeds[m->feed_count++ % TOPOLOGY_FEEDS] = (struct member_feed){now, have, given};
}

void topology_beat(struct topology *t, uint32_t id, const struct ring_beat *beat, int64_t now)
{
	struct member *m = topology_member(t, id);

	if (!m)
		return;
	m->heard = now;
	if (m->attached != beat->attached) {
		m->attached = beat->attached;
		m->attached_at = m->progress_at = now;
	}
	if (m->received != beat->received || m->on_disk != beat->on_disk)
		m->progress_at = now;
	m->received = beat->received < t->length ? beat->received : t->length;
	m->on_disk = beat->on_disk;
	m->samples[m->sample_count++ % TOPOLOGY_SAMPLES] = (struct member_sample){now, m->received};
	for (size_t i = 0; i < beat->count; i++) {
		struct member *child = topology_member(t, beat->children[i].id);

		if (child)
			note_feed(child, id, m->received, beat->children[i].sent, now);
	}
}

double topology_rate(const struct member *m, int64_t window, int64_t now)
{
	size_t kept = m->sample_count < TOPOLOGY_SAMPLES ? m->sample_count : TOPOLOGY_SAMPLES;
	const struct member_sample *last, *s;

	if (kept < 2 || now - m->attached_at < window)
		return -1;
	last = &m->samples[(m->sample_count - 1) % TOPOLOGY_SAMPLES];
	for (size_t i = 2; i <= kept; i++) {
		s = &m->samples[(m->sample_count - i) % TOPOLOGY_SAMPLES];
		if (s->at < m->attached_at)
			break;
		if (last->at - s->at >= window)
			return (double)(int64_t)(last->received - s->received) * 1000 /
			       (double)(last->at - s->at);
	}
	return -1;
}

/* What the one before it had in the same window, or on the whole where it has everything already.
 */
static double reference_rate(const struct topology *t, const struct member *before, int64_t window,
			     int64_t now)
{
	int64_t millis = before->ended - before->joined;

	if (before->state == MEMBER_ACTIVE && before->received < t->length)
		return topology_rate(before, window, now);
	return before->ended && millis > 0 ? (double)t->length * 1000 / (double)millis : -1;
}

/* In each interval between two beats of the window it moved, but by less than `most` bytes a
 * second. That is what a slow link or disk looks like; a machine or a network that is busy for a
 * moment stalls and then catches up, and nobody is moved for that. */
static bool is_steady_below(const struct member *m, double most, int64_t window, int64_t now)
{
	const struct member_sample *newer = &m->samples[(m->sample_count - 1) % TOPOLOGY_SAMPLES];

	for (size_t i = 2; i <= m->sample_count && i <= TOPOLOGY_SAMPLES; i++) {
		const struct member_sample *s =
			&m->samples[(m->sample_count - i) % TOPOLOGY_SAMPLES];
		double bytes = (double)(int64_t)(newer->received - s->received);

		if (s->at < m->attached_at || bytes <= 0 ||
		    bytes * 1000 >= most * (double)(newer->at - s->at))
			return false;
		if (now - s->at >= window)
			return true;
		newer = s;
	}
	return false;
}

static bool slower_than(const struct topology *t, const struct topology_limits *l,
			const struct member *m, const struct member *before, int64_t window,
			uint32_t percent, int64_t now)
{
	double rate = topology_rate(m, window, now);
	double reference = reference_rate(t, before, window, now);
	double waiting = (double)(int64_t)(before->received - m->received);

	return rate >= 0 && reference >= RATE_MIN && rate * 100 < reference * percent &&
	       waiting >= (double)l->backlog && waiting >= reference * BACKLOG_SECONDS &&
	       is_steady_below(m, reference * (percent + STEADY_MARGIN) / 100, window, now);
}

/* Its predecessor receives on, but can give it less than `percent` of that, in each of several
 * short intervals in a row. Both figures come from one clock and one moment, so that this can be
 * seen much sooner than by comparing what two nodes say; who stalls (more than one interval) is not
 * slow, here either. */
static bool is_choked(const struct topology_limits *l, const struct member *m, uint32_t percent,
		      int64_t now)
{
	const struct member_feed *newest = &m->feeds[(m->feed_count - 1) % TOPOLOGY_FEEDS];
	const struct member_feed *newer = newest, *f;
	double lag = (double)(int64_t)(newest->have - newest->given), rate;
	unsigned int stalls = 0;

	if (m->feed_count <= FEED_SAMPLES || m->fed_by != m->attached ||
	    now - newest->at > FEED_FRESH_MS || now - m->attached_at < FEED_SETTLE_MS ||
	    lag < (double)l->backlog)
		return false;
	for (size_t i = 2; i <= m->feed_count && i <= TOPOLOGY_FEEDS; i++) {
		int64_t have, given;

		f = &m->feeds[(m->feed_count - i) % TOPOLOGY_FEEDS];
		have = (int64_t)(newer->have - f->have);
		given = (int64_t)(newer->given - f->given);
		stalls += given <= 0;
		if (have <= 0 || stalls > 1 || given * 100 >= have * percent)
			return false;
		rate = (double)(newest->have - f->have) * 1000 / (double)(newest->at - f->at);
		if (i > FEED_SAMPLES && newest->at - f->at >= FEED_WINDOW)
			return rate >= RATE_MIN && lag >= rate * FEED_BACKLOG;
		newer = f;
	}
	return false;
}

/* Only a member with one behind it holds anybody up. */
static bool is_slow(const struct topology *t, const struct topology_limits *l,
		    const struct member *m, int64_t now)
{
	size_t at = list_find(t->chain, t->chain_len, m->id);
	const struct member *before;

	if (!l->slow_percent || at == 0 || at + 1 >= t->chain_len || t->leaf_len == LEAVES_MAX ||
	    now - t->demoted_at < WINDOW_LONG_MS / 2)
		return false;
	before = topology_member(t, t->chain[at - 1]);
	if (m->attached != before->id)
		return false;
	return is_choked(l, m, l->slow_percent * 2 / 3, now) ||
	       slower_than(t, l, m, before, WINDOW_SHORT_MS, l->slow_percent * 2 / 3, now) ||
	       slower_than(t, l, m, before, WINDOW_LONG_MS, l->slow_percent, now);
}

static bool is_stuck(const struct topology *t, const struct topology_limits *l,
		     const struct member *m, int64_t now)
{
	const struct member *before = topology_member(t, m->attached);
	uint64_t offered = before ? before->received : t->length;

	return m->attached != RING_NOBODY && m->received < offered &&
	       (!before || before->heard + 2000 > now) && now - m->progress_at > l->chunk_ms;
}

static struct verdict judge_member(const struct topology *t, const struct topology_limits *l,
				   const struct member *m, int64_t now)
{
	struct verdict v = {.kind = VERDICT_NONE, .id = m->id};

	if (now - m->heard > l->detect_ms) {
		v.kind = VERDICT_DROP;
		snprintf(v.reason, sizeof(v.reason), "silent for %.1f s",
			 (double)(now - m->heard) / 1000);
	} else if (m->state != MEMBER_ACTIVE) {
		return v;
	} else if (is_stuck(t, l, m, now)) {
		v.kind = VERDICT_DROP;
		snprintf(v.reason, sizeof(v.reason),
			 "took nothing for %.1f s although there was data",
			 (double)(now - m->progress_at) / 1000);
	} else if (is_slow(t, l, m, now)) {
		v.kind = VERDICT_DEMOTE;
		snprintf(v.reason, sizeof(v.reason), "slower than the node before it");
	}
	return v;
}

struct verdict topology_judge(const struct topology *t, const struct topology_limits *l,
			      int64_t now)
{
	struct verdict found = {.kind = VERDICT_NONE};

	for (size_t i = 0; i < t->count; i++) {
		struct verdict v;

		if (t->members[i]->place == PLACE_NONE && t->members[i]->state != MEMBER_LEAVING)
			continue;
		v = judge_member(t, l, t->members[i], now);
		if (v.kind == VERDICT_DROP)
			return v;
		if (v.kind != VERDICT_NONE && found.kind == VERDICT_NONE)
			found = v;
	}
	return found;
}

/* The one complained about goes to the end, where it feeds nobody; a node that complains about a
 * second one is itself what both have in common, and a leaf that complains has nobody left to ask.
 */
struct verdict topology_complaint(struct topology *t, uint32_t from, uint32_t about,
				  const char *text)
{
	struct member *m = topology_member(t, from), *other = topology_member(t, about);
	struct verdict v = {.kind = VERDICT_NONE};

	if (!m || m->state != MEMBER_ACTIVE || m->place == PLACE_NONE)
		return v;
	m->complaints++;
	if (m->complaints > 2 || !other) {
		v.kind = m->complaints > 2 ? VERDICT_DROP : VERDICT_NONE;
		v.id = from;
	} else if (other->place == PLACE_CHAIN) {
		v.kind = VERDICT_DEMOTE;
		v.id = about;
	}
	snprintf(v.reason, sizeof(v.reason), "%.100s", text);
	return v;
}

bool topology_is_worn(const struct topology *t, int64_t now)
{
	if (t->count < WORN_MEMBERS)
		return false;
	for (size_t i = 0; i < t->count; i++) {
		const struct member *m = t->members[i];

		if (m->place != PLACE_NONE || m->state == MEMBER_LEAVING ||
		    now - m->ended <= WORN_MS)
			return false;
	}
	return true;
}

struct topology_tally topology_tally(const struct topology *t)
{
	struct topology_tally n = {.least = t->length};

	for (size_t i = 0; i < t->count; i++) {
		const struct member *m = t->members[i];

		if (m->next_life)
			continue;
		n.done += m->state == MEMBER_DONE || m->state == MEMBER_RELEASED;
		n.dropped += m->state == MEMBER_DROPPED;
		n.failed += m->state == MEMBER_FAILED || m->state == MEMBER_LEAVING;
		n.alive += m->state == MEMBER_ACTIVE;
		if (m->state == MEMBER_ACTIVE && m->received < n.least)
			n.least = m->received;
	}
	return n;
}
