/* Files that are written again and again and seldom change: touched only when their content does,
 * and then replaced by a rename. */
#ifndef LUCIE_UPDATE_H
#define LUCIE_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* 1: written, 0: it was so already, -errno (not logged). Whoever needs it on the disk syncs: setup
 * once for all of its files. */
int file_update(const char *path, const void *data, size_t len, mode_t mode);
/* The same with the content of another file, of any size. */
int file_copy_update(const char *path, const char *from, mode_t mode);

#endif
