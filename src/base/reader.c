#include "base/reader.h"

#include "base/banned.h"

uint64_t read_varuint_slowly(struct reader *in, int bytes_max)
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
