/* Checks the values of one object as they are written: known keys, the right form, files that are
 * there. References and what must be unique come later, when templates are resolved
 * (cluster-check.c). */
#include "host-tools/lib/cluster-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/lib/suggest.h"
#include "init/lib/cleanup.h"
#include "init/lib/io.h"
#include "init/lib/str.h"

#define SSH_KEYS_MAX ((size_t)256 << 10)
#define INPUT_MAX    ((size_t)1 << 20)

/* Keys of C modules that a definition may give; shell modules take any. */
static const char *const c_module_keys[] = {"init.kernel_module", "configure.interface",
					    "dolly.interface"};

/* The type that has this key; NULL. */
static const char *type_with_key(const char *key)
{
	for (int t = 0; t < TYPE_COUNT; t++)
		if (cluster_key((enum cluster_type)t, key))
			return cluster_type_name((enum cluster_type)t);
	return NULL;
}

/* "mac" of "mac_address", "group" of "lucie_group" */
static bool is_word_of(const char *word, const char *key)
{
	const char *at = strstr(key, word);
	size_t n = strlen(word);

	return at && (at == key || at[-1] == '_') && (!at[n] || at[n] == '_');
}

/* What others call it. */
static const struct {
	const char *word, *key;
} other_words[] = {{"ip", "address"},	   {"netmask", "subnet"},     {"router", "gateway"},
		   {"nameserver", "dns1"}, {"domain", "domain_name"}, {"hostname", "host_name"}};

static const char *other_word(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(other_words); i++)
		if (!strcmp(other_words[i].word, word))
			return other_words[i].key;
	return NULL;
}

/* The key that is like a word, among those of a type; NULL. */
static const char *like_key(enum cluster_type type, const char *word)
{
	struct suggestion s = suggest_start(word);
	const struct key_spec *spec;

	for (size_t i = 0; (spec = cluster_key_at(i)); i++)
		if (spec->types & 1U << type)
			suggest_offer(&s, spec->name);
	for (size_t i = 0; !s.best && (spec = cluster_key_at(i)); i++)
		if (spec->types & 1U << type && is_word_of(word, spec->name))
			s.best = spec->name;
	return s.best;
}

static void unknown_key(struct cluster *c, struct object *o, const struct cluster_value *v)
{
	const char *type = cluster_type_name(o->public.type), *other = type_with_key(v->key),
		   *key = other_word(v->key);
	bool elsewhere = key && !cluster_key(o->public.type, key);

	o->broken = true;
	if (!key)
		key = like_key(o->public.type, v->key);
	if (other)
		cluster_error(c, &v->key_at, "key '%s' in '%s', expected it in '%s'", v->key, type,
			      other);
	else if (elsewhere)
		cluster_error(c, &v->key_at, "unknown key '%.64s' in '%s', expected '%s' in '%s'",
			      v->key, type, key, type_with_key(key));
	else if (key)
		cluster_error(c, &v->key_at, "unknown key '%.64s' in '%s', expected '%s'", v->key,
			      type, key);
	else
		cluster_error(
			c, &v->key_at,
			"unknown key '%.64s' in '%s', expected one of its keys in cluster.conf(5)",
			v->key, type);
}

static void unknown_module(struct cluster *c, const char *name, const struct cluster_place *at)
{
	struct suggestion s = suggest_start(name);

	for (size_t i = 0; i < c->modules.count; i++)
		suggest_offer(&s, c->modules.list[i]->name);
	if (s.best)
		cluster_error(c, at, "no module is named '%.64s', expected '%s'", name, s.best);
	else
		cluster_error(c, at,
			      "no module is named '%.64s', expected one that `lucie check "
			      "--modules` lists",
			      name);
}

static void check_module_key(struct cluster *c, const struct cluster_value *v, const char *module)
{
	const struct module_info *info = modules_find(&c->modules, module);
	struct suggestion s = suggest_start(v->key);

	if (!info) {
		unknown_module(c, module, &v->key_at);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(c_module_keys); i++) {
		if (!info->c || !strcmp(v->key, c_module_keys[i]))
			return;
		suggest_offer(&s, c_module_keys[i]);
	}
	cluster_error(c, &v->key_at, "module '%s' has no key '%s', expected %s%s%s", module,
		      strchr(v->key, '.') + 1, s.best ? "'" : "",
		      s.best ? strchr(s.best, '.') + 1 : "none", s.best ? "'" : "");
}

/* The absolute form of a path that stands in a definition file; NULL (reported) if there is no such
 * thing. */
static const char *absolute(struct cluster *c, const struct key_spec *spec, const char *path,
			    const struct cluster_place *at)
{
	_cleanup_free_ char *real = NULL;

	if (*path != '/')
		path = arena_printf(&c->arena, "%s%s", cluster_dir_of(c, at->file), path);
	if (spec->flags & KEY_PLACE) /* /dev/disk/by-id/... is another disk tomorrow without it */
		return path;
	real = realpath(path, NULL);
	return real ? arena_strdup(&c->arena, real) : NULL;
}

/* A file that becomes part of plans: small, text, not empty. */
static void check_text_file(struct cluster *c, const char *path, const char *shown, size_t max,
			    const struct cluster_place *at)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int ret = file_read(path, max, &text, &len);

	if (ret)
		cluster_error(c, at, "cannot read '%s': %s, expected a file of at most %zu KiB",
			      shown, strerror(-ret), max >> 10);
	else if (!len)
		cluster_error(c, at, "'%s' is empty, expected a key in it", shown);
}

/* Each line of an authorized_keys file names a kind of key somewhere; a private key does not. */
static void check_ssh_keys(struct cluster *c, const char *path, const char *shown,
			   const struct cluster_place *at)
{
	_cleanup_free_ char *text = NULL;
	unsigned int number = 0, keys = 0;
	char *line, *rest;

	check_text_file(c, path, shown, SSH_KEYS_MAX, at);
	if (file_read(path, SSH_KEYS_MAX, &text, NULL))
		return;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		number++;
		line = str_trim(line);
		if (!*line || *line == '#')
			continue;
		keys++;
		if (strstr(line, "ssh-") || strstr(line, "ecdsa-") || strstr(line, "sk-"))
			continue;
		cluster_error(c, at,
			      "line %u of '%s' is no public key, expected a line like 'ssh-ed25519 "
			      "AAAA... NAME'",
			      number, shown);
		return;
	}
	if (!keys && *text)
		cluster_error(
			c, at,
			"'%s' has no key in it, expected a line like 'ssh-ed25519 AAAA... NAME'",
			shown);
}

static bool is_place(mode_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISBLK(mode);
}

static void check_path(struct cluster *c, const struct key_spec *spec, const char *shown,
		       const char *path, const struct cluster_place *at)
{
	struct stat st;
	bool folder = spec->flags & KEY_FOLDER;

	if (!path || stat(path, &st))
		cluster_error(c, at, "no file '%s', expected %s", shown, spec->expected);
	else if (spec->flags & KEY_PLACE && !is_place(st.st_mode))
		cluster_error(c, at, "'%s' cannot be sent, expected %s", shown, spec->expected);
	else if (spec->flags & KEY_PLACE)
		return;
	else if (folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
		cluster_error(c, at, "'%s' is %s, expected %s", shown,
			      folder ? "no folder" : "no regular file", spec->expected);
	else if (!strcmp(spec->name, "ssh_keys"))
		check_ssh_keys(c, path, shown, at);
	else if (!strcmp(spec->name, "key"))
		check_text_file(c, path, shown, INPUT_MAX, at);
}

/* The items of a list; any other value is one item. */
static bool next_item(const struct key_spec *spec, const char *text, size_t *pos,
		      char item[CLUSTER_ITEM_MAX], size_t *offset)
{
	if (spec->flags & KEY_LIST)
		return cluster_list_next(text, pos, item, CLUSTER_ITEM_MAX, offset);
	*offset = 0;
	snprintf(item, CLUSTER_ITEM_MAX, "%s", text);
	return !(*pos)++;
}

/* Makes the paths of a value absolute, so that the definition means the same when it lies
 * elsewhere. */
static void check_paths(struct cluster *c, const struct key_spec *spec, struct cluster_value *v)
{
	_cleanup_strbuf_ struct strbuf list = STRBUF_INIT;
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	if (!c->dir || c->compiled)
		return;
	while (next_item(spec, v->text, &pos, item, &offset)) {
		struct cluster_place at = v->at;
		const char *path = absolute(c, spec, item, &at);

		at.column += (unsigned int)offset;
		check_path(c, spec, item, path, &at);
		strbuf_addf(&list, "%s%s", list.len ? ", " : "", path ? path : item);
	}
	if (!list.error && list.buf)
		v->text = arena_strdup(&c->arena, list.buf);
}

static const char *const protocols[] = {"http", "file"};

static bool is_unknown_protocol(const char *uri)
{
	size_t n = strspn(uri, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+");

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (n == strlen(protocols[i]) && !strncmp(uri, protocols[i], n))
			return false;
	return n && uri[n] == ':' && uri[n + 1] == '/';
}

static void unknown_protocol(struct cluster *c, const struct key_spec *spec, const char *uri,
			     const struct cluster_place *at)
{
	const char *name = arena_strndup(&c->arena, uri, strcspn(uri, ":"));
	struct suggestion s = suggest_start(name);

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		suggest_offer(&s, protocols[i]);
	cluster_error(c, at, "unknown protocol '%.64s' of %s '%.80s', expected %s", name,
		      spec->name, uri, s.best ? s.best : spec->expected);
}

void cluster_check_item(struct cluster *c, const struct key_spec *spec, const char *item,
			const struct cluster_place *at)
{
	const char *commas =
		spec->flags & KEY_LIST && strpbrk(item, " \t") ? ", separated by commas" : "";

	if (!*item)
		cluster_error(c, at, "an empty item in the list of %s, expected %s", spec->name,
			      spec->expected);
	else if (spec->flags & KEY_URI && !spec->valid(item) && is_unknown_protocol(item))
		unknown_protocol(c, spec, item, at);
	else if (spec->valid && !spec->valid(item) && !strcmp(spec->name, "root_password"))
		cluster_error(c, at, "root_password is no password hash, expected %s",
			      spec->expected);
	else if (spec->valid && !spec->valid(item) && !strcmp(spec->name, "luks_key"))
		cluster_error(c, at, "bad luks_key, expected %s", spec->expected);
	else if (!strcmp(spec->name, "mac_address") && strchr(item, '['))
		cluster_error(c, at,
			      "bad mac_address '%.80s', as ranges are for names and IPv4 "
			      "addresses, expected a list of cards, or mac_file in a host",
			      item);
	else if (spec->valid && !spec->valid(item))
		cluster_error(c, at, "bad %s '%.80s', expected %s%s", spec->name, item,
			      spec->expected, commas);
}

static void check_value(struct cluster *c, const struct key_spec *spec, struct cluster_value *v)
{
	char item[CLUSTER_ITEM_MAX];
	size_t pos = 0, offset;

	while (next_item(spec, v->text, &pos, item, &offset)) {
		struct cluster_place at = v->at;

		at.column += (unsigned int)offset;
		cluster_check_item(c, spec, item, &at);
	}
	if (spec->flags & (KEY_FILE | KEY_FOLDER | KEY_PLACE))
		check_paths(c, spec, v);
}

static void check_twice(struct cluster *c, const struct object *o, size_t index)
{
	const struct cluster_value *v = &o->own[index];

	for (size_t i = 0; i < index; i++)
		if (!strcmp(o->own[i].key, v->key)) {
			cluster_error(c, &v->key_at,
				      "'%s' was said on line %u already, expected it once", v->key,
				      o->own[i].key_at.line);
			return;
		}
}

void cluster_check_values(struct cluster *c, struct object *o)
{
	bool level = o->public.type == TYPE_HOST || o->public.type == TYPE_LUCIE_GROUP ||
		     o->public.type == TYPE_HOST_GROUP,
	     range = cluster_is_range(o);

	for (size_t i = 0; i < o->own_count; i++) {
		struct cluster_value *v = &o->own[i];
		const struct key_spec *spec = cluster_key(o->public.type, v->key);
		char module[64];

		if (!spec && level && cluster_is_module_key(v->key, module, sizeof(module))) {
			check_module_key(c, v, module);
		} else if (!spec) {
			unknown_key(c, o, v);
		} else {
			if (!(spec->flags & KEY_REPEAT))
				check_twice(c, o, i);
			if (!range || !cluster_is_range_key(v->key))
				check_value(c, spec, v);
		}
	}
}
