/* The definition of a cluster: the language of the paper's Figure 3 (cluster.conf(5)).
 *
 * Two layers: objects as written (file:line:column of every value, templates resolved), and typed
 * access to a resolved host. All errors of a run are collected and printed; nothing exits in here.
 * Owner of everything: struct cluster, released by cluster_free().
 */
#ifndef LUCIE_CLUSTER_H
#define LUCIE_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/lib/str.h"

struct cluster_place {
	const char *file;
	unsigned int line, column; /* from 1; column counts bytes */
};

struct cluster_value {
	const char *key, *text; /* text: trimmed, without the comment */
	struct cluster_place key_at, at;
};

enum cluster_type {
	TYPE_HOST,
	TYPE_LUCIE_GROUP,
	TYPE_HOST_GROUP,
	TYPE_INSTALLER,
	TYPE_DISK_LAYOUT,
	TYPE_BASE,
	TYPE_DATASET,
	TYPE_INTERFACE,
	TYPE_PACKAGE_SERVER,
	TYPE_SERVICE,
	TYPE_COUNT
};

struct cluster_object {
	enum cluster_type type;
	const char *name; /* host_name, hostgroup_name or name */
	bool registered;  /* false: a template only (register 0) */
	bool builtin;	  /* from the defaults that are compiled in */
	struct cluster_place at;
	struct cluster_value
		*values; /* in order; after resolving, inherited ones follow the own ones */
	size_t count;
};

struct cluster;

/* Reads FILE (and its includes) and the built-in defaults, resolves templates, checks everything
 * that can be wrong. Each error is one line "file:line:column: what is wrong, what was expected"
 * through error(); *out is set even then, for as much as was understood. Returns the number of
 * errors, or -errno when FILE cannot be read (logged). */
typedef void cluster_error_fn(const char *line, void *arg);
int cluster_load(struct cluster **out, const char *path, cluster_error_fn *error, void *arg);
/* The same with modules/ and what it includes in dir ("" or "FOLDER/"), wherever the file is. */
int cluster_load_beside(struct cluster **out, const char *path, const char *dir,
			cluster_error_fn *error, void *arg);
/* The same from memory, for tests and fuzzers; `name` stands for the file; includes are refused. */
int cluster_load_text(struct cluster **out, const char *name, const char *text, size_t len,
		      cluster_error_fn *error, void *arg);
void cluster_free(struct cluster *c);

/* The canonical form of one file's text (lucie(1), fmt): it says the same, and formatting it again
 * changes nothing. Only the grammar is judged; what keys mean and what is included is not. Returns
 * the number of errors, as above, or -errno when `out` cannot take it; then it is not to be used.
 */
int cluster_format(struct strbuf *out, const char *name, const char *text, size_t len,
		   cluster_error_fn *error, void *arg);

/* Objects of a type, registered ones only, in the order of the file. */
size_t cluster_count(const struct cluster *c, enum cluster_type type);
const struct cluster_object *cluster_at(const struct cluster *c, enum cluster_type type,
					size_t index);
const struct cluster_object *cluster_find(const struct cluster *c, enum cluster_type type,
					  const char *name);
const struct cluster_object *cluster_host_by_mac(const struct cluster *c, const char *mac);
/* Whether an object of the type can be used by this name; *like: else the one that is like it, or
 * NULL. Not of a compiled definition, in which everything is resolved. */
bool cluster_is_template(const struct cluster *c, enum cluster_type type, const char *name,
			 const char **like);
/* Own or template value of an object; NULL. */
const char *cluster_get(const struct cluster_object *o, const char *key);
/* What holds for a key where nobody says anything; NULL. */
const char *cluster_default(const struct cluster *c, const char *key);
/* What holds for a host: itself (with its templates), else its host_groups, else its lucie_group,
 * else the default; NULL. */
const char *cluster_host_get(const struct cluster *c, const struct cluster_object *host,
			     const char *key);
const struct cluster_object *cluster_host_ref(const struct cluster *c,
					      const struct cluster_object *host, const char *key,
					      enum cluster_type type);

/* Whether no error of the definition is in the host or in what its plan is made of. */
bool cluster_host_is_sound(const struct cluster *c, const struct cluster_object *host);

/* The host's host_groups in the order of the file, index from 0; NULL past the end. */
const struct cluster_object *cluster_host_group(const struct cluster_object *host, size_t index);
/* An interface of a host, with what its lists have for this host. */
struct cluster_link {
	const struct cluster_object *interface;
	const char *address, *mac; /* NULL: none */
};
/* In the order of the host's `interfaces`, index from 0; NULL past the end. */
const struct cluster_link *cluster_host_link(const struct cluster_object *host, size_t index);
/* What it is called on the node. */
const char *cluster_interface_device(const struct cluster_object *interface);
/* The items of a comma list, one a call, trimmed, in buf; *pos starts at 0, *offset is the item's
 * from the list's start. Commas within brackets separate nothing. False at the end. */
bool cluster_list_next(const char *list, size_t *pos, char *buf, size_t len, size_t *offset);
#define CLUSTER_ITEM_MAX 4096
/* Whether one of the items is this; list may be NULL. */
bool cluster_list_has(const char *list, const char *wanted);

/* Calls each(name) for every name that a pattern item like "cnode[00-31]" stands for. -EINVAL with
 * why; else what each() returns when that is not 0. */
int cluster_pattern_each(const char *item, int (*each)(const char *name, void *arg), void *arg,
			 char *why, size_t why_len);
/* "cnode[00-03],gpu1,rack2" -> the names of defined hosts and of the members of host_groups, each
 * once, in order; 0 or -errno with why (>= 160 bytes).
 * *names and its strings: the caller's, cluster_names_free(). */
int cluster_hosts_expand(const struct cluster *c, const char *pattern, char ***names, size_t *count,
			 char *why, size_t why_len);
void cluster_names_free(char **names, size_t count);

/* The first lucie_group that lets machines that no host is wait to be named (discover_range); NULL.
 */
const struct cluster_object *cluster_discovers(const struct cluster *c);
/* The two addresses of such a group, in host order. False: it has none. */
bool cluster_discover_range(const struct cluster_object *group, uint32_t *first, uint32_t *last);

struct modules;
/* The installer modules that the definition was checked against (modules.h). */
const struct modules *cluster_modules(const struct cluster *c);

/* Calls move() for every file that plans are made from (ssh_keys, key); the path that it returns
 * (malloc'ed; NULL: failed, it said why) takes the old one's place. Before cluster_write(), so that
 * a generation stands alone. 0 or -EIO. */
int cluster_move_files(struct cluster *c, char *(*move)(const char *path, void *arg), void *arg);
/* Adds a value that the definition does not give, before cluster_write(). */
void cluster_set(struct cluster *c, const struct cluster_object *object, const char *key,
		 const char *text);
/* Gives a host other network cards, before cluster_write(). -EEXIST: one is another host's, and
 * nothing was changed. */
int cluster_replace_macs(struct cluster *c, const struct cluster_object *host, const char *macs);
/* The compiled definition: canonical, templates and includes resolved, paths absolute;
 * cluster_load() reads it back, and then looks at none of the files that it names. */
int cluster_write(const struct cluster *c, struct strbuf *out);

#endif
