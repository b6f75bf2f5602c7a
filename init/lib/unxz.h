/* A whole .xz file in memory: kernel modules of a board that keeps them compressed. */
#ifndef LUCIE_UNXZ_H
#define LUCIE_UNXZ_H

#include <stddef.h>

/* *out is malloc'ed, the caller's to free. -EBADMSG for what is not a whole and right .xz file,
 * -EFBIG past max bytes, -errno of the file. */
int unxz_file(const char *path, size_t max, char **out, size_t *len);
/* The same of bytes in memory. */
int unxz(const void *data, size_t size, size_t max, char **out, size_t *len);

#endif
