/* The content of many files in the order in which it lies on the disk, by few large reads of the
 * file system's device, where one file after the other would be many small ones.
 *
 * Where a file lies the kernel says (FIEMAP): no file system is parsed here, and any that can say it
 * will do. What is read is the word of the disk: a hash that is the wanted one proves the content,
 * another one proves nothing, and the file has to be read as such. The first is so because only
 * files of a file system that is mounted read-only are taken: nothing of them is in the page cache
 * or in the journal alone, so that who opens the file reads the same bytes.
 */
#ifndef LUCIE_SWEEP_H
#define LUCIE_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "modules/lib/listing.h"

#define SWEEP_FILES  128
#define SWEEP_BUFFER ((size_t)1 << 20)
#define SWEEP_ALIGN  ((size_t)4096) /* of the buffer and of all reads: direct, past the page cache */

struct sweep_file {
	void *owner;	      /* the caller's */
	uint64_t start, size; /* bytes, on the disk */
	bool read;
	uint8_t hash[LISTING_HASH]; /* if it was read */
};

/* One thread's; {.disk = -1} at first, and closed at the end by who has it. */
struct sweep {
	int disk;
	dev_t dev; /* that it belongs to, also where it cannot be used (-1) */
	bool ext4; /* that it holds */
	struct sweep_file files[SWEEP_FILES];
	size_t count;
	uint8_t *buffer; /* the rest is sweep_read()'s */
	uint64_t at;
	size_t len;
};

/* Takes in the open regular file of that size, if it lies in one piece on a disk that can be read
 * like this, the same one as that of the others. False: read it as a file. */
bool sweep_add(struct sweep *s, int fd, uint64_t size, void *owner);

/* Has the kernel read the entries of the open directory, which it does block by block otherwise, with
 * what lies around them: those of its neighbours. */
void sweep_directory(struct sweep *s, int fd);

/* Reads all files that are in it, and sorts them; adds to *bytes as it reads. The buffer is of
 * SWEEP_BUFFER bytes. The caller then sets `count` to 0. Logs nothing. */
void sweep_read(struct sweep *s, void *buffer, _Atomic uint64_t *bytes);

#endif
