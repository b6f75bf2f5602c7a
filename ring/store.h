/* Where the bytes of a stream lie: the master's source, a node's spool. Any thread may call it. */
#ifndef LUCIE_RING_STORE_H
#define LUCIE_RING_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store {
	/* Exactly len bytes; -ENODATA where the file has become shorter. A source logs which file,
	 * a spool nothing. */
	int (*read)(struct store *s, uint64_t offset, void *buf, size_t len);
	/* True if the file system knows that there are only zeros. */
	bool (*is_hole)(struct store *s, uint64_t offset, size_t len);
};

/* All of len bytes; fast where they are not. */
static inline bool is_zero(const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < 16 && i < len; i++)
		if (p[i])
			return false;
	return len <= 16 || !__builtin_memcmp(p, p + 16, len - 16);
}

#endif
