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

/* The next `size` bytes, borrowed; an empty slice that is not null after a failure. */
static inline struct slice read_bytes(struct reader *in, size_t size)
{
    struct slice bytes = {in->at, size};

    if (__builtin_expect(in->failed || size > (size_t)(in->end - in->at), 0)) {
        in->failed = true;
        return slice_of("", 0);
    }
    in->at += size;
    return bytes;
}

/* Big-endian. */
static inline uint8_t read_u8(struct reader *in)
{
    struct slice bytes = read_bytes(in, 1);
    return bytes.size == 0 ? 0 : bytes.data[0];
}

static inline uint16_t read_u16(struct reader *in)
{
    uint16_t value = 0;
    struct slice bytes = read_bytes(in, sizeof(value));

    if (bytes.size == sizeof(value))
        memcpy(&value, bytes.data, sizeof(value));
    return __builtin_bswap16(value);
}

static inline uint32_t read_u32(struct reader *in)
{
    uint32_t value = 0;
    struct slice bytes = read_bytes(in, sizeof(value));

    if (bytes.size == sizeof(value))
        memcpy(&value, bytes.data, sizeof(value));
    return __builtin_bswap32(value);
}

static inline uint64_t read_u64(struct reader *in)
{
    uint64_t value = 0;
    struct slice bytes = read_bytes(in, sizeof(value));

    if (bytes.size == sizeof(value))
        memcpy(&value, bytes.data, sizeof(value));
    return __builtin_bswap64(value);
}

/* Unsigned LEB128 of at most `bytes_max` bytes; call the functions below. */
uint64_t read_varuint_slowly(struct reader *in, int bytes_max);

static inline uint64_t read_varuint(struct reader *in, int bytes_max)
{
    if (__builtin_expect(!in->failed && in->end - in->at >= 2, 1)) { /* lengths of records and of what is in them */
        if (in->at[0] < 0x80)
            return *in->at++;
        if (in->at[1] < 0x80) {
            in->at += 2;
            return (uint64_t)(in->at[-2] & 0x7f) | (uint64_t)in->at[-1] << 7;
        }
    }
    return read_varuint_slowly(in, bytes_max);
}

/* Unsigned LEB128 of at most 5 or 10 bytes, and zigzag. */
static inline uint32_t read_varuint32(struct reader *in)
{
    uint64_t value = read_varuint(in, 5);

    if (value > UINT32_MAX) {
        reader_fail(in);
        return 0;
    }
    return (uint32_t)value;
}

static inline int32_t read_varint32(struct reader *in)
{
    uint32_t value = read_varuint32(in);
    return (int32_t)((value >> 1) ^ (0 - (value & 1)));
}

static inline int64_t read_varint64(struct reader *in)
{
    uint64_t value = read_varuint(in, 10);
    return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

/* A NUL-terminated string, borrowed; never NULL ("" after a failure). */
const char *read_cstring(struct reader *in);

#endif
