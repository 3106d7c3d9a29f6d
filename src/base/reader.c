#include "base/reader.h"

#include "base/banned.h"

struct slice read_bytes(struct reader *in, size_t size)
{
    struct slice bytes;

    if (size > reader_left(in)) {
        reader_fail(in);
        return slice_of("", 0);
    }
    bytes = slice_of(in->at, size);
    in->at += size;
    return bytes;
}

uint8_t read_u8(struct reader *in)
{
    struct slice bytes = read_bytes(in, 1);
    return bytes.size == 0 ? 0 : bytes.data[0];
}

uint16_t read_u16(struct reader *in)
{
    uint16_t value = 0;
    struct slice bytes = read_bytes(in, sizeof(value));

    memcpy(&value, bytes.data, bytes.size);
    return __builtin_bswap16(value);
}

uint32_t read_u32(struct reader *in)
{
    uint32_t value = 0;
    struct slice bytes = read_bytes(in, sizeof(value));

    memcpy(&value, bytes.data, bytes.size);
    return __builtin_bswap32(value);
}

uint64_t read_u64(struct reader *in)
{
    uint64_t value = 0;
    struct slice bytes = read_bytes(in, sizeof(value));

    memcpy(&value, bytes.data, bytes.size);
    return __builtin_bswap64(value);
}

static uint64_t read_varuint(struct reader *in, int bytes_max)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes_max; i++) {
        uint8_t byte = read_u8(in);

        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (in->failed)
            return 0;
        if ((byte & 0x80) == 0)
            return value;
    }
    reader_fail(in);
    return 0;
}

uint32_t read_varuint32(struct reader *in)
{
    uint64_t value = read_varuint(in, 5);

    if (value > UINT32_MAX) {
        reader_fail(in);
        return 0;
    }
    return (uint32_t)value;
}

int32_t read_varint32(struct reader *in)
{
    uint32_t value = read_varuint32(in);
    return (int32_t)((value >> 1) ^ (0 - (value & 1)));
}

int64_t read_varint64(struct reader *in)
{
    uint64_t value = read_varuint(in, 10);
    return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

const char *read_cstring(struct reader *in)
{
    const uint8_t *start = in->at;
    const uint8_t *nul = reader_left(in) == 0 ? NULL : memchr(start, 0, reader_left(in));

    if (nul == NULL) {
        reader_fail(in);
        return "";
    }
    in->at = nul + 1;
    return (const char *)start;
}
