/* How much memory the decompression of a tar.gz, tar.xz or tar.zst needs, read from its first
 * bytes. Pure. */
#ifndef LUCIE_WINDOW_H
#define LUCIE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#define WINDOW_MAX ((uint64_t)8 << 20) /* what a node with 128 MB of RAM can spare */

/* "tar.gz", "tar.xz", "tar.zst" for the bytes at the start of an archive; NULL for anything else.
 */
const char *window_format(const void *head, size_t len);

/* Window (zstd) or dictionary (xz) in bytes of the first frame or block; 32 KiB for gzip. 4 KiB of
 * head are always enough. -EINVAL where this is not the start of an archive in that format. */
int window_size(const char *format, const void *head, size_t len, uint64_t *bytes);

#endif
