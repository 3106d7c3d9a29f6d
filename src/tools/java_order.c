#include "tools/java_order.h"

#include "base/banned.h"

#define TABLE_SIZE_DEFAULT 16

/* The next code point of a UTF-8 text; a broken byte counts as itself. */
static uint32_t next_code_point(struct slice *text)
{
    uint8_t first = text->data[0];
    size_t more = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t code = more == 0 ? first : first & (0x3fu >> more);

    if (more >= text->size)
        more = 0;
    for (size_t i = 1; i <= more; i++)
        code = code << 6 | (text->data[i] & 0x3fu);
    *text = slice_from(*text, more + 1);
    return code;
}

int32_t java_text_hash(struct slice text)
{
    uint32_t hash = 0;

    while (text.size > 0) {
        uint32_t code = next_code_point(&text);

        if (code >= 0x10000) {
            hash = hash * 31 + (0xd800 + ((code - 0x10000) >> 10));
            code = 0xdc00 + ((code - 0x10000) & 0x3ff);
        }
        hash = hash * 31 + code;
    }
    return (int32_t)hash;
}

int32_t java_partition_hash(struct slice topic, int32_t partition)
{
    uint32_t hash = (31u + (uint32_t)partition) * 31u + (uint32_t)java_text_hash(topic);

    return (int32_t)hash;
}

static size_t table_size(size_t count, size_t capacity)
{
    size_t size = capacity == 0 ? TABLE_SIZE_DEFAULT : 1;

    while (size < capacity)
        size *= 2;
    while (count * 4 > size * 3)
        size *= 2;
    return size;
}

size_t *java_hash_map_order(struct arena *arena, const int32_t *hashes, size_t count, size_t capacity)
{
    size_t size = table_size(count, capacity);
    size_t *heads = arena_new_array(arena, size + 1, sizeof(*heads)); /* counting sort: keeps the order inside a bucket */
    size_t *order = arena_new_array(arena, count + 1, sizeof(*order));

    for (size_t i = 0; i < count; i++) {
        uint32_t hash = (uint32_t)hashes[i];

        heads[((hash ^ hash >> 16) & (size - 1)) + 1]++;
    }
    for (size_t i = 1; i <= size; i++)
        heads[i] += heads[i - 1];
    for (size_t i = 0; i < count; i++) {
        uint32_t hash = (uint32_t)hashes[i];

        order[heads[(hash ^ hash >> 16) & (size - 1)]++] = i;
    }
    return order;
}
