/* What the two halves of a spool need of each other: spool.c is files, devices and what the callers
 * see, spool-tree.c is trees. The functions of a tree are those of spool.h and log as they do.
 */
#ifndef LUCIE_RING_SPOOL_TREE_H
#define LUCIE_RING_SPOOL_TREE_H

#include "ring/spool.h"

int tree_open(struct spool *s);
uint64_t tree_claim(const struct spool *s);
/* All before `end` is verified: if that is the whole catalog, it is read. */
int tree_accept(struct spool *s, uint64_t end);
int tree_write(struct spool *s, uint64_t offset, const uint8_t *p, size_t len);
int tree_truncate(struct spool *s, uint64_t offset);
int tree_finish(struct spool *s);
void tree_close(struct spool *s);

/* What was never written is a hole, also past the end of the partial file. */
int spool_read_sparse(int fd, uint8_t *buf, size_t len, uint64_t offset);
/* Leaves out what is zero, in units of a page; a device has to be cleared there. */
int spool_write_sparse(const struct spool *s, int fd, const uint8_t *p, size_t len,
		       uint64_t offset);
int spool_set_meta(int fd, uint32_t mode, int64_t mtime);

#endif
