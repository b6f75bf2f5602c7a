/* The compiled definition: what a generation is. Each registered object with all that it inherited;
 * see cluster_write(). */
#include "host-tools/lib/cluster-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"

static bool is_written(const char *key, const char *identity)
{
	return strcmp(key, identity) && strcmp(key, "name") && strcmp(key, "use") &&
	       strcmp(key, "register");
}

/* A text that would be read as a comment, or as the object's end, cannot be written. */
static void write_value(struct strbuf *out, const char *key, const char *text)
{
	if (*text == '#' || strstr(text, " #") || strstr(text, "\t#") || strstr(text, "{#") ||
	    str_ends(text, " }") || str_ends(text, "\t}"))
		out->error = -EINVAL;
	strbuf_addf(out, "\t%s %s\n", key, text);
}

static void write_object(const struct cluster *c, const struct cluster_object *o,
			 struct strbuf *out)
{
	const char *identity = cluster_identity_key(o->type);

	strbuf_addf(out, "\ndefine %s{\n", cluster_type_name(o->type));
	write_value(out, identity, o->name);
	for (size_t i = 0; i < o->count; i++)
		if (is_written(o->values[i].key, identity))
			write_value(out, o->values[i].key, o->values[i].text);
	if (o->type == TYPE_LUCIE_GROUP && c->default_files && !cluster_get(o, "files"))
		write_value(out, "files", c->default_files);
	strbuf_adds(out, "}\n");
}

int cluster_write(const struct cluster *c, struct strbuf *out)
{
	strbuf_adds(out, "compiled 1\n");
	for (int t = 0; t < TYPE_COUNT; t++)
		for (size_t i = 0; i < c->registered_count[t]; i++)
			write_object(c, &c->registered[t][i]->public, out);
	return out->error;
}

static int move_list(struct cluster *c, struct cluster_value *v,
		     char *(*move)(const char *path, void *arg), void *arg)
{
	_cleanup_strbuf_ struct strbuf list = STRBUF_INIT;
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (cluster_list_next(v->text, &pos, item, sizeof(item), &offset)) {
		_cleanup_free_ char *path = move(item, arg);

		if (!path)
			return -EIO;
		strbuf_addf(&list, "%s%s", list.len ? ", " : "", path);
	}
	v->text = arena_strdup(&c->arena, list.buf);
	return 0;
}

int cluster_move_files(struct cluster *c, char *(*move)(const char *path, void *arg), void *arg)
{
	for (size_t i = 0; i < c->count; i++) {
		struct cluster_object *o = &c->objects[i]->public;

		for (size_t k = 0; k < o->count; k++) {
			const char *key = o->values[k].key;
			int ret = 0;

			if (!strcmp(key, "ssh_keys") ||
			    (o->type == TYPE_PACKAGE_SERVER && !strcmp(key, "key")))
				ret = move_list(c, &o->values[k], move, arg);
			if (ret)
				return ret;
		}
	}
	return 0;
}

int cluster_replace_macs(struct cluster *c, const struct cluster_object *host, const char *macs)
{
	struct cluster_object *o = &((struct object *)host)->public;
	char item[CLUSTER_ITEM_MAX], mac[MAC_TEXT];
	size_t pos = 0, offset;

	while (cluster_list_next(macs, &pos, item, sizeof(item), &offset)) {
		const struct cluster_object *other = cluster_host_by_mac(c, item);

		if (other && other != host)
			return -EEXIST;
	}
	pos = 0;
	while (cluster_list_next(macs, &pos, item, sizeof(item), &offset))
		if (!str_to_mac(item, mac))
			map_put(&c->macs, arena_strdup(&c->arena, mac), o);
	for (size_t i = 0; i < o->count; i++)
		if (!strcmp(o->values[i].key, "mac_address"))
			o->values[i].text = arena_strdup(&c->arena, macs);
	return 0;
}

void cluster_set(struct cluster *c, const struct cluster_object *object, const char *key,
		 const char *text)
{
	struct cluster_object *o = &((struct object *)object)->public;
	struct cluster_value *values = arena_alloc(&c->arena, (o->count + 1) * sizeof(*values));

	if (o->count)
		memcpy(values, o->values, o->count * sizeof(*values));
	values[o->count++] = (struct cluster_value){.key = arena_strdup(&c->arena, key),
						    .text = arena_strdup(&c->arena, text),
						    .key_at = o->at,
						    .at = o->at};
	o->values = values;
}
