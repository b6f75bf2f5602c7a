/* The root file system over NFS (lucie.nfsroot=). The initramfs is small then: it brings up the
 * network, mounts the folder `nfsroot` of `make image` read-only, puts a writable layer in RAM over
 * it, and executes /init of there, which goes on as it would in an initramfs. */
#ifndef LUCIE_NFSROOT_H
#define LUCIE_NFSROOT_H

#include <stdbool.h>

#include "init/lib/cmdline.h"
#include "init/loop.h"

/* Whether this is the /init that was executed there. */
bool nfsroot_is_there(void);

/* devices: the process that loads drivers; it is ended before the new root's is started. Returns
 * only when it could not be done, -errno (logged), after several tries that are bounded. */
int nfsroot_enter(struct cmdline *c, struct child *devices);

#endif
