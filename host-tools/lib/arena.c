/* Bump allocation in blocks; see arena.h. */
#include "host-tools/lib/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"
#include "init/lib/cleanup.h"

#define BLOCK_SIZE ((size_t)64 << 10)

struct arena_block {
	struct arena_block *next;
	size_t size;
	alignas(max_align_t) char bytes[];
};

static void block_add(struct arena *a, size_t size)
{
	struct arena_block *b = xcalloc(1, sizeof(*b) + size);

	b->size = size;
	b->next = a->blocks;
	a->blocks = b;
	a->left = size;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t align = alignof(max_align_t), need = (size + align - 1) / align * align;
	char *p;

	if (!a->blocks || a->left < need)
		block_add(a, need > BLOCK_SIZE ? need : BLOCK_SIZE);
	p = a->blocks->bytes + (a->blocks->size - a->left);
	a->left -= need;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	memcpy(p, s, len);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	return arena_strdup(a, text);
}

void arena_free(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->left = 0;
}
