/* The judgement of the ring's members: who is silent, stuck or slow, and what a complaint leads to;
 * see topology.h. Pure. */
#include "ring/topology.h"

#include <stdio.h>

/* Two windows: a very slow member holds up all behind it and is moved in half a second at most; one
 * that is only somewhat slow has to be so for two seconds. */
#define WINDOW_SHORT_MS 600
#define WINDOW_LONG_MS	2000
#define RATE_MIN	(64.0 * 1024) /* below it the reference itself says nothing */
#define BACKLOG_SECONDS 0.2	      /* of its predecessor's data */
#define STEADY_MARGIN	15	      /* percent that a single interval may be above */
#define STEADY_MS	75
#define TAIL_MAX	4 /* each move makes three members attach anew */

/* The quick look, at what a predecessor itself says of its successor. */
#define FEED_WINDOW    150
#define FEED_INTERVALS 3
#define FEED_BACKLOG   0.1 /* seconds */
#define FEED_FRESH_MS  250
#define FEED_SETTLE_MS 300 /* after it was attached */

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

/* In each interval of the window it moved, but by less than `most` bytes a second. That is what a
 * slow link or disk looks like; a machine or a network that is busy for a moment stalls and then
 * catches up, and nobody is moved for that. Beats come faster than a slow link brings frames, so an
 * interval is as many of them as it takes. */
static bool is_steady_below(const struct member *m, double most, int64_t window, int64_t now)
{
	const struct member_sample *newer = &m->samples[(m->sample_count - 1) % TOPOLOGY_SAMPLES];

	for (size_t i = 2; i <= m->sample_count && i <= TOPOLOGY_SAMPLES; i++) {
		const struct member_sample *s =
			&m->samples[(m->sample_count - i) % TOPOLOGY_SAMPLES];
		double bytes = (double)(int64_t)(newer->received - s->received);

		if (s->at < m->attached_at)
			return false;
		if (newer->at - s->at < STEADY_MS)
			continue;
		if (bytes <= 0 || bytes * 1000 >= most * (double)(newer->at - s->at))
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

static const struct member_feed *feed_back(const struct member *m, size_t n)
{
	return &m->feeds[(m->feed_count - 1 - n) % TOPOLOGY_FEEDS];
}

/* What the one before it received in an interval; who has everything would have gone on as fast. */
static double feed_offer(const struct topology *t, const struct member *before,
			 const struct member_feed *older, const struct member_feed *newer)
{
	double got = (double)(int64_t)(newer->have - older->have);
	double millis = (double)(newer->at - before->joined), expected;

	if (newer->have < t->length || millis <= 0)
		return got;
	expected = (double)t->length * (double)(newer->at - older->at) / millis;
	return got > expected ? got : expected;
}

/* Its predecessor receives on, but can give it less than `percent` of that in several short
 * intervals, and not much more in any of them. Both figures come from one clock and one moment, so
 * that this can be seen much sooner than by comparing what two nodes say; who stalls in more than
 * every second interval, or catches up, is not slow, here either. By its own word it has to be at
 * work, too: a machine that gets to nothing takes as little as one behind a slow link. */
static bool is_choked(const struct topology *t, const struct topology_limits *l,
		      const struct member *m, const struct member *before, uint32_t percent,
		      int64_t now)
{
	size_t kept = m->feed_count < TOPOLOGY_FEEDS ? m->feed_count : TOPOLOGY_FEEDS;
	const struct member_feed *newest = feed_back(m, 0), *f = newest;
	double lag = (double)(int64_t)(newest->have - newest->given), offer = 0, rate;
	size_t n = 0, stalls = 0;

	if (m->fed_by != m->attached || now - newest->at > FEED_FRESH_MS ||
	    now - m->attached_at < FEED_SETTLE_MS || lag < (double)l->backlog)
		return false;
	do {
		const struct member_feed *newer = f;
		double have, given;

		if (++n >= kept)
			return false;
		f = feed_back(m, n);
		have = feed_offer(t, before, f, newer);
		given = (double)(int64_t)(newer->given - f->given);
		stalls += given <= 0;
		offer += have;
		if (have <= 0 || given * 200 >= have * percent * 3)
			return false;
	} while (n < FEED_INTERVALS || newest->at - f->at < FEED_WINDOW);
	rate = offer * 1000 / (double)(newest->at - f->at);
	return stalls * 2 <= n && rate >= RATE_MIN && lag >= rate * FEED_BACKLOG &&
	       (double)(newest->given - f->given) * 100 < offer * percent &&
	       is_steady_below(m, rate * (percent + STEADY_MARGIN) / 100, FEED_WINDOW, now);
}

/* The next one has all that it has, or gets no more than it does: a slow node gives no faster than
 * it takes. Else it is not what holds up those behind it: its link is full of what the next one has
 * to make up for, after a death or at a return, and for that not even what it gets itself is
 * acknowledged in time. */
static bool is_waited_for(const struct topology_limits *l, const struct member *m,
			  const struct member *next, int64_t now)
{
	double ahead = (double)(int64_t)(m->received - next->received);
	double rate = topology_rate(m, WINDOW_SHORT_MS, now);
	double next_rate = topology_rate(next, WINDOW_SHORT_MS, now);

	return next->attached == m->id &&
	       (ahead <= (double)l->backlog || ahead <= rate * BACKLOG_SECONDS ||
		(next_rate >= 0 && next_rate * 100 <= rate * (100 + STEADY_MARGIN)));
}

/* It has less than its predecessor, and gets less. Who merely came later lacks as much for ever, at
 * the same rate. */
static bool lags(const struct topology *t, const struct topology_limits *l, const struct member *m,
		 int64_t now)
{
	const struct member *before = topology_member(t, topology_predecessor(t, m->id));
	double lacks = before ? (double)(int64_t)(before->received - m->received) : 0;
	double rate = topology_rate(m, FEED_SETTLE_MS, now);

	return before && lacks >= (double)l->backlog && rate >= 0 &&
	       rate * 100 < reference_rate(t, before, FEED_SETTLE_MS, now) * l->slow_percent;
}

/* Only a member with one behind it holds anybody up. And who gets little from one that itself lags
 * is not to blame: a slow node is so in both directions. */
static bool is_slow(const struct topology *t, const struct topology_limits *l,
		    const struct member *m, int64_t now)
{
	const struct member *before = topology_member(t, topology_predecessor(t, m->id));
	uint32_t next = topology_successor(t, m->id), half = l->slow_percent * 2 / 3;

	if (!half || !before || m->attached != before->id || !next || lags(t, l, before, now) ||
	    (m->place == PLACE_BODY && t->tail_len >= TAIL_MAX) ||
	    now - t->demoted_at < WINDOW_LONG_MS / 2)
		return false;
	if (!is_waited_for(l, m, topology_member(t, next), now))
		return slower_than(t, l, m, before, WINDOW_LONG_MS, half, now);
	return is_choked(t, l, m, before, half, now) ||
	       slower_than(t, l, m, before, WINDOW_SHORT_MS, half, now) ||
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
		v.is_slow = true;
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
 * second one is itself what both have in common. */
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
	} else if (topology_successor(t, about)) {
		v.kind = VERDICT_DEMOTE;
		v.id = about;
	}
	snprintf(v.reason, sizeof(v.reason), "%.100s", text);
	return v;
}
