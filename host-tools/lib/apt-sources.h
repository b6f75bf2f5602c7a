/* Where this host gets its own distribution from: the base systems of the nodes come from there
 * too. */
#ifndef LUCIE_APT_SOURCES_H
#define LUCIE_APT_SOURCES_H

#include "init/lib/str.h"

/* The host's release ("bookworm") and distribution ("debian"), from os-release. 0 or -errno. */
int apt_host_release(char *codename, size_t codename_len, char *id, size_t id_len);
/* Appends, in deb822 form, the host's binary sources of its own release (with updates and security)
 * for `suite`, which need not be the host's. Logs; -ENOENT if the host has none. */
int apt_sources_write(struct strbuf *out, const char *suite);

#endif
