/* What the files cluster*.c share: the definition in memory while it is read, resolved and checked.
 *
 * Order of the work (cluster.c): read (cluster-read.c) -> own values checked one by one
 * (cluster-values.c) -> ranges made into hosts (cluster-range.c, cluster-macs.c) -> templates
 * resolved (cluster-resolve.c) -> names and references checked across objects (cluster-check.c),
 * orders of modules (cluster-installer.c), disk layouts (cluster-layout.c), and what travels over
 * rings (cluster-rings.c) -> hosts that no error touches (cluster-sound.c).
 */
#ifndef LUCIE_CLUSTER_INTERNAL_H
#define LUCIE_CLUSTER_INTERNAL_H

#include "host-tools/lib/arena.h"
#include "host-tools/lib/cluster.h"
#include "host-tools/lib/map.h"
#include "host-tools/lib/modules.h"

#define CLUSTER_FILE_MAX      ((size_t)16 << 20)
#define CLUSTER_FILES_MAX     256 /* with includes */
#define CLUSTER_INCLUDE_DEPTH 16
#define CLUSTER_USE_DEPTH     32   /* a template of a template ... */
#define CLUSTER_VALUES_MAX    512  /* of one object, inherited ones included */
#define CLUSTER_ERRORS_MAX    1000 /* more are counted, not shown */
#define SUGGEST_ERRORS	      100  /* no more suggestions after so many: each looks at every name */
#define CLUSTER_NAMES_MAX     65536	 /* of one pattern like cnode[0000-9999] */
#define CLUSTER_HOSTS_MAX     65536	 /* made by ranges */
#define CLUSTER_LINKS_MAX     16	 /* interfaces of one host */
#define CLUSTER_CARDS_MAX     16	 /* of one host, in a mac_file */
#define CLUSTER_INHERITED_MAX (4U << 20) /* values that objects took from templates, in all */

#define ERASER "wipe" /* the module that nobody means by a typing error */

/* Passes that look at each host. */
enum { SHOWN_NAMES = 1, SHOWN_HOSTS = 2, SHOWN_DATASETS = 4, SHOWN_LINKS = 8, SHOWN_PACKAGES = 16 };

/* In the arena; one for each host that names an interface. */
struct cluster_list {
	const char **items;
	size_t count;
};

/* Of a lucie_group with a gateway: its hosts that are not in the gateway's network. Without one:
 * the host that says which network it is. */
struct strays {
	size_t count;
	const struct object *first;
	uint32_t address; /* of the first */
	bool apart; /* they are not in one network either, or other hosts are in the gateway's */
	bool near_server;    /* without a gateway: it is in the server's network */
	bool gateway_is_one; /* all say the same: it is the gateway that is elsewhere */
};

/* public comes first, so that a pointer to it is a pointer to the whole. */
struct object {
	struct cluster_object public;
	struct cluster_value *own; /* as written; public.values after resolving */
	size_t own_count, own_cap;
	unsigned int last_line; /* where it ends; 0: it stands in no file */
	const char *template;	/* `name`: what others `use`; NULL */
	enum { RESOLVE_NOT, RESOLVE_RUNNING, RESOLVE_DONE } resolve;
	struct object **groups; /* of a host: its host_groups in the order of the file */
	size_t group_count;
	bool broken;  /* something in it was not understood: what it lacks is not worth a word */
	bool tainted; /* an error stands in it, or where it has a value from (cluster-sound.c) */
	struct cluster_link *links; /* of a host: its interfaces, in the arena */
	size_t link_count;
	struct cluster_list addresses, macs; /* of an interface */
	struct strays strays;		     /* of a lucie_group */
	size_t users;			     /* of an interface: hosts that name it */
	bool ranged;			     /* it was a range: a template of its hosts now */
	struct object *range;		     /* of such a host: the object that it was made from */
	unsigned int shown; /* of a range: passes (SHOWN_...) that found a host of it wrong */
};

/* One line of a mac_file, in the arena. */
struct mac_line {
	const char *name; /* NULL: a card only */
	const char *mac;
	struct cluster_place at, mac_at;
	struct mac_line *next, *same; /* the next one of all; of the same name */
};

struct mac_file {
	const char *path;
	struct mac_line *first, *last;
	size_t count;
	struct map by_name;
	bool named, broken;
	struct mac_file *older;
};

struct cluster_error {
	struct cluster_place at;
	size_t file; /* index, for sorting */
	const char *text;
};

struct cluster {
	struct arena arena; /* every string, and the arrays of resolved objects */
	const char *files[CLUSTER_FILES_MAX];
	size_t file_count;
	const char *dir; /* absolute folder of the main file; NULL when read from memory */
	const char *default_files; /* the folder `files` beside the main file; NULL */
	bool compiled; /* a generation: it was checked, files that it names are not looked at again
			*/
	bool alone;    /* only the grammar of one file: what it includes is not read */
	bool in_builtins; /* while the built-in defaults are read */

	struct object **objects; /* all, in order */
	size_t count;
	struct object **registered[TYPE_COUNT];
	size_t registered_count[TYPE_COUNT];
	struct map by_name[TYPE_COUNT];	  /* registered */
	struct map templates[TYPE_COUNT]; /* objects with `name` */
	struct map macs, link_macs, addresses, ports;
	struct map host_names; /* in lower case: names of the network */
	struct map untyped;    /* names of objects whose type was not known */
	bool has_untyped;
	struct modules modules;
	struct mac_file *mac_files;
	size_t made_hosts, inherited; /* so far; against the limits above */

	struct cluster_error *errors;
	size_t error_count, error_total;
	bool unsound; /* the errors may touch any host */
};

/* --- cluster-keys.c: the vocabulary --- */

enum {
	KEY_LIST = 1,	/* separated by commas */
	KEY_REPEAT = 2, /* may stand several times */
	KEY_OWN = 4,	/* not inherited from templates */
	KEY_FILE = 8,	/* a file, relative to the one that names it */
	KEY_FOLDER = 16,
	KEY_REF = 32, /* the name of an object of type ref */
	KEY_URI = 128,
	KEY_PLACE = 64, /* a file, a folder or a device; links in it are kept */
};

struct key_spec {
	const char *name;
	unsigned int types; /* bit 1 << enum cluster_type */
	unsigned int flags;
	bool (*valid)(const char *item); /* of one item of the list; NULL: any text */
	const char *expected;		 /* "expected ..." */
	enum cluster_type ref;
	const char *fallback; /* what holds where nothing is said; NULL */
};

const char *cluster_type_name(enum cluster_type type);
int cluster_type_find(const char *name); /* or -1 */
const char *cluster_identity_key(enum cluster_type type);
const struct key_spec *cluster_key(enum cluster_type type, const char *key);
const struct key_spec *cluster_key_at(size_t index); /* NULL past the end */

/* "MODULE.KEY": true, and the module's name in `module` (of at least 64 bytes), if it has this
 * form. */
bool cluster_is_module_key(const char *key, char *module, size_t len);

/* --- the steps --- */

/* Text is copied. Reads what it includes, if dir (see cluster_dir_of) is not NULL. */
void cluster_read_text(struct cluster *c, const char *file, const char *dir, const char *text,
		       size_t len);
#define BYTE_ORDER_MARK                                                                            \
	"\xef\xbb\xbf" /* some editors put it at a file's start; passed over there */

/* What is left of a text; a NUL, or what may become one, follows at end. */
struct cluster_text {
	char *at, *end;
};
/* Cuts the next line in place; NULL: there is none. bad: the first byte that may not stand in a text
 * file, or NULL; may be NULL itself. */
char *cluster_next_line(struct cluster_text *t, const char **bad);
/* A line cut in place: its first word goes to `end`, text is what follows it, comment what follows
 * the '#' (NULL: there is none). Empty lines have an empty word. */
struct cluster_words {
	char *word, *end, *text, *comment;
};
void cluster_split_line(struct cluster_words *w, char *line);
/* Says what is wrong with the text as such; returns the number of errors. */
int cluster_check_grammar(const char *name, const char *text, size_t len, cluster_error_fn *error,
			  void *arg);
/* "FOLDER/" of a path, "" where it has none. */
const char *cluster_dir_of(struct cluster *c, const char *path);
extern const char cluster_builtins[];

void cluster_check_values(struct cluster *c, struct object *o);
void cluster_check_item(struct cluster *c, const struct key_spec *spec, const char *item,
			const struct cluster_place *at);
/* A host that stands for many, or takes its card from a file: its host_name, address and
 * mac_address are checked by cluster_make_range(), which adds the hosts. */
bool cluster_is_range(const struct object *o);
bool cluster_is_range_key(const char *key);
void cluster_make_range(struct cluster *c, struct object *o);
/* NULL: it said why. */
const struct mac_file *cluster_mac_file(struct cluster *c, const struct cluster_value *v);
/* The same of its text, which is cut in place; a NUL follows at len. */
struct mac_file *cluster_read_macs(struct cluster *c, const char *path, char *text, size_t len);
void cluster_check_mac_files(struct cluster *c);
void cluster_free_mac_files(struct cluster *c);
void cluster_resolve(struct cluster *c);
void cluster_check_objects(struct cluster *c);
void cluster_taint(struct cluster *c);
/* In host order. False: it is none, or NULL. */
bool cluster_address(const char *text, uint32_t *out);
/* The subnet of a lucie_group or an interface. False: it has none, or a wrong one. */
bool cluster_netmask(const struct cluster_object *o, uint32_t *out);
void cluster_check_interfaces(struct cluster *c);
/* Calls check() for each host; what is wrong with the hosts of a range is shown for the first of
 * them. */
void cluster_check_hosts(struct cluster *c, unsigned int pass,
			 void (*check)(struct cluster *c, struct object *host));
void cluster_check_discover(struct cluster *c, const struct object *o);
void cluster_check_layout(struct cluster *c, const struct object *o);
void cluster_check_installer(struct cluster *c, const struct object *o);
void cluster_check_dataset(struct cluster *c, const struct object *o);
void cluster_check_host_datasets(struct cluster *c, struct object *host);
void cluster_check_host_packages(struct cluster *c, struct object *host);
/* The host's installer, if it does not run the module; NULL. */
const struct cluster_object *cluster_host_lacks(const struct cluster *c, const struct object *host,
						const char *module);
/* Of a dataset or base: two masters cannot listen on one port. */
void cluster_check_ring_port(struct cluster *c, const struct object *o);

/* Says so if o has no value for key; form: the value's, in words. */
void cluster_require(struct cluster *c, const struct object *o, const char *key, const char *form);

/* Says that nothing of this type has the name, and which one is like it. */
void cluster_dangling(struct cluster *c, enum cluster_type type, const char *name,
		      const struct cluster_place *at);
struct object *cluster_object_add(struct cluster *c, enum cluster_type type,
				  struct cluster_place at);
void cluster_error(struct cluster *c, const struct cluster_place *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The value that stands first for a key; NULL. */
const struct cluster_value *cluster_value(const struct cluster_object *o, const char *key);
/* Where a key of a host is said: the host, a host_group or the lucie_group; NULL where only the
 * default holds. */
const struct cluster_object *cluster_host_owner(const struct cluster *c,
						const struct cluster_object *host, const char *key);
static inline const struct object *object_of(const struct cluster_object *o)
{
	return (const struct object *)o;
}

#endif
