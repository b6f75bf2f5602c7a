/* The listing of a base system: what is accepted must come out of the writer as it went in, and is
 * found by its path. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "modules/lib/drift.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf b = STRBUF_INIT;
	struct listing l, again;
	struct listing_index x;
	char *text = calloc(1, size + 1), why[160];

	memcpy(text, data, size);
	if (listing_parse(&l, text, size, why, sizeof(why)))
		return 0;
	listing_write_start(&b, l.base);
	for (size_t i = 0; i < l.count; i++)
		listing_write(&b, &l.entries[i]);
	text = b.buf;
	if (b.error || listing_parse(&again, text, b.len, why, sizeof(why)) ||
	    again.count != l.count || listing_index_make(&x, &l))
		abort();
	for (size_t i = 0; i < l.count; i++)
		if (!listing_index_find(&x, again.entries[i].path) ||
		    memcmp(l.entries[i].hash, again.entries[i].hash, LISTING_HASH) != 0)
			abort();
	listing_index_free(&x);
	listing_free(&again);
	listing_free(&l);
	return 0;
}
