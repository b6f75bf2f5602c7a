/* Where a node lays down what it receives, verified chunk by verified chunk, and finds it again for
 * its successors and after a restart. Until spool_finish() everything has another name:
 *	a file   DIR/.NAME.dolly-part, renamed
 *	a tree   DEST/.dolly-part/, whose files are renamed one by one into DEST
 *	a device written in place: it has no other name, and what it held before is gone
 * Blocks of zeros are not written to files, and are cleared by the device where it can.
 *
 * spool_read() may be called by any thread, the rest only by the one that writes. Every function
 * logs what is wrong with which path, except spool_read().
 */
#ifndef LUCIE_RING_SPOOL_H
#define LUCIE_RING_SPOOL_H

#include <pthread.h>

#include "ring/catalog.h"
#include "ring/proto.h"
#include "ring/store.h"

struct spool {
	struct store store; /* first */
	enum ring_kind kind;
	uint64_t length, catalog_len;
	uint32_t mode;
	int64_t mtime;
	bool device, finished;
	char *dest, *part; /* part: RING_FILE: the file; RING_TREE: the folder */
	int fd;		   /* RING_FILE: the file or device; RING_TREE: the folder `part` */
	int catalog_fd;
	pthread_rwlock_t tree; /* catalog, finished: written by the writer alone */
	struct catalog catalog;
	int out_fd; /* the file of the tree that was written last */
	const struct catalog_entry *out_entry;
};

/* dest: for a file its name, or an existing folder to put it into; for a tree the folder that gets
 * the entries. */
int spool_open(struct spool *s, const char *dest, const struct ring_welcome *what);
/* Bytes from its start that may be there from an earlier run; to be verified by the caller. */
uint64_t spool_claim(const struct spool *s);
/* Forgets everything from offset on. */
int spool_truncate(struct spool *s, uint64_t offset);
/* In ascending order. */
int spool_write(struct spool *s, uint64_t offset, const void *data, size_t len);
/* To be called after each claimed chunk that was right, instead of spool_write(). */
int spool_accept(struct spool *s, uint64_t offset, size_t len);
/* Sizes, modes, times; to the disk; then the final names. */
int spool_finish(struct spool *s);
void spool_close(struct spool *s);

#endif
