/* Writer of cpio archives that the kernel unpacks as (a part of) the initramfs: format newc, owner
 * 0:0, one time stamp for all, inode numbers in the order of writing. Needs no root, not even for
 * device nodes: same calls, same bits. A directory must be written before what lies in it. All
 * return 0 or a negative errno, logged with the path.
 */
#ifndef LUCIE_NEWC_H
#define LUCIE_NEWC_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct newc;

/* Creates or truncates the file. *out is the caller's to newc_close(). */
int newc_create(struct newc **out, const char *file, time_t mtime);

/* path is relative ("etc/lucie"), mode the permission bits. */
int newc_dir(struct newc *n, const char *path, mode_t mode);
int newc_data(struct newc *n, const char *path, mode_t mode, const void *data, size_t len);
/* The content of a regular file of this machine. */
int newc_file(struct newc *n, const char *path, mode_t mode, const char *source);
int newc_link(struct newc *n, const char *path, const char *target);
/* mode with S_IFCHR or S_IFBLK. */
int newc_node(struct newc *n, const char *path, mode_t mode, unsigned int major,
	      unsigned int minor);

/* Ends the archive. Frees n in any case; an archive whose close failed is not usable. */
int newc_close(struct newc *n);

#endif
