/* Encrypted devices, by cryptsetup (luks.img). The key reaches it by a file in memory, and neither
 * its command line nor the log. */
#ifndef LUCIE_LUKS_H
#define LUCIE_LUKS_H

#include "modules/lib/disk.h"

struct luks {
	const char *name; /* of the mapping: /dev/mapper/NAME */
	const char *uuid; /* of the header */
	const char *device;
	const void *key; /* the content of a key file; NULL: a random one and no header, for swap */
	size_t key_len;
};

/* Writes a LUKS2 header with this key; nothing where the key is random. -errno; logged. */
int luks_format(const struct luks *k);

/* 0 also where it is open; path is that of the mapping. -errno; logged. */
int luks_open(const struct luks *k, char path[DISK_PATH_MAX]);

#endif
