/* The site archive: the second initrd of every installation. It makes the one image into the
 * site's: the key that plans are signed with, and the site's shell modules. */
#ifndef LUCIE_SITE_ARCHIVE_H
#define LUCIE_SITE_ARCHIVE_H

#include "host-tools/lib/modules.h"
#include "init/lib/seal.h"

/* Creates or truncates `file`: a cpio archive as the kernel unpacks it. Same key and modules, same
 * bytes. Logs; -errno. */
int site_archive_write(const char *file, const uint8_t public_key[SITE_PUBLIC_LEN],
		       const struct modules *modules);

#endif
