/* What the kernel says about disks that fail: device and sector, which no errno has. */
#ifndef LUCIE_KMSG_H
#define LUCIE_KMSG_H

#include <stdbool.h>
#include <stddef.h>

/* The kernel's log from now on; a descriptor, or -errno. Never waits. */
int kmsg_open(void);

/* The first disk error in the log since: "I/O error, dev vda, sector 2048 op 0x1:(WRITE)". False:
 * there is none. Reads the log to its end. */
bool kmsg_disk_error(int fd, char *text, size_t len);

/* The same of one record as /dev/kmsg gives it (Documentation/ABI/testing/dev-kmsg). Pure. */
bool kmsg_parse_disk_error(const char *record, char *text, size_t len);

#endif
