/* base/buffer.h: a growing run of bytes with a maximum; writing past the maximum fails once and for all. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/slice.h"

struct buffer {
    uint8_t *data;
    size_t size;     /* bytes written */
    size_t capacity; /* bytes allocated */
    size_t size_max; /* never grows past this */
    bool failed;     /* a write did not fit; later writes do nothing. Test it once, at the end */
};

void buffer_init(struct buffer *buffer, size_t size_max);
void buffer_finish(struct buffer *buffer); /* frees; a zeroed struct is fine too */
void buffer_reset(struct buffer *buffer);  /* size 0 and not failed; keeps the memory */

/* Slow path of buffer_reserve; call that. */
uint8_t *buffer_grow(struct buffer *buffer, size_t size);

/* Makes room for `size` more bytes and gives where they go (not yet counted in size); NULL when over the maximum. */
static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t size)
{
    if (!buffer->failed && buffer->data != NULL && size <= buffer->capacity - buffer->size)
        return buffer->data + buffer->size;
    return buffer_grow(buffer, size);
}

static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *to = buffer_reserve(buffer, size);

    if (to == NULL)
        return;
    if (size > 0)
        memcpy(to, bytes, size);
    buffer->size += size;
}

static inline void buffer_append_slice(struct buffer *buffer, struct slice slice)
{
    buffer_append(buffer, slice.data, slice.size);
}

void buffer_append_string(struct buffer *buffer, const char *text);
void buffer_append_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void buffer_append_u8(struct buffer *buffer, uint8_t value)
{
    buffer_append(buffer, &value, sizeof(value));
}

/* Big-endian, as Kafka and PostgreSQL write. */
static inline void buffer_append_u16(struct buffer *buffer, uint16_t value)
{
    uint16_t big = __builtin_bswap16(value);
    buffer_append(buffer, &big, sizeof(big));
}

static inline void buffer_append_u32(struct buffer *buffer, uint32_t value)
{
    uint32_t big = __builtin_bswap32(value);
    buffer_append(buffer, &big, sizeof(big));
}

static inline void buffer_append_u64(struct buffer *buffer, uint64_t value)
{
    uint64_t big = __builtin_bswap64(value);
    buffer_append(buffer, &big, sizeof(big));
}

/* Unsigned LEB128 and its zigzag form (Kafka protocol guide, "Protocol Primitive Types"). */
void buffer_append_varuint(struct buffer *buffer, uint64_t value);
void buffer_append_varint(struct buffer *buffer, int64_t value);

/* How many bytes buffer_append_varint appends. */
static inline size_t varint_bytes(int64_t value)
{
    uint64_t bits = (((uint64_t)value << 1) ^ (uint64_t)(value >> 63)) | 1;

    return (size_t)(63 - __builtin_clzll(bits)) / 7 + 1;
}

/* Decimal digits of a number. */
void buffer_append_decimal(struct buffer *buffer, int64_t value);

/* Overwrites 4 bytes at `at`, big-endian; for lengths known only afterwards. */
void buffer_patch_u32(struct buffer *buffer, size_t at, uint32_t value);

static inline struct slice buffer_slice(const struct buffer *buffer)
{
    return slice_of(buffer->data, buffer->size);
}

/* Drops the first `size` bytes. */
void buffer_consume(struct buffer *buffer, size_t size);

#endif
