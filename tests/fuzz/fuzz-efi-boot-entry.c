/* A boot entry as firmware may have it: bounded, and one that leads to a partition says the same
 * when it is written again. */
#include "modules/lib/efi-boot-entry.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[EFI_OPTION_MAX];
	struct efi_option a, b;
	size_t len;

	if (efi_option_decode(&a, data, size) || !a.on_partition)
		return 0;
	len = efi_option_encode(&a, bytes, sizeof(bytes));
	if (!len || efi_option_decode(&b, bytes, len) || strcmp(a.description, b.description) ||
	    strcmp(a.file, b.file) || memcmp(&a.partition, &b.partition, sizeof(a.partition)))
		abort();
	return 0;
}
