#include "store/offset_map.h"

#include "base/banned.h"
#include "base/memory.h"

#define SLOTS_MIN 16

void offset_map_init(struct offset_map *map, int64_t bytes_max, int64_t keys_wanted, const uint64_t key[2])
{
    uint64_t slots = bytes_max < 0 ? 0 : (uint64_t)bytes_max / sizeof(struct offset_slot);
    uint64_t enough = keys_wanted < 0 ? 0 : (uint64_t)keys_wanted + (uint64_t)keys_wanted / 8 + SLOTS_MIN;

    slots = slots < enough ? slots : enough;
    *map = (struct offset_map){.capacity = slots < SLOTS_MIN ? SLOTS_MIN : (size_t)slots, .key = {key[0], key[1]}};
    map->count_max = map->capacity / 10 * 9 + map->capacity % 10 * 9 / 10;
    map->slots = memory_new_array(map->capacity, sizeof(map->slots[0]));
}

void offset_map_finish(struct offset_map *map)
{
    memory_free(map->slots);
    map->slots = NULL;
}


/* The key's slot, or the free one where it would go. */
static struct offset_slot *find(const struct offset_map *map, struct slice key, struct siphash *hash)
{
    size_t at;

    *hash = siphash128(map->key, key);
    at = (size_t)(((unsigned __int128)hash->first * map->capacity) >> 64);
    while (map->slots[at].offset_next != 0 && (map->slots[at].hash.first != hash->first || map->slots[at].hash.second != hash->second)) {
        if (++at == map->capacity)
            at = 0;
    }
    return &map->slots[at];
}

bool offset_map_put(struct offset_map *map, struct slice key, int64_t offset)
{
    struct siphash hash;
    struct offset_slot *slot = find(map, key, &hash);

    if (slot->offset_next == 0) {
        if (map->count == map->count_max)
            return false;
        map->count++;
        slot->hash = hash;
    }
    if (slot->offset_next < offset + 1)
        slot->offset_next = offset + 1;
    return true;
}

int64_t offset_map_get(const struct offset_map *map, struct slice key)
{
    struct siphash hash;

    return find(map, key, &hash)->offset_next - 1;
}
