#include "connect/java_map.h"

#include "base/banned.h"
#include "base/memory.h"

enum { CAPACITY_FIRST = 16 };

/* One code point off the front; malformed bytes give U+FFFD one by one. */
static uint32_t code_point_next(const uint8_t **at, const uint8_t *end)
{
    uint8_t first = *(*at)++;
    int more = first < 0x80 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : -1;
    uint32_t code = more <= 0 ? first : first & (0x3fu >> more);

    if (more < 0 || end - *at < more)
        return 0xfffd;
    for (int i = 0; i < more; i++)
        code = code << 6 | ((*at)[i] & 0x3fu);
    *at += more;
    return code;
}

uint32_t java_hash_code(struct slice utf8)
{
    const uint8_t *at = utf8.data;
    const uint8_t *end = utf8.data + utf8.size;
    uint32_t hash = 0;

    while (at < end) {
        uint32_t code = code_point_next(&at, end);

        if (code >= 0x10000) {
            hash = hash * 31 + (0xd800 + ((code - 0x10000) >> 10));
            code = 0xdc00 + ((code - 0x10000) & 0x3ff);
        }
        hash = hash * 31 + code;
    }
    return hash;
}

size_t java_map_capacity(size_t count)
{
    size_t capacity = CAPACITY_FIRST;

    while (count > capacity / 4 * 3)
        capacity *= 2;
    return capacity;
}

size_t java_map_capacity_of_copy(size_t count)
{
    float wanted = (float)count / 0.75f + 1.0f;
    size_t capacity = 1;

    while ((float)capacity < (float)(size_t)wanted)
        capacity *= 2;
    return capacity;
}

static size_t bucket_of(uint32_t hash, size_t capacity)
{
    return (hash ^ hash >> 16) & (capacity - 1);
}

void java_map_order_hashes(const uint32_t *hashes, size_t count, size_t capacity, size_t *order)
{
    /* Insertion sort: stable, and these maps are small. */
    for (size_t i = 0; i < count; i++) {
        size_t bucket = bucket_of(hashes[i], capacity);
        size_t at = i;

        while (at > 0 && bucket_of(hashes[order[at - 1]], capacity) > bucket) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

void java_map_order(struct properties *map, size_t capacity)
{
    uint32_t *hashes = memory_new_array(map->count, sizeof(*hashes));
    size_t *order = memory_new_array(map->count, sizeof(*order));
    struct property *sorted = memory_new_array(map->count, sizeof(*sorted));

    for (size_t i = 0; i < map->count; i++)
        hashes[i] = java_hash_code(slice_from_string(map->items[i].key));
    java_map_order_hashes(hashes, map->count, capacity, order);
    for (size_t i = 0; i < map->count; i++)
        sorted[i] = map->items[order[i]];
    if (map->count > 0)
        memcpy(map->items, sorted, map->count * sizeof(*sorted));
    memory_free(sorted);
    memory_free(order);
    memory_free(hashes);
}
