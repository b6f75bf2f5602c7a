/* What a system of files consists of, entry by entry: the listing of a base system, made from its
 * tar by `lucie base`, and the record of what an installation changed of it, made by finalize.
 *
 *	lucie-listing 1
 *	base ROOT
 *	TYPE MODE UID GID SIZE HASH XATTRS PATH
 *
 * ROOT: the blob that the base came in (64 hex digits). TYPE: f file, d directory, l link, c and b devices, p pipe, s socket, - nothing is there. MODE is
 * octal; SIZE bytes of a file, the number of a device, else 0. HASH: BLAKE3 of a file's content or
 * of a link's text; XATTRS: BLAKE3 of the extended attributes (struct listing_xattrs); both "-"
 * where there is nothing. PATH (init/lib/path-text.h) is relative, "." is the root itself. Times are
 * not listed: they say nothing that the content does not. Pure.
 */
#ifndef LUCIE_LISTING_H
#define LUCIE_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <blake3.h>

#include "init/lib/str.h"

#define LISTING_MAX  ((size_t)64 << 20) /* bytes of text */
#define LISTING_HASH 32

enum listing_type {
	LISTING_FILE = 'f',
	LISTING_DIR = 'd',
	LISTING_LINK = 'l',
	LISTING_CHAR = 'c',
	LISTING_BLOCK = 'b',
	LISTING_PIPE = 'p',
	LISTING_SOCKET = 's',
	LISTING_GONE = '-',
};

struct listing_entry {
	enum listing_type type;
	uint32_t mode, uid, gid; /* mode: permission bits alone */
	uint64_t size;
	uint8_t hash[LISTING_HASH], xattrs[LISTING_HASH]; /* zeros: nothing */
	const char *path;
};

/* Owner: listing_parse() fills it, listing_free() releases it. */
struct listing {
	const char *base;
	char *text;
	struct listing_entry *entries;
	size_t count;
};

/* The type of a file of this mode. */
enum listing_type listing_type_of(mode_t mode);

void listing_write_start(struct strbuf *b, const char *base);
void listing_write(struct strbuf *b, const struct listing_entry *e);
/* Takes text over, whatever the result. -EINVAL, -EFBIG, -ENOMEM with why (>= 160 bytes). */
int listing_parse(struct listing *l, char *text, size_t len, char *why, size_t why_len);
void listing_free(struct listing *l);

/* The extended attributes of one file, in any order, and their one hash. ACLs and what the kernel
 * makes by itself (system.*) do not count. */
#define LISTING_XATTRS_MAX 64
struct listing_xattrs {
	size_t count;
	struct {
		const char *name; /* the caller's, until the hash is made */
		uint8_t hash[LISTING_HASH];
	} list[LISTING_XATTRS_MAX];
};
/* -E2BIG. */
int listing_xattr(struct listing_xattrs *x, const char *name, const void *value, size_t len);
void listing_xattrs_hash(struct listing_xattrs *x, uint8_t hash[LISTING_HASH]);

/* BLAKE3 of a text: what a link's `hash` is. */
void listing_hash_text(const char *text, uint8_t hash[LISTING_HASH]);

#endif
