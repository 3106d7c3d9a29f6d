/*
 * store/offset_map.h: the newest offset of each key, in a table of fixed size: 24 bytes for a key, however long that is, since a
 * keyed hash of 16 bytes stands for it. Two keys meet by chance once in 10^38 pairs, and never on purpose.
 */
#ifndef STORE_OFFSET_MAP_H
#define STORE_OFFSET_MAP_H

#include "base/siphash.h"

struct offset_slot {
    struct siphash hash;
    int64_t offset_next; /* the offset + 1; 0: free */
};

struct offset_map {
    struct offset_slot *slots;
    size_t capacity;
    size_t count, count_max; /* keys; filled to nine tenths at most */
    uint64_t key[2];         /* of the hash */
};

/* bytes_max  of the table; keys_wanted  when so many are sure to be enough, it is made smaller; key  random */
void offset_map_init(struct offset_map *map, int64_t bytes_max, int64_t keys_wanted, const uint64_t key[2]);
void offset_map_finish(struct offset_map *map);

/* Notes that the key stands at the offset too; the largest one counts. False when the table is full. */
bool offset_map_put(struct offset_map *map, struct slice key, int64_t offset);

/* -1 when the key was never put in. */
int64_t offset_map_get(const struct offset_map *map, struct slice key);

#endif
