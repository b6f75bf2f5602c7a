/* The kernel command line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "init/lib/cmdline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[NFS_SOURCE_MAX], options[NFS_OPTIONS_MAX];
	struct cmdline c;

	cmdline_parse(&c, (const char *)data, size);
	if (c.server_count > CMDLINE_SERVERS_MAX || c.break_count > CMDLINE_BREAKS_MAX)
		abort();
	for (size_t i = 0; i < c.server_count; i++)
		if (!str_is_text(c.servers[i], strlen(c.servers[i])))
			abort();
	if (*c.nfsroot.server) {
		nfs_source_name(&c.nfsroot, name);
		nfs_source_options(&c.nfsroot, options);
		if (!str_is_text(name, strlen(name)) || strchr(options, '/'))
			abort();
	}
	if (!str_is_text(c.wrong, strlen(c.wrong)))
		abort();
	return 0;
}
