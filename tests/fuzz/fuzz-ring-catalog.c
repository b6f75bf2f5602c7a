/* The list of files of a tree: what is accepted must come out of the writer as it went in. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ring/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf b = STRBUF_INIT;
	struct catalog c, again;
	char why[160];

	if (catalog_parse(&c, (const char *)data, size, why, sizeof(why)))
		return 0;
	catalog_write_start(&b);
	for (size_t i = 0; i < c.count; i++)
		catalog_write(&b, &c.entries[i]);
	if (b.error || catalog_parse(&again, b.buf, b.len, why, sizeof(why)) ||
	    again.count != c.count)
		abort();
	catalog_find(&c, c.end / 2);
	catalog_free(&again);
	catalog_free(&c);
	strbuf_free(&b);
	return 0;
}
