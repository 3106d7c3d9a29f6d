#include "wire/kafka/partitioner.h"

#include "base/banned.h"

#define SEED UINT32_C(0x9747b28c)
#define MULTIPLIER UINT32_C(0x5bd1e995)
#define SHIFT 24

uint32_t kafka_murmur2(struct slice bytes)
{
    uint32_t hash = SEED ^ (uint32_t)bytes.size;
    size_t at = 0;

    for (; bytes.size - at >= 4; at += 4) {
        uint32_t word;

        memcpy(&word, bytes.data + at, sizeof(word)); /* little-endian, as the algorithm has it */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap32(word);
#endif
        word *= MULTIPLIER;
        word ^= word >> SHIFT;
        word *= MULTIPLIER;
        hash *= MULTIPLIER;
        hash ^= word;
    }
    if (at < bytes.size) {
        for (size_t left = bytes.size - at; left > 0; left--)
            hash ^= (uint32_t)bytes.data[at + left - 1] << (8 * (left - 1));
        hash *= MULTIPLIER;
    }
    hash ^= hash >> 13;
    hash *= MULTIPLIER;
    hash ^= hash >> 15;
    return hash;
}

int32_t kafka_partition_for_key(struct slice key, int32_t count)
{
    return (int32_t)((kafka_murmur2(key) & INT32_MAX) % (uint32_t)count);
}
