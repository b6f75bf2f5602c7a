/* What proves that a disk is ours to write: its stamp, and a table that is the one the stamp says,
 * or was under way to it; see guard.h. */
#include "modules/lib/guard.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "init/lib/cleanup.h"
#include "modules/lib/keep.h"
#include "modules/lib/probe.h"
#include "modules/lib/stamp.h"

#define MSDOS_NO_ID "0x00000000"
#define SECTOR_MAX  4096

static const struct stamp_part *find_part(const struct stamp *s, const struct table_part *a)
{
	for (size_t i = 0; i < s->part_count; i++) {
		const struct stamp_part *b = &s->parts[i];

		if (b->kind == PART_DISK && a->number == b->number && a->start == b->start &&
		    a->bytes == b->bytes)
			return b;
	}
	return NULL;
}

/* An extended partition is only the room of others. */
static bool same_parts(const struct table *t, const struct stamp *s)
{
	size_t in_table = 0, in_stamp = 0;

	for (size_t i = 0; i < s->part_count; i++)
		in_stamp += s->parts[i].kind == PART_DISK;
	for (size_t i = 0; i < t->count; i++) {
		if (t->parts[i].extended)
			continue;
		in_table++;
		if (!find_part(s, &t->parts[i]))
			return false;
	}
	return in_table == in_stamp;
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

/* Whether the table has to be the one that the stamp says: partition, which writes the stamp before
 * the table, is behind it. */
static bool is_settled(const struct stamp *s)
{
	return s->finished || s->done[0] || s->open[0];
}

/* Why the stamp does not prove that the disk is ours to write; NULL if it does. */
static const char *stamp_objection(const struct stamp *s, const char *site, const struct table *t,
				   unsigned int contents)
{
	if (!site || strcmp(s->site, site))
		return "the stamp of another site";
	if (contents)
		return "our stamp, but something else was put onto the disk since";
	if (is_settled(s) ? same_id(t, s) && same_parts(t, s) : same_id(t, s) || is_incomplete(t))
		return NULL;
	return "our stamp, but another partition table than it says";
}

/* Disks that changed their names: what the layout keeps may lie on the one that it means to write. */
static bool is_swapped(const struct guard_disk *d, const struct stamp *s)
{
	const struct layout *l = d->layout;
	bool keeps = false, other = false;

	for (size_t i = 0; l && i < l->disk_count; i++) {
		keeps |= keep_wanted(l, i);
		other |= i != d->index && !strcmp(l->disks[i].name, s->disk);
	}
	return keeps && other;
}

/* In words what a partition holds; nothing if it is blank. A broken table may name more than the disk
 * has. */
static int describe_part(const struct guard_disk *d, const struct table_part *p,
			 struct strbuf *content)
{
	uint64_t bytes = p->start < d->bytes ? d->bytes - p->start : 0, where;
	unsigned int contents;
	int ret;

	if (p->bytes < bytes)
		bytes = p->bytes;
	if (!bytes)
		return 0;
	ret = probe_describe(d->fd, p->start, bytes, content, &contents);
	if (ret || content->len)
		return ret;
	ret = probe_part_is_zero(d->fd, p->start, bytes, &where);
	if (!ret)
		strbuf_addf(content, "data of no known kind at byte %llu",
			    (unsigned long long)where);
	return ret < 0 ? ret : 0;
}

/* A disk without our stamp of which the layout keeps something: what it does not name has to be
 * blank. */
static int judge_kept(const struct guard_disk *d, struct strbuf *why)
{
	for (size_t i = 0; i < d->table->count; i++) {
		const struct table_part *p = &d->table->parts[i];
		_cleanup_strbuf_ struct strbuf content = STRBUF_INIT;
		int ret;

		if (p->extended || keep_has(d->layout, d->index, p->number))
			continue;
		ret = describe_part(d, p, &content);
		if (ret)
			return ret;
		if (content.len)
			strbuf_addf(why, "%spartition %u, which the layout does not name: %s",
				    why->len ? "; " : "", p->number, content.buf);
	}
	return 0;
}

/* What lies there without a table or signature of the disk that explains it; perhaps a partition's
 * content, whose table is gone: then it begins at a full MiB. */
static int describe_stray(const struct guard_disk *d, uint64_t where, struct strbuf *why)
{
	_cleanup_strbuf_ struct strbuf content = STRBUF_INIT;
	uint64_t begin = where & ~(((uint64_t)1 << 20) - 1);
	unsigned int contents;
	int ret = probe_describe(d->fd, begin, d->bytes - begin, &content, &contents);

	if (!ret && contents)
		strbuf_addf(why, "%s, in what begins at byte %llu and no table names", content.buf,
			    (unsigned long long)begin);
	else if (!ret)
		strbuf_addf(why, "data of no known kind at byte %llu", (unsigned long long)where);
	return ret;
}

static int judge_foreign(const struct guard_disk *d, const char *content, unsigned int contents,
			 struct strbuf *why)
{
	uint64_t where;
	int ret = 1;

	if (!contents && d->layout && keep_wanted(d->layout, d->index) && d->table->count)
		return judge_kept(d, why);
	if (content)
		strbuf_adds(why, content);
	else
		ret = probe_is_zero(d->fd, d->bytes, STAMP_OFFSET, STAMP_AREA, &where);
	return ret ? (ret < 0 ? ret : 0) : describe_stray(d, where, why);
}

int guard_judge(const struct guard_disk *d, const char *site, struct strbuf *why)
{
	_cleanup_free_ struct stamp *s = malloc(sizeof(*s));
	_cleanup_strbuf_ struct strbuf content = STRBUF_INIT;
	const char *objection;
	unsigned int contents;
	int stamp = s ? stamp_read(d->fd, s) : -ENOMEM, ret;

	if (stamp && stamp != -ENODATA && stamp != -EBADMSG)
		return stamp;
	ret = probe_describe(d->fd, 0, 0, &content, &contents);
	if (ret)
		return ret;
	if (stamp)
		ret = judge_foreign(d, content.buf, contents, why);
	else if ((objection = stamp_objection(s, site, d->table, contents)))
		strbuf_addf(why, "%s (site %s, node '%s')%s%s", objection, s->site, s->node,
			    content.len ? ": " : "", content.len ? content.buf : "");
	else if (is_swapped(d, s))
		strbuf_addf(why, "the stamp of disk '%s' of this layout (node '%s')", s->disk,
			    s->node);
	return ret ? ret : why->error;
}

int guard_is_blank(const struct guard_disk *d, bool *blank)
{
	_cleanup_strbuf_ struct strbuf content = STRBUF_INIT;
	unsigned int contents;
	uint64_t where;
	int ret = probe_describe(d->fd, 0, 0, &content, &contents);

	if (!ret && !content.len)
		ret = probe_is_zero(d->fd, d->bytes, STAMP_OFFSET, STAMP_AREA, &where);
	*blank = ret == 1;
	return ret < 0 ? ret : 0;
}
