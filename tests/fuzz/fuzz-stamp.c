/* A stamp as it lies on a disk. The checksum is made right first, so that the text behind it is
 * reached; what decodes must encode again. */
#include "modules/lib/stamp.h"

#include <blake3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stamp a, b;
	static uint8_t bytes[STAMP_SIZE], again[STAMP_SIZE];
	blake3_hasher hasher;

	stamp_decode(&a, data, size);
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, data,
	       size < STAMP_SIZE - BLAKE3_OUT_LEN ? size : STAMP_SIZE - BLAKE3_OUT_LEN);
	blake3_hasher_init(&hasher);
	blake3_hasher_update(&hasher, bytes, STAMP_SIZE - BLAKE3_OUT_LEN);
	blake3_hasher_finalize(&hasher, bytes + STAMP_SIZE - BLAKE3_OUT_LEN, BLAKE3_OUT_LEN);
	if (stamp_decode(&a, bytes, sizeof(bytes)) || !a.install[0] ||
	    stamp_encode(&a, bytes, sizeof(bytes)))
		return 0;
	if (stamp_decode(&b, bytes, sizeof(bytes)) || stamp_encode(&b, again, sizeof(again)) ||
	    memcmp(bytes, again, sizeof(bytes)))
		abort();
	return 0;
}
