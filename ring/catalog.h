/* What a tree on the ring consists of: text that is the beginning of the stream; the contents of
 * the files follow in its order, without gaps. Pure.
 *
 *	lucie-catalog 1
 *	d MODE MTIME PATH          octal, seconds since 1970
 *	f MODE MTIME SIZE PATH
 *	l MTIME PATH TARGET
 *
 * Depth first, the names in a directory strictly ascending by bytes, every parent a `d` line before
 * its entries: so no name comes twice, nothing lies below a symbolic link, and no path leads out of
 * the tree (absolute, empty, "." and ".." components are refused). PATH and TARGET are
 * written as init/lib/path-text.h says.
 */
#ifndef LUCIE_RING_CATALOG_H
#define LUCIE_RING_CATALOG_H

#include <stddef.h>
#include <stdint.h>

#include "init/lib/path-text.h"
#include "init/lib/str.h"

#define CATALOG_MAX	  ((size_t)64 << 20) /* bytes of text */
#define CATALOG_PATH_MAX  PATH_INNER_MAX
#define CATALOG_DEPTH_MAX PATH_INNER_DEPTH

enum catalog_type { CATALOG_DIR = 'd', CATALOG_FILE = 'f', CATALOG_LINK = 'l' };

struct catalog_entry {
	enum catalog_type type;
	uint32_t mode; /* permission bits */
	int64_t mtime;
	uint64_t size, offset; /* offset: in the stream */
	char *path, *target;   /* point into the catalog's text */
};

/* Owner: catalog_parse() fills it, catalog_free() releases it. */
struct catalog {
	char *text;
	struct catalog_entry *entries;
	size_t count;
	uint64_t end; /* of the stream */
};

void catalog_write_start(struct strbuf *b);
void catalog_write(struct strbuf *b, const struct catalog_entry *e);
/* -EINVAL, -EFBIG, -ENOMEM with why (>= 160 bytes). */
int catalog_parse(struct catalog *c, const char *text, size_t len, char *why, size_t why_len);
void catalog_free(struct catalog *c);
/* The file that holds this byte of the stream; NULL before the files and past the end. */
const struct catalog_entry *catalog_find(const struct catalog *c, uint64_t offset);

#endif
