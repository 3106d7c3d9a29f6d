/* wire/json/base64.h: base64 in its two alphabets, padded (RFC 4648, sections 4 and 5). */
#ifndef WIRE_JSON_BASE64_H
#define WIRE_JSON_BASE64_H

#include "base/buffer.h"

enum base64_alphabet { BASE64_STANDARD, BASE64_URL_SAFE };

static inline size_t base64_size(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

/* Writes base64_size(size) characters. */
void base64_write(uint8_t *to, const uint8_t *bytes, size_t size, enum base64_alphabet alphabet);

void base64_append(struct buffer *out, struct slice bytes, enum base64_alphabet alphabet);

/* Decodes padded standard base64; false when it is none. */
bool base64_decode(struct buffer *out, struct slice text);

#endif
