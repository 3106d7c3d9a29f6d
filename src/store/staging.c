#include "store/staging.h"

#include "base/banned.h"
#include "base/memory.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define SPARES_MAX 16

struct staging_chunk {
    struct staging_chunk *next;
    size_t used;
    uint8_t bytes[CHUNK_BYTES];
};

uint8_t *staging_take(struct staging *staging, size_t size)
{
    struct staging_chunk *chunk = staging->first;
    uint8_t *given;

    if (chunk == NULL || CHUNK_BYTES - chunk->used < size) {
        chunk = staging->spare;
        if (chunk == NULL) {
            chunk = memory_new(sizeof(*chunk));
        } else {
            staging->spare = chunk->next;
            staging->spare_count--;
        }
        chunk->used = 0;
        chunk->next = staging->first;
        staging->first = chunk;
    }
    given = chunk->bytes + chunk->used;
    chunk->used += size;
    return given;
}

void staging_reset(struct staging *staging)
{
    while (staging->first != NULL) {
        struct staging_chunk *chunk = staging->first;

        staging->first = chunk->next;
        if (staging->spare_count == SPARES_MAX) {
            memory_free(chunk);
            continue;
        }
        chunk->next = staging->spare;
        staging->spare = chunk;
        staging->spare_count++;
    }
}

void staging_finish(struct staging *staging)
{
    staging_reset(staging);
    while (staging->spare != NULL) {
        struct staging_chunk *next = staging->spare->next;
        memory_free(staging->spare);
        staging->spare = next;
    }
}
