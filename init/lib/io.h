/* Whole reads and writes of descriptors and small files, and the clock for bounded waits.
 * All return 0 or a negative errno and log nothing: the caller knows what the file is for. */
#ifndef LUCIE_IO_H
#define LUCIE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int write_full(int fd, const void *data, size_t len);
/* Exactly len bytes; -ENODATA if the end comes first. */
int read_full(int fd, void *data, size_t len);
int pread_full(int fd, void *data, size_t len, uint64_t offset);
int pwrite_full(int fd, const void *data, size_t len, uint64_t offset);
/* False if it is a hole or lies past the end; true also where that cannot be known. */
bool fd_has_data(int fd, uint64_t offset, size_t len);

/* *out is malloc'ed and NUL-terminated, the caller's to free; len may be NULL. -EFBIG if the file
 * has more than max bytes. */
int file_read(const char *path, size_t max, char **out, size_t *len);
/* Creates or truncates. */
int file_write(const char *path, const void *data, size_t len, mode_t mode);
/* Writes beside it, syncs, renames: path holds the old or the new content, never a part. */
int file_replace(const char *path, const void *data, size_t len, mode_t mode);

/* As mkdir -p; existing directories are left as they are. */
int mkdir_path(const char *path, mode_t mode);

/* As rm -r, of one file system: what is mounted in it makes it fail. */
int remove_tree(const char *path);

/* CLOCK_MONOTONIC in nanoseconds, and in milliseconds. */
int64_t now_ns(void);
int64_t now_ms(void);
void sleep_ms(unsigned int ms);

#endif
