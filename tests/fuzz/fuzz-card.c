/* The `card` line of a plan. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "modules/lib/card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	struct card c;

	if (text && !card_parse(&c, text) && (!*c.name == !*c.mac || !c.netmask.s_addr))
		abort();
	return 0;
}
