/* Programs that the first module does not need yet (busybox, extlinux): the image has them in an
 * archive of its own, because what the kernel unpacks before PID 1 costs every boot half a second.
 * A child unpacks it while the network or the first module is at work. */
#ifndef LUCIE_PROGRAMS_H
#define LUCIE_PROGRAMS_H

/* cpio or tar, compressed; unpacked into / and then removed. An image without it has its programs
 * in place. */
#define PROGRAMS_PATH "/lib/lucie/programs.cpio.xz"

/* Starts the child, once. */
void programs_start(void);
/* Waits until the programs are there, at most a minute; starts the child if need be. */
void programs_wait(void);

#endif
