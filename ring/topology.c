/* The order of the ring; see topology.h. Pure. */
#include "ring/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* When a session that nobody needs may end. */
#define WORN_MEMBERS 1000
#define WORN_MS	     600000

/* Between two samples of what a predecessor itself says of its successor; and once it has all. */
#define FEED_BYTES   ((uint64_t)4 * RING_FRAME)
#define FEED_MS	     125
#define FEED_LAST_MS 40

/* Who lacks what another one got in so long has fallen behind it. */
#define BEHIND_MS 700

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
	uint32_t *chain;

	if (members)
		t->members = members;
	chain = realloc(t->chain, n * sizeof(*chain));
	if (chain)
		t->chain = chain;
	return members && chain;
}

static size_t body_len(const struct topology *t)
{
	return t->chain_len - t->tail_len;
}

/* Before the first member of a higher rank, if from there on nobody has begun: whoever has data may
 * not be put behind one that has none. */
static size_t place_by_rank(const struct topology *t, uint32_t rank)
{
	size_t at = body_len(t);

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
	m->place = PLACE_BODY;
	t->members[t->count++] = m;
	list_insert(t->chain, &t->chain_len, old ? body_len(t) : place_by_rank(t, rank), m->id);
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
	t->tail_len -= m->place == PLACE_TAIL;
	m->place = PLACE_NONE;
	m->state = state;
	if (!m->ended)
		m->ended = now;
	if (reason != m->reason)
		snprintf(m->reason, sizeof(m->reason), "%s", reason);
	t->epoch++;
}

static bool is_behind(const struct member *m, const struct member *other, int64_t now)
{
	int64_t millis = (other->ended ? other->ended : now) - other->joined;
	double recent = millis > 0 ? (double)other->received * BEHIND_MS / (double)millis : 0;

	return (double)m->received + recent < (double)other->received;
}

/* One that was held up for a moment and one that is slow both look slow; the first comes to stand
 * before the second, and if not, the second is found to be slow again and goes to the end. */
void topology_demote(struct topology *t, uint32_t id, bool is_slow, int64_t now)
{
	struct member *m = topology_member(t, id);
	size_t at;

	if (!m || m->place == PLACE_NONE)
		return;
	list_remove(t->chain, &t->chain_len, id);
	at = t->chain_len;
	if (m->place == PLACE_BODY) {
		while (is_slow && at > t->chain_len - t->tail_len &&
		       is_behind(t->members[t->chain[at - 1] - 1], m, now))
			at--;
		t->tail_len++;
	}
	list_insert(t->chain, &t->chain_len, at, id);
	m->told = RING_NOBODY; /* the link that it takes from is wanted for those it held up */
	m->place = PLACE_TAIL;
	t->demoted_at = now;
	t->epoch++;
}

uint32_t topology_predecessor(const struct topology *t, uint32_t id)
{
	size_t at = list_find(t->chain, t->chain_len, id);

	return at ? t->chain[at - 1] : 0;
}

uint32_t topology_source(const struct topology *t, uint32_t id, int64_t now)
{
	uint32_t before = topology_predecessor(t, id);
	const struct member *m = topology_member(t, id);
	size_t told = list_find(t->chain, t->chain_len, m->told);
	bool may_stay = !m->told || told < list_find(t->chain, t->chain_len, id);

	return before && may_stay && is_behind(topology_member(t, before), m, now) ? m->told
										   : before;
}

uint32_t topology_successor(const struct topology *t, uint32_t id)
{
	size_t at = list_find(t->chain, t->chain_len, id) + 1;

	return at < t->chain_len ? t->chain[at] : 0;
}

void topology_candidates(const struct topology *t, uint32_t first, struct ring_place *out)
{
	size_t at = first ? list_find(t->chain, t->chain_len, first) + 1 : 0;

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

static void note_feed(const struct topology *t, struct member *m, uint32_t by, uint64_t have,
		      uint64_t given, int64_t now)
{
	const struct member_feed *last = &m->feeds[(m->feed_count - 1) % TOPOLOGY_FEEDS];
	int64_t pause = have == t->length ? FEED_LAST_MS : FEED_MS;

	if (m->fed_by != by)
		m->feed_count = 0;
	m->fed_by = by;
	if (m->feed_count && have - last->have < FEED_BYTES && now - last->at < pause)
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
			note_feed(t, child, id, m->received, beat->children[i].sent, now);
	}
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
