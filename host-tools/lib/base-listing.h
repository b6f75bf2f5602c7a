/* The listing of a base system (modules/lib/listing.h), collected while its tar is read. An entry
 * that comes again replaces the earlier one, and a hard link is listed as what it leads to: as both
 * are unpacked. */
#ifndef LUCIE_BASE_LISTING_H
#define LUCIE_BASE_LISTING_H

#include <stddef.h>

#include "init/lib/str.h"

struct archive_entry;
struct base_listing;

struct base_listing *base_listing_new(void);
/* The next entry; its data follow. path: without "./" in front. Logs what cannot be listed; -errno.
 */
int base_listing_entry(struct base_listing *l, struct archive_entry *e, const char *path);
void base_listing_data(struct base_listing *l, const void *data, size_t len);
/* After the last entry; base: root of the blob that the tar has become. */
void base_listing_write(struct base_listing *l, const char *base, struct strbuf *out);
void base_listing_free(struct base_listing *l);

#endif
