/* base/reader.h: reads a format front to back; the first failure sticks and every later read gives 0 or an empty slice. */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/slice.h"

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed; /* test it once, at the end */
};

/* A null slice reads as an empty one. */
static inline struct reader reader_of(struct slice slice)
{
    const uint8_t *at = slice.data == NULL ? (const uint8_t *)"" : slice.data;
    struct reader reader = {at, at + slice.size, false};
    return reader;
}

static inline size_t reader_left(const struct reader *in)
{
    return in->failed ? 0 : (size_t)(in->end - in->at);
}

static inline void reader_fail(struct reader *in)
{
    in->failed = true;
}

/* Big-endian. */
uint8_t read_u8(struct reader *in);
uint16_t read_u16(struct reader *in);
uint32_t read_u32(struct reader *in);
uint64_t read_u64(struct reader *in);

/* Unsigned LEB128 of at most 5 or 10 bytes, and zigzag. */
uint32_t read_varuint32(struct reader *in);
int32_t read_varint32(struct reader *in);
int64_t read_varint64(struct reader *in);

/* The next `size` bytes, borrowed. */
struct slice read_bytes(struct reader *in, size_t size);

/* A NUL-terminated string, borrowed; never NULL ("" after a failure). */
const char *read_cstring(struct reader *in);

#endif
