/* The first things of all: pseudo file systems and the kernel's settings. */
#ifndef LUCIE_EARLY_H
#define LUCIE_EARLY_H

#include "init/lib/cmdline.h"

/* Before the console can be opened: logs nothing, goes on whatever fails (in a test, much is there
 * before). */
void early_mount(void);
void early_settings(void);
/* /proc/cmdline. */
void early_cmdline(struct cmdline *c);
/* From now on the kernel's messages are lines of the log file, its errors also on the server. */
void early_kernel_log(void (*error)(const char *text));

#endif
