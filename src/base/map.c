#include "base/map.h"

#include "base/banned.h"
#include "base/memory.h"

uint64_t hash_bytes(struct slice bytes)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < bytes.size; i++)
        hash = (hash ^ bytes.data[i]) * 0x100000001b3u;
    hash ^= hash >> 32;
    return hash * 0x9e3779b97f4a7c15u;
}

void map_init(struct map *map)
{
    *map = (struct map){0};
}

static void key_free(struct slice key)
{
    memory_free((void *)(uintptr_t)key.data);
}

void map_finish(struct map *map)
{
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].value != NULL)
            key_free(map->entries[i].key);
    }
    memory_free(map->entries);
    map_init(map);
}

/* The slot that holds the key, or the free slot where it would go. */
static struct map_entry *slot_find(const struct map *map, struct slice key, uint64_t hash)
{
    size_t mask = map->capacity - 1;
    size_t at = (size_t)(hash >> 20) & mask;

    while (map->entries[at].value != NULL && !(map->entries[at].hash == hash && slice_equal(map->entries[at].key, key)))
        at = (at + 1) & mask;
    return &map->entries[at];
}

void *map_get(const struct map *map, struct slice key)
{
    return map->capacity == 0 ? NULL : slot_find(map, key, hash_bytes(key))->value;
}

void *map_get_string(const struct map *map, const char *key)
{
    return map_get(map, slice_from_string(key));
}

static void map_resize(struct map *map, size_t capacity)
{
    struct map bigger = {memory_new_array(capacity, sizeof(struct map_entry)), capacity, map->count};

    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].value != NULL)
            *slot_find(&bigger, map->entries[i].key, map->entries[i].hash) = map->entries[i];
    }
    memory_free(map->entries);
    *map = bigger;
}

void *map_put(struct map *map, struct slice key, void *value)
{
    uint64_t hash = hash_bytes(key);
    struct map_entry *entry;
    void *before;

    if ((map->count + 1) * 4 > map->capacity * 3)
        map_resize(map, map->capacity == 0 ? 16 : map->capacity * 2);
    entry = slot_find(map, key, hash);
    before = entry->value;
    if (before == NULL) {
        entry->key = slice_of(memory_copy_bytes(key.data, key.size), key.size);
        entry->hash = hash;
        map->count++;
    }
    entry->value = value;
    return before;
}

void *map_put_string(struct map *map, const char *key, void *value)
{
    return map_put(map, slice_from_string(key), value);
}

void *map_remove(struct map *map, struct slice key)
{
    size_t mask = map->capacity - 1;
    struct map_entry *entry;
    size_t hole, at;
    void *value;

    if (map->capacity == 0)
        return NULL;
    entry = slot_find(map, key, hash_bytes(key));
    value = entry->value;
    if (value == NULL)
        return NULL;
    key_free(entry->key);
    map->count--;
    /* Backward shift, so that no tombstones are needed. */
    hole = (size_t)(entry - map->entries);
    for (at = (hole + 1) & mask; map->entries[at].value != NULL; at = (at + 1) & mask) {
        size_t home = (size_t)(map->entries[at].hash >> 20) & mask;

        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->entries[hole] = map->entries[at];
            hole = at;
        }
    }
    map->entries[hole] = (struct map_entry){0};
    return value;
}

const struct map_entry *map_next(const struct map *map, size_t *at)
{
    while (*at < map->capacity) {
        const struct map_entry *entry = &map->entries[(*at)++];

        if (entry->value != NULL)
            return entry;
    }
    return NULL;
}
