#include "wire/debezium/value.h"

#include "base/banned.h"
#include "base/java.h"
#include "wire/debezium/name.h"
#include "wire/json/number.h"
#include "wire/json/text.h"
#include "wire/postgres/value.h"

#include <openssl/evp.h>

bool encode_string(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    (void)encoder;
    json_append_string(out, text);
    return true;
}

bool encode_nothing(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    (void)encoder;
    (void)text;
    (void)out;
    return false;
}

/* ---- Bytes ---- */

static void append_base64(struct buffer *out, struct slice bytes, enum base64_alphabet alphabet)
{
    uint8_t *to = buffer_reserve(out, base64_size(bytes.size) + 2);

    if (to == NULL)
        return;
    to[0] = '"';
    base64_write(to + 1, bytes.data, bytes.size, alphabet);
    to[1 + base64_size(bytes.size)] = '"';
    out->size += base64_size(bytes.size) + 2;
}

static void append_hex(struct buffer *out, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t *to = buffer_reserve(out, bytes.size * 2 + 2);

    if (to == NULL)
        return;
    *to++ = '"';
    for (size_t i = 0; i < bytes.size; i++) {
        *to++ = (uint8_t)digits[bytes.data[i] >> 4];
        *to++ = (uint8_t)digits[bytes.data[i] & 15];
    }
    *to = '"';
    out->size += bytes.size * 2 + 2;
}

bool encode_bytea_base64(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct buffer *bytes = &encoder->scratch->bytes;

    buffer_reset(bytes);
    if (!pg_bytea_read(text, bytes))
        return false;
    append_base64(out, buffer_slice(bytes), encoder->alphabet);
    return true;
}

bool encode_bytea_hex(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct buffer *bytes = &encoder->scratch->bytes;

    buffer_reset(bytes);
    if (!pg_bytea_read(text, bytes))
        return false;
    append_hex(out, buffer_slice(bytes));
    return true;
}

bool encode_text_base64(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    append_base64(out, text, encoder->alphabet);
    return true;
}

bool encode_text_hex(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    (void)encoder;
    append_hex(out, text);
    return true;
}

/* The numbers of a geometric text as Java's doubles, the rest as it stands: (1,2) becomes (1.0,2.0). */
static bool shape_text(struct slice text, struct buffer *out)
{
    buffer_reset(out);
    while (text.size > 0) {
        size_t size = 0;
        uint8_t number[NUMBER_FLOAT_BYTES];
        char copy[64], *end;

        while (size < text.size && strchr("()[]{}<>,", text.data[size]) == NULL && text.data[size] != 0)
            size++;
        if (size == 0) {
            buffer_append_u8(out, text.data[0]);
            text = slice_from(text, 1);
            continue;
        }
        if (size >= sizeof(copy))
            return false;
        memcpy(copy, text.data, size);
        copy[size] = 0;
        buffer_append(out, number, number_write_double(number, strtod(copy, &end)));
        if (*end != 0)
            return false;
        text = slice_from(text, size);
    }
    return !out->failed;
}

bool encode_shape_base64(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    return shape_text(text, &encoder->scratch->text) && encode_text_base64(encoder, buffer_slice(&encoder->scratch->text), out);
}

bool encode_shape_hex(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    return shape_text(text, &encoder->scratch->text) && encode_text_hex(encoder, buffer_slice(&encoder->scratch->text), out);
}

/* Integer.valueOf(text, 2) == 0, as far as a bit goes; an empty one is no number. */
bool encode_bit(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    bool set = false;

    (void)encoder;
    if (text.size == 0)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '0' && text.data[i] != '1')
            return false;
        set = set || text.data[i] == '1';
    }
    buffer_append_string(out, set ? "true" : "false");
    return true;
}

/* The rightmost bit first, eight to a byte, no zero bytes at the end. */
bool encode_bits(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct buffer *bytes = &encoder->scratch->bytes;
    uint8_t *to;

    buffer_reset(bytes);
    to = buffer_reserve(bytes, text.size / 8 + 1);
    if (to == NULL)
        return false;
    memset(to, 0, text.size / 8 + 1);
    for (size_t i = 0; i < text.size; i++) {
        size_t bit = text.size - 1 - i;

        if (text.data[i] != '0' && text.data[i] != '1')
            return false;
        if (text.data[i] == '1') {
            to[bit / 8] = (uint8_t)(to[bit / 8] | 1 << bit % 8);
            if (bytes->size <= bit / 8)
                bytes->size = bit / 8 + 1;
        }
    }
    append_base64(out, buffer_slice(bytes), BASE64_STANDARD);
    return true;
}

/* ---- Geometry ---- */

/* A number of "(x,y)" up to `stop`. */
static bool take_coordinate(struct slice *rest, char stop, double *value)
{
    const uint8_t *end = memchr(rest->data, stop, rest->size);
    char copy[64], *behind;
    size_t size;

    if (end == NULL || end == rest->data || (size_t)(end - rest->data) >= sizeof(copy))
        return false;
    size = (size_t)(end - rest->data);
    memcpy(copy, rest->data, size);
    copy[size] = 0;
    *value = strtod(copy, &behind);
    *rest = slice_from(*rest, size + 1);
    return *behind == 0;
}

bool encode_point(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    uint8_t wkb[21] = {1, 1}; /* little-endian, type 1 */
    double x, y;

    (void)encoder;
    if (text.size == 0 || text.data[0] != '(')
        return false;
    text = slice_from(text, 1);
    if (!take_coordinate(&text, ',', &x) || !take_coordinate(&text, ')', &y) || text.size != 0)
        return false;
    memcpy(wkb + 5, &x, sizeof(x));
    memcpy(wkb + 13, &y, sizeof(y));
    buffer_append_string(out, "{\"x\":");
    number_append_double(out, x);
    buffer_append_string(out, ",\"y\":");
    number_append_double(out, y);
    buffer_append_string(out, ",\"wkb\":");
    append_base64(out, slice_of(wkb, sizeof(wkb)), BASE64_STANDARD);
    buffer_append_string(out, ",\"srid\":null}");
    return true;
}

#define EWKB_SRID 0x20000000u

static uint32_t ewkb_u32(const uint8_t *at, bool little)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return little ? value : __builtin_bswap32(value);
}

/* PostGIS prints EWKB in hexadecimal digits. */
bool encode_geometry(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct buffer *hex = &encoder->scratch->text, *bytes = &encoder->scratch->bytes;
    bool little;

    buffer_reset(hex);
    buffer_append_string(hex, "\\x");
    buffer_append_slice(hex, text);
    buffer_reset(bytes);
    if (hex->failed || !pg_bytea_read(buffer_slice(hex), bytes) || bytes->size < 9)
        return false;
    little = bytes->data[0] != 0;
    buffer_append_string(out, "{\"wkb\":");
    append_base64(out, buffer_slice(bytes), BASE64_STANDARD);
    if ((ewkb_u32(bytes->data + 1, little) & EWKB_SRID) != 0)
        buffer_append_format(out, ",\"srid\":%d}", (int)ewkb_u32(bytes->data + 5, little));
    else
        buffer_append_string(out, ",\"srid\":null}");
    return true;
}

/* ---- Column rules: masks, hashes, truncation ---- */

/* How many bytes hold the first `units` UTF-16 units? half: the next unit is the first half of a character, and the last that counts. */
static size_t utf16_prefix(struct slice text, size_t units, uint16_t *half)
{
    struct slice rest = text;
    uint16_t low = 0, unit;

    *half = 0;
    for (size_t i = 0; i < units; i++) {
        size_t before = text.size - rest.size;

        if (!java_utf16_next(&rest, &low, &unit))
            return text.size;
        if (low != 0 && i + 1 == units) {
            *half = unit;
            return before;
        }
    }
    return text.size - rest.size;
}

static void append_truncated(struct buffer *out, struct slice text, int32_t length)
{
    uint16_t half;
    size_t size = text.size <= (size_t)length ? text.size : utf16_prefix(text, (size_t)length, &half);

    if (text.size <= (size_t)length)
        half = 0;
    buffer_append_u8(out, '"');
    json_append_escaped(out, slice_of(text.data, size));
    if (half != 0)
        buffer_append_format(out, "\\u%04X", half);
    buffer_append_u8(out, '"');
}

/* The bytes that java.io.ObjectOutputStream writes for a String: modified UTF-8 with its length in front. */
static void append_java_serialized(struct buffer *out, struct slice text)
{
    struct slice rest = text;
    uint16_t low = 0, unit;
    size_t size_at;

    buffer_append(out, "\xac\xed\x00\x05\x74", 5);
    size_at = out->size;
    while (java_utf16_next(&rest, &low, &unit)) {
        if (unit != 0 && unit < 0x80) {
            buffer_append_u8(out, (uint8_t)unit);
        } else if (unit < 0x800) {
            buffer_append_u8(out, (uint8_t)(0xc0 | unit >> 6));
            buffer_append_u8(out, (uint8_t)(0x80 | (unit & 0x3f)));
        } else {
            buffer_append_u8(out, (uint8_t)(0xe0 | unit >> 12));
            buffer_append_u8(out, (uint8_t)(0x80 | (unit >> 6 & 0x3f)));
            buffer_append_u8(out, (uint8_t)(0x80 | (unit & 0x3f)));
        }
    }
    if (!out->failed) {
        size_t size = out->size - size_at, width = size > 0xffff ? 8 : 2;
        uint64_t big = __builtin_bswap64((uint64_t)size);

        if (buffer_reserve(out, width) == NULL)
            return;
        memmove(out->data + size_at + width, out->data + size_at, size);
        memcpy(out->data + size_at, (uint8_t *)&big + sizeof(big) - width, width);
        if (width == 8)
            out->data[size_at - 1] = 0x7c; /* TC_LONGSTRING */
        out->size += width;
    }
}

/* Hexadecimal digest of salt and text, cut to the length of the column. */
static bool append_hash(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    const struct debezium_column_rule *rule = encoder->rule;
    struct buffer *bytes = &encoder->scratch->bytes;
    uint8_t digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned size = 0;

    buffer_reset(bytes);
    buffer_append_string(bytes, rule->salt);
    if (rule->kind == COLUMN_HASH)
        append_java_serialized(bytes, text);
    else
        buffer_append_slice(bytes, text);
    if (bytes->failed || EVP_Digest(bytes->data, bytes->size, digest, &size, rule->digest, NULL) != 1)
        return false;
    for (unsigned i = 0; i < size; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    append_truncated(out, slice_from_string(hex), encoder->length_max);
    return true;
}

/* A text, still without quotes and escapes. */
static bool append_ruled_text(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    switch (encoder->rule->kind) {
    case COLUMN_MASK: json_append_string(out, slice_from_string(encoder->mask)); return true;
    case COLUMN_TRUNCATE: append_truncated(out, text, encoder->length_max); return true;
    default: return append_hash(encoder, text, out);
    }
}

bool value_apply_rule(const struct value_encoder *encoder, struct slice json, struct buffer *out)
{
    struct buffer *text = &encoder->scratch->text, *bytes = &encoder->scratch->bytes;

    if (encoder->rule->kind == COLUMN_MASK)
        return append_ruled_text(encoder, json, out);
    if (json.size < 2 || json.data[0] != '"') { /* null */
        buffer_append_slice(out, json);
        return true;
    }
    json = slice_of(json.data + 1, json.size - 2);
    if (encoder->rule_bytes) {
        buffer_reset(bytes);
        if (!base64_decode(bytes, json))
            return false;
        if (bytes->size > (size_t)encoder->length_max)
            bytes->size = (size_t)encoder->length_max;
        append_base64(out, bytes->data == NULL ? slice_from_string("") : buffer_slice(bytes), BASE64_STANDARD);
        return true;
    }
    buffer_reset(text);
    return json_unescape(text, json) && append_ruled_text(encoder, text->data == NULL ? slice_from_string("") : buffer_slice(text), out);
}

bool encode_rule(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct buffer *inner = &encoder->scratch->inner;

    if (encoder->inner->encode == encode_string)
        return append_ruled_text(encoder, text, out);
    buffer_reset(inner);
    return encoder->inner->encode(encoder->inner, text, inner) && !inner->failed && value_apply_rule(encoder, buffer_slice(inner), out);
}
