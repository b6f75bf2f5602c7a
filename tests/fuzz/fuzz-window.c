/* The first bytes of a compressed archive. */
#include "modules/lib/window.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *format = window_format(data, size);
	uint64_t bytes;

	if (format)
		window_size(format, data, size, &bytes);
	return 0;
}
