/* Map from strings to pointers (hash table, open addressing): look-ups stay cheap with tens of
 * thousands of hosts. */
#ifndef LUCIE_MAP_H
#define LUCIE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_slot {
	const char *key;
	void *value;
};

/* Owner: whoever declared it, zeroed; keys and values are the caller's and must outlive it. */
struct map {
	struct map_slot *slots;
	size_t cap, count;
};

/* NULL where there is none. */
void *map_get(const struct map *m, const char *key);
/* Adds and returns NULL, or returns the value that the key already has, which stays. value is not
 * NULL. */
void *map_put(struct map *m, const char *key, void *value);
void map_free(struct map *m);

/* A hash of the texts one after the other: the first one with MAP_HASH, the next with what came out
 * (FNV-1a, 64 bits). */
#define MAP_HASH UINT64_C(0xcbf29ce484222325)
uint64_t map_hash(uint64_t hash, const char *text);

#endif
