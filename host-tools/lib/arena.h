/* Memory that is released all at once: what a definition consists of lives exactly as long as the
 * definition. */
#ifndef LUCIE_ARENA_H
#define LUCIE_ARENA_H

#include <stddef.h>

struct arena_block;

/* Owner: whoever declared it, zeroed; released by arena_free(). */
struct arena {
	struct arena_block *blocks;
	size_t left; /* bytes free in the first block */
};

/* Zeroed and aligned for any type; never NULL. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a);

#endif
