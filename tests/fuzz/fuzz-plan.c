/* Plans: whatever is taken is written back to the same lines. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/plan-format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf b = STRBUF_INIT;
	struct plan p, again;
	char why[160];

	if (plan_parse(&p, (const char *)data, size, why, sizeof(why)))
		return 0;
	plan_write_start(&b);
	for (size_t i = 0; i < p.count; i++) {
		if (i)
			plan_write_section(&b, p.sections[i].name);
		plan_for_each (line, &p.sections[i], NULL)
			plan_write(&b, line->key, line->value);
	}
	if (b.error || plan_parse(&again, b.buf, b.len, why, sizeof(why)) || again.count != p.count)
		abort();
	for (size_t i = 0; i < p.count; i++)
		if (again.sections[i].count != p.sections[i].count)
			abort();
	plan_free(&again);
	plan_free(&p);
	strbuf_free(&b);
	return 0;
}
