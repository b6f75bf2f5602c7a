/* Notices that a disk which the installation writes to has vanished (unplugged, dead controller).
 *
 * Without it nobody would: the pages of a file system whose disk is gone can never be written, and
 * the kernel makes who fills them wait, for ever and without an error. */
#ifndef LUCIE_DISK_WATCH_H
#define LUCIE_DISK_WATCH_H

/* Watches from now on, as part of the loop (init/loop.h). Without it (logged) only the silence of a
 * module is noticed. */
void disk_watch_start(void);

/* The device ("/dev/sda1") of a file system or swap area in use that has gone; NULL if none has. */
const char *disk_watch_gone(void);

#endif
