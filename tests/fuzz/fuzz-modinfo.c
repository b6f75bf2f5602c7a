/* The .modinfo of a kernel module. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/modinfo.h"

static void look(const char *key, const char *value, void *arg)
{
	size_t *n = arg;

	*n += strlen(key) + strlen(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = 0;

	modinfo_each(data, size, look, &n);
	if (n > size)
		abort();
	return 0;
}
