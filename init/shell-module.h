/* Shell modules: where they are, and how one runs (lucie-module(7)). */
#ifndef LUCIE_SHELL_MODULE_H
#define LUCIE_SHELL_MODULE_H

#include <limits.h>

#include "init/lib/plan-format.h"
#include "init/lib/shell-header.h"

#define SHELL_MODULES_DIR "/lib/lucie/modules" /* or $LUCIE_MODULES */

/* Header of the shell module `name`, and its path. -ENOENT when there is none, -EINVAL (logged) for
 * a bad header. */
int shell_module_find(const char *name, struct shell_header *h, char path[PATH_MAX]);
/* Calls found() for every shell module, in no order; bad ones are logged and left out. */
void shell_module_each(void (*found)(const struct shell_header *h, void *arg), void *arg);

/* Becomes the module: sets its environment and executes it. Returns only on failure: -errno
 * (logged). */
int shell_module_become(const char *path, const char *name, const struct plan *plan);

#endif
