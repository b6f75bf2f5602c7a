/* Manifests of blobs: whatever is taken is written back to the same manifest. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct blob_manifest m, again;
	struct strbuf b = STRBUF_INIT;

	if (blob_manifest_parse(&m, (const char *)data, size))
		return 0;
	if (blob_manifest_write(&m, &b) || blob_manifest_parse(&again, b.buf, b.len))
		abort();
	if (strcmp(m.root, again.root) != 0 || m.length != again.length)
		abort();
	blob_manifest_free(&again);
	blob_manifest_free(&m);
	strbuf_free(&b);
	return 0;
}
