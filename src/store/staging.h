/* store/staging.h: memory for the bytes that a round copies, let go of all at once. Thread: committer. */
#ifndef STORE_STAGING_H
#define STORE_STAGING_H

#include <stddef.h>
#include <stdint.h>

struct staging_chunk;

struct staging { /* zeroed is ready for use */
    struct staging_chunk *first; /* the one being filled; full ones behind it */
    struct staging_chunk *spare;
    size_t spare_count;
};

#define STAGING_TAKE_MAX ((size_t)64 << 10)

/* size at most STAGING_TAKE_MAX; what is taken next mostly stands right behind. */
uint8_t *staging_take(struct staging *staging, size_t size);
void staging_reset(struct staging *staging); /* keeps some chunks for the next round */
void staging_finish(struct staging *staging);

#endif
