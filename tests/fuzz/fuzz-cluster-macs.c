/* The file that a mac_file names: lines of host names and cards. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/cluster-internal.h"
#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"
#include "tests/unit/fake-modules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cluster *c = xcalloc(1, sizeof(*c));
	_cleanup_free_ char *text = xcalloc(1, size + 1);
	const struct mac_file *f;
	size_t count = 0;

	if (size)
		memcpy(text, data, size);
	f = cluster_read_macs(c, "fuzz", text, size);
	for (const struct mac_line *l = f->first; l; l = l->next)
		count += strlen(l->mac) >= 17 && f->named == (l->name != NULL);
	if (count != f->count || f->broken != (c->error_total > 0))
		abort();
	cluster_free(c);
	return 0;
}
