/* What proves that a disk is ours to write: its stamp, and a table that is the one the stamp says,
 * or was under way to it; see guard.h. */
#include "modules/lib/guard.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "init/lib/cleanup.h"
#include "modules/lib/probe.h"
#include "modules/lib/stamp.h"

#define MSDOS_NO_ID "0x00000000"
#define SECTOR_MAX  4096

static bool same_parts(const struct table *t, const struct stamp *s)
{
	if (t->count != s->part_count)
		return false;
	for (size_t i = 0; i < t->count; i++) {
		const struct table_part *a = &t->parts[i];
		const struct stamp_part *b = &s->parts[i];

		if (a->number != b->number || a->start != b->start || a->bytes != b->bytes)
			return false;
	}
	return true;
}

static bool same_id(const struct table *t, const struct stamp *s)
{
	enum table_kind kind = s->table == TABLE_GPT ? TABLE_KIND_GPT : TABLE_KIND_MSDOS;

	return t->kind == kind && !strcasecmp(t->id, s->table_id);
}

/* What a table looks like while it is being written or wiped: none, or the protective MBR of a GPT
 * that is not there, whose one partition covers the disk from its second sector on. */
static bool is_incomplete(const struct table *t)
{
	if (t->kind == TABLE_KIND_NONE)
		return true;
	return t->kind == TABLE_KIND_MSDOS && !strcmp(t->id, MSDOS_NO_ID) &&
	       (!t->count || (t->count == 1 && t->parts[0].start <= SECTOR_MAX));
}

/* Why the stamp does not prove that the disk is ours to write; NULL if it does. */
static const char *stamp_objection(const struct stamp *s, const char *site, const struct table *t,
				   unsigned int contents)
{
	if (!site || strcmp(s->site, site))
		return "the stamp of another site";
	if (contents)
		return "our stamp, but something else was put onto the disk since";
	if (s->finished ? same_id(t, s) && same_parts(t, s) : same_id(t, s) || is_incomplete(t))
		return NULL;
	return "our stamp, but another partition table than it says";
}

int guard_judge(const struct guard_disk *d, const char *site, struct strbuf *why)
{
	_cleanup_free_ struct stamp *s = malloc(sizeof(*s));
	_cleanup_strbuf_ struct strbuf content = STRBUF_INIT;
	const char *objection = NULL;
	unsigned int contents;
	uint64_t where;
	int stamp = s ? stamp_read(d->fd, s) : -ENOMEM, ret;

	if (stamp && stamp != -ENODATA && stamp != -EBADMSG)
		return stamp;
	ret = probe_describe(d->fd, 0, 0, &content, &contents);
	if (!ret && !stamp) {
		objection = stamp_objection(s, site, d->table, contents);
		if (objection)
			strbuf_addf(why, "%s (site %s, node '%s')", objection, s->site, s->node);
	} else if (!ret && !content.len) {
		ret = probe_is_zero(d->fd, d->bytes, STAMP_OFFSET, STAMP_AREA, &where);
		if (!ret)
			strbuf_addf(why, "data of no known kind at byte %llu",
				    (unsigned long long)where);
	}
	if (ret >= 0 && content.len && (stamp || objection))
		strbuf_addf(why, "%s%s", why->len ? ": " : "", content.buf);
	return ret < 0 ? ret : why->error;
}
