/* Comma lists, and host ranges like cnode[00-03,07]; see cluster-internal.h and
 * cluster_hosts_expand(). Pure. */
#include "host-tools/lib/cluster-internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"

#define NAME_MAX_LEN 64 /* of one expanded name, with the NUL */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool cluster_list_next(const char *list, size_t *pos, char *buf, size_t len, size_t *offset)
{
	size_t start = *pos, end, next;
	int depth = 0;

	if (start && !list[start - 1])
		return false;
	for (end = start; list[end] && (depth || list[end] != ','); end++)
		depth += list[end] == '[' ? 1 : list[end] == ']' && depth ? -1 : 0;
	next = end + 1;
	while (start < end && is_blank(list[start]))
		start++;
	while (end > start && is_blank(list[end - 1]))
		end--;
	*pos = next;
	*offset = start;
	if (end - start >= len)
		end = start + len - 1;
	memcpy(buf, list + start, end - start);
	buf[end - start] = '\0';
	return true;
}

bool cluster_list_has(const char *list, const char *wanted)
{
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (list && cluster_list_next(list, &pos, item, sizeof(item), &offset))
		if (!strcmp(item, wanted))
			return true;
	return false;
}

struct expansion {
	int (*each)(const char *name, void *arg);
	void *arg;
	size_t count;
	char *why;
	size_t why_len;
};

static int expand(struct expansion *x, const char *head, const char *rest);

static int emit(struct expansion *x, const char *name)
{
	if (++x->count > CLUSTER_NAMES_MAX) {
		snprintf(x->why, x->why_len, "stands for more than %d names", CLUSTER_NAMES_MAX);
		return -EINVAL;
	}
	return x->each(name, x->arg);
}

static int refuse(struct expansion *x, const char *what)
{
	snprintf(x->why, x->why_len, "%s, expected a range like [00-31] or [0,4-7]", what);
	return -EINVAL;
}

static int append(struct expansion *x, char out[NAME_MAX_LEN], const char *head, const char *part,
		  size_t len)
{
	if (snprintf(out, NAME_MAX_LEN, "%s%.*s", head, (int)len, part) >= NAME_MAX_LEN)
		return refuse(x, "the name would be longer than 63 bytes");
	return 0;
}

/* "00-31" or "7" at *range: expands it, with what follows the bracket. The first number's width is
 * kept. */
static int expand_numbers(struct expansion *x, const char *head, const char *range, size_t len,
			  const char *rest)
{
	size_t width = strspn(range, "0123456789"), width2 = 0;
	unsigned long first, last;

	if (width < len && range[width] == '-')
		width2 = strspn(range + width + 1, "0123456789");
	if (!width || width > 9 || width2 > 9 || (width2 ? width + 1 + width2 : width) != len)
		return refuse(x, "bad range");
	first = strtoul(range, NULL, 10);
	last = width2 ? strtoul(range + width + 1, NULL, 10) : first;
	if (last < first)
		return refuse(x, "the range runs backwards");
	for (unsigned long i = first; i <= last; i++) {
		char number[24], name[NAME_MAX_LEN];
		int n = snprintf(number, sizeof(number), "%0*lu", (int)width, i);
		int ret = append(x, name, head, number, (size_t)n);

		if (!ret)
			ret = expand(x, name, rest);
		if (ret)
			return ret;
	}
	return 0;
}

static int expand(struct expansion *x, const char *head, const char *rest)
{
	size_t plain = strcspn(rest, "[]");
	const char *close, *p;
	char name[NAME_MAX_LEN];
	int ret = append(x, name, head, rest, plain);

	if (ret || !rest[plain])
		return ret ? ret : emit(x, name);
	close = strchr(rest + plain, ']');
	if (rest[plain] == ']' || !close)
		return refuse(x, "'[' and ']' do not match");
	for (p = rest + plain + 1; p <= close; p++) {
		size_t len = strcspn(p, ",]");

		ret = expand_numbers(x, name, p, len, close + 1);
		if (ret)
			return ret;
		p += len;
	}
	return 0;
}

int cluster_pattern_each(const char *item, int (*each)(const char *name, void *arg), void *arg,
			 char *why, size_t why_len)
{
	struct expansion x = {.each = each, .arg = arg, .why = why, .why_len = why_len};

	return expand(&x, "", item);
}

struct names {
	const struct cluster *c;
	struct map seen;
	char **list;
	size_t count;
	char *why;
	size_t why_len;
};

static void take_host(struct names *n, const struct cluster_object *host)
{
	if (map_put(&n->seen, host->name, n))
		return;
	n->list = xrealloc(n->list, n->count + 1, sizeof(*n->list));
	n->list[n->count++] = xstrdup(host->name);
}

static bool is_member(const struct cluster_object *host, const struct cluster_object *group)
{
	const struct cluster_object *g;

	for (size_t i = 0; (g = cluster_host_group(host, i)); i++)
		if (g == group)
			return true;
	return false;
}

static int take_group(struct names *n, const struct cluster_object *group)
{
	bool any = false;

	for (size_t i = 0; i < cluster_count(n->c, TYPE_HOST); i++) {
		const struct cluster_object *host = cluster_at(n->c, TYPE_HOST, i);

		if (!is_member(host, group))
			continue;
		take_host(n, host);
		any = true;
	}
	if (!any)
		snprintf(n->why, n->why_len, "host_group '%s' has no members", group->name);
	return any ? 0 : -ENOENT;
}

/* Where a host and a host_group have one name, the host is meant. */
static int take_name(const char *name, void *arg)
{
	struct names *n = arg;
	const struct cluster_object *host = cluster_find(n->c, TYPE_HOST, name),
				    *group = cluster_find(n->c, TYPE_HOST_GROUP, name);

	if (host) {
		take_host(n, host);
		return 0;
	}
	if (group)
		return take_group(n, group);
	snprintf(n->why, n->why_len, "no host or host_group is named '%s'", name);
	return -ENOENT;
}

int cluster_hosts_expand(const struct cluster *c, const char *pattern, char ***names, size_t *count,
			 char *why, size_t why_len)
{
	struct names n = {.c = c, .why = why, .why_len = why_len};
	char item[CLUSTER_ITEM_MAX], detail[160] = "";
	size_t pos = 0, offset;
	int ret = 0;

	while (!ret && cluster_list_next(pattern, &pos, item, sizeof(item), &offset)) {
		ret = cluster_pattern_each(item, take_name, &n, detail, sizeof(detail));
		if (ret == -EINVAL)
			snprintf(why, why_len, "'%.80s': %s", item, detail);
	}
	map_free(&n.seen);
	if (ret) {
		cluster_names_free(n.list, n.count);
		return ret;
	}
	*names = n.list;
	*count = n.count;
	return 0;
}

void cluster_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
