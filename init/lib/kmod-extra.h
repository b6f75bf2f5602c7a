/* Kernel modules that an administrator laid into /lib/modules/VERSION/extra, as into an NFS root: a
 * line for each as depmod would write it, so that nobody has to run depmod. */
#ifndef LUCIE_KMOD_EXTRA_H
#define LUCIE_KMOD_EXTRA_H

#include "init/lib/str.h"

#define KMOD_EXTRA "extra"

/* Appends to alias and dep what the modules in dir/extra say of themselves, those left out that
 * `known` (the text of modules.dep) has already. The needs in dep are names, not paths. A file that
 * is no module is logged and left out. -errno of alias or dep. */
int kmod_extra(const char *dir, const char *known, struct strbuf *alias, struct strbuf *dep);

#endif
