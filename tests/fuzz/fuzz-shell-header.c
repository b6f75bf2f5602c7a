/* Headers of shell modules. */
#include <stdint.h>
#include <stdlib.h>

#include "init/lib/shell-header.h"
#include "init/lib/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shell_header h;
	char why[160];

	if (!shell_header_parse(&h, (const char *)data, size, why, sizeof(why)) &&
	    !str_is_name(h.name))
		abort();
	return 0;
}
