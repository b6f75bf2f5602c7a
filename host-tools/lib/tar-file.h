/* A compressed tar as a 128 MB node could unpack it: reads it through decoders that refuse a window
 * (zstd) or dictionary (xz) above TAR_WINDOW_MAX, as the node's do. */
#ifndef LUCIE_TAR_FILE_H
#define LUCIE_TAR_FILE_H

#include <stddef.h>

#define TAR_WINDOW_LOG 23 /* 8 MiB */
#define TAR_WINDOW_MAX ((size_t)1 << TAR_WINDOW_LOG)

struct archive;
struct tar_file;

/* "tar.gz", "tar.xz" or "tar.zst" by the file's first bytes; NULL. */
const char *tar_file_format(int fd);
/* Opens for libarchive's reading functions; the archive is the tar_file's. Logs; -errno. */
int tar_file_open(struct tar_file **out, const char *path);
struct archive *tar_file_archive(struct tar_file *t);
/* Where reading stands in the compressed file, and its length: for progress. */
void tar_file_position(const struct tar_file *t, unsigned long long *done,
		       unsigned long long *total);
void tar_file_close(struct tar_file *t);

#endif
