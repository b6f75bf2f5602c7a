/* One `link` line of a plan: what is taken is safe in the files that it is written to. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cleanup.h"
#include "modules/lib/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text)
{
	if (strpbrk(text, "/ \t\n%$`'\"\\"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	struct link l;

	if (!text || link_parse(&l, text))
		return 0;
	check(l.name);
	check(l.mode);
	check(l.parent);
	check(l.gateway);
	for (size_t i = 0; i < l.part_count; i++)
		check(l.parts[i]);
	if (!*l.name || l.part_count > LINK_PARTS_MAX || l.vlan > 4094)
		abort();
	return 0;
}
