#include "base/java.h"

#include "base/banned.h"
#include "base/memory.h"

#include <stdlib.h>

static size_t continuation_bytes(uint8_t lead)
{
    if (lead >= 0xf0 && lead <= 0xf4)
        return 3;
    if (lead >= 0xe0 && lead <= 0xef)
        return 2;
    return lead >= 0xc2 && lead <= 0xdf ? 1 : 0;
}

/* The next code point, U+FFFD for a byte that does not fit in. */
static uint32_t take_point(struct slice *rest)
{
    uint8_t lead = rest->data[0];
    size_t more = continuation_bytes(lead);
    uint32_t point = more == 3 ? lead & 7u : more == 2 ? lead & 15u : lead & 31u;

    if (lead < 0x80 || more == 0 || more >= rest->size) {
        *rest = slice_from(*rest, 1);
        return lead < 0x80 ? lead : 0xfffd;
    }
    for (size_t i = 1; i <= more; i++) {
        if ((rest->data[i] & 0xc0) != 0x80) {
            *rest = slice_from(*rest, 1);
            return 0xfffd;
        }
        point = point << 6 | (rest->data[i] & 0x3fu);
    }
    *rest = slice_from(*rest, more + 1);
    return point > 0x10ffff ? 0xfffd : point;
}

bool java_utf16_next(struct slice *rest, uint16_t *low, uint16_t *unit)
{
    uint32_t point;

    if (*low != 0) {
        *unit = *low;
        *low = 0;
        return true;
    }
    if (rest->size == 0)
        return false;
    point = take_point(rest);
    if (point < 0x10000) {
        *unit = (uint16_t)point;
        return true;
    }
    *unit = (uint16_t)(0xd800 + ((point - 0x10000) >> 10));
    *low = (uint16_t)(0xdc00 + (point & 0x3ff));
    return true;
}

uint32_t java_hash_code(struct slice utf8)
{
    uint32_t hash = 0;
    uint16_t low = 0, unit;

    while (java_utf16_next(&utf8, &low, &unit))
        hash = hash * 31 + unit;
    return hash;
}

/* A table doubles when it is more than three quarters full. */
static size_t capacity_grown(size_t capacity, size_t count)
{
    while (count * 4 > capacity * 3)
        capacity *= 2;
    return capacity;
}

/* The table of `new HashMap<>(wanted)`. */
static size_t capacity_wanted(size_t wanted)
{
    size_t capacity = 1;

    while (capacity < wanted)
        capacity *= 2;
    return capacity;
}

size_t java_map_capacity(size_t count)
{
    return capacity_grown(16, count);
}

size_t java_map_capacity_of_copy(size_t count)
{
    return capacity_wanted((size_t)((float)count / 0.75f + 1.0f));
}

static int order_of_places(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

void java_map_order(const uint32_t *hashes, size_t count, size_t capacity, size_t *order)
{
    uint64_t *places = memory_new_array(count + 1, sizeof(*places)); /* bucket, and index: the sort is stable so */

    for (size_t i = 0; i < count; i++)
        places[i] = (uint64_t)((hashes[i] ^ hashes[i] >> 16) & (capacity - 1)) << 32 | i;
    qsort(places, count, sizeof(*places), order_of_places);
    for (size_t i = 0; i < count; i++)
        order[i] = places[i] & UINT32_MAX;
    memory_free(places);
}

size_t *java_map_order_new(struct arena *arena, const uint32_t *hashes, size_t count, size_t wanted)
{
    size_t *order = arena_new_array(arena, count + 1, sizeof(*order));

    java_map_order(hashes, count, capacity_grown(wanted == 0 ? 16 : capacity_wanted(wanted), count), order);
    return order;
}

void java_map_order_properties(struct properties *map, size_t capacity)
{
    uint32_t *hashes = memory_new_array(map->count, sizeof(*hashes));
    size_t *order = memory_new_array(map->count, sizeof(*order));
    struct property *sorted = memory_new_array(map->count, sizeof(*sorted));

    for (size_t i = 0; i < map->count; i++)
        hashes[i] = java_hash_code(slice_from_string(map->items[i].key));
    java_map_order(hashes, map->count, capacity, order);
    for (size_t i = 0; i < map->count; i++)
        sorted[i] = map->items[order[i]];
    if (map->count > 0)
        memcpy(map->items, sorted, map->count * sizeof(*sorted));
    memory_free(sorted);
    memory_free(order);
    memory_free(hashes);
}
