/* Events as a node, or somebody else, may send them: whatever is taken survives the way back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf b = STRBUF_INIT;
	struct event e, again;
	char why[160];

	if (event_decode(&e, (const char *)data, size, why, sizeof(why)))
		return 0;
	if (event_encode(&b, &e) || event_decode(&again, b.buf, b.len, why, sizeof(why)))
		abort();
	if (memcmp(&e, &again, sizeof(e)) != 0)
		abort();
	strbuf_free(&b);
	return 0;
}
