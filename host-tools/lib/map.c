/* Hash table of strings; see map.h. */
#include "host-tools/lib/map.h"

#include <stdlib.h>
#include <string.h>

#include "host-tools/lib/die.h"

uint64_t map_hash(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	while (*text++);
	return hash;
}

/* The slot of key, or the free one where it belongs; there is always a free one. */
static struct map_slot *slot_of(const struct map *m, const char *key)
{
	size_t i = map_hash(MAP_HASH, key) & (m->cap - 1);

	while (m->slots[i].key && strcmp(m->slots[i].key, key))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static void grow(struct map *m)
{
	struct map old = *m;

	m->cap = old.cap ? old.cap * 2 : 64;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].key)
			*slot_of(m, old.slots[i].key) = old.slots[i];
	free(old.slots);
}

void *map_get(const struct map *m, const char *key)
{
	return m->cap ? slot_of(m, key)->value : NULL;
}

void *map_put(struct map *m, const char *key, void *value)
{
	struct map_slot *s;

	if (m->count * 2 >= m->cap)
		grow(m);
	s = slot_of(m, key);
	if (s->key)
		return s->value;
	*s = (struct map_slot){key, value};
	m->count++;
	return NULL;
}

void map_free(struct map *m)
{
	free(m->slots);
	*m = (struct map){0};
}
