/* base/map.h: a hash map from byte strings to pointers; keys are copied, values stay the caller's. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/slice.h"

struct map_entry {
    struct slice key; /* owned by the map */
    void *value;
    uint64_t hash;
};

struct map {
    struct map_entry *entries; /* open addressing; a free slot has value NULL */
    size_t capacity;           /* 0 or a power of two */
    size_t count;
};

void map_init(struct map *map);
void map_finish(struct map *map); /* frees the keys, not the values */

void *map_get(const struct map *map, struct slice key); /* NULL when absent */
void *map_get_string(const struct map *map, const char *key);

/* Adds or replaces; value must not be NULL. Returns the value that was there before, or NULL. */
void *map_put(struct map *map, struct slice key, void *value);
void *map_put_string(struct map *map, const char *key, void *value);

/* Removes and returns the value, or NULL. Entries may move: not during a map_next walk. */
void *map_remove(struct map *map, struct slice key);

/* Walks in no particular order: start with *at = 0 and go on until NULL. */
const struct map_entry *map_next(const struct map *map, size_t *at);

/* FNV-1a folded; good enough for tables in memory, not for hostile keys in the millions. */
uint64_t hash_bytes(struct slice bytes);

#endif
