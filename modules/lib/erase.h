/* Erasing a whole disk: discarded where the device can, which takes seconds, else overwritten. */
#ifndef LUCIE_ERASE_H
#define LUCIE_ERASE_H

#include <stdbool.h>
#include <stdint.h>

enum erase_how { ERASE_SECURE, ERASE_DISCARD, ERASE_ZEROS };

struct erase {
	int fd; /* of the disk, for writing */
	uint64_t bytes;
	/* Told how far it is; true: stop. May be NULL. */
	bool (*progress)(void *arg, uint64_t done, const char *what);
	void *arg;
};

/* Erases [0, bytes), what lies before `last` at the very end: until then the stamp there proves that
 * the rest may be erased, so that an erasure that was cut off goes on at the next boot. What was
 * discarded is read back in samples, and overwritten where it is not zeros; zeros are read back too.
 * *how: what did it. -EIO: something else than zeros is read; -ECANCELED, -errno; logs nothing. */
int erase_disk(const struct erase *e, uint64_t last, enum erase_how *how);

/* "discarded", ... */
const char *erase_word(enum erase_how how);

#endif
