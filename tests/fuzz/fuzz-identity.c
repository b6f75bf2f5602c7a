/* What the server gives back to a node as its identity: what is read can be written, and is the same
 * then. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_strbuf_ struct strbuf once = STRBUF_INIT, twice = STRBUF_INIT;
	struct identity id;

	if (!identity_parse(&id, (const char *)data, size)) {
		for (size_t i = 0; i < id.count; i++)
			if (!identity_is_file(id.files[i].name) || strchr(id.files[i].name, '/'))
				abort();
		if (!identity_write(&once, &id)) {
			identity_free(&id);
			if (identity_parse(&id, once.buf, once.len) ||
			    identity_write(&twice, &id) || once.len != twice.len ||
			    memcmp(once.buf, twice.buf, once.len))
				abort();
		}
	}
	identity_free(&id);
	return 0;
}
