/* Sealed plans as they come from the network. Without its key nothing opens; so the bytes are also
 * taken as what a seal holds. */
#include <stdint.h>
#include <stdlib.h>

#include "init/lib/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t site_public[SITE_PUBLIC_LEN], site_secret[SITE_SECRET_LEN];
	static struct box_keys keys;
	static int ready;
	struct strbuf out = STRBUF_INIT, sealed = STRBUF_INIT;

	if (!ready) {
		if (seal_init())
			abort();
		site_key_make(site_public, site_secret);
		box_keys_make(&keys);
		ready = 1;
	}
	if (!plan_open(&out, data, size, &keys, site_public))
		abort();
	if (size >= SIGNATURE_LEN) {
		plan_seal(&sealed, (const char *)data + SIGNATURE_LEN, size - SIGNATURE_LEN, data,
			  keys.public_key);
		if (!sealed.error && !plan_open(&out, sealed.buf, sealed.len, &keys, site_public))
			abort();
	}
	strbuf_free(&sealed);
	strbuf_free(&out);
	return 0;
}
