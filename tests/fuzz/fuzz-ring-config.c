/* The older dolly's configuration. */
#include <stddef.h>
#include <stdint.h>

#include "ring/dolly-config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dolly_config c;
	char why[160];

	if (!dolly_config_parse(&c, (const char *)data, size, why, sizeof(why)))
		dolly_config_free(&c);
	return 0;
}
