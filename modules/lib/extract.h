/* Unpacking a compressed tar into the target with libarchive.
 *
 * The archive is hostile until proved otherwise: absolute names, "..", and ways through symbolic
 * links are refused, and the thread that unpacks has the target as its root, so that nothing it
 * does can reach what lies outside. Owners are numbers. Memory does not depend on the length of the
 * archive.
 */
#ifndef LUCIE_EXTRACT_H
#define LUCIE_EXTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct extract_source {
	/* The next block, valid until the next call: its length, 0 at the end, -errno (logged). */
	ssize_t (*next)(void *arg, const void **block);
	void *arg;
	const char *format; /* "tar.gz", "tar.xz", "tar.zst" */
	bool overlay;	    /* directories that are there keep their owner and mode */
	bool (*wanted)(void *arg, const char *path); /* NULL: every entry is */
	void *wanted_arg;
};

/* -errno; logged with the path inside of the archive that it is about. An archive without entries
 * is -ENODATA. */
int extract(const char *target, const struct extract_source *source);

#endif
