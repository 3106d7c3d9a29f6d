#include "wire/json/text.h"

#include "base/banned.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Texts are escaped in pieces, so that the room reserved for the worst case stays small. */
#define PIECE_BYTES 4096
#define ESCAPED_BYTES_MAX 6 /* \u001F */

static const char upper_hex[] = "0123456789ABCDEF";

static inline bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0xf0 && byte != '"' && byte != '\\';
}

#if defined(__SSE2__)
/* A bit for each of 16 bytes that must not be copied as it is. */
static inline unsigned special_16(const uint8_t *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)at);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    __m128i high = _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8((char)0xf0)), bytes);
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(control, high), _mm_or_si128(quote, backslash)));
}
#endif

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* Is there a byte among 8 that must not be copied as it is? May say so wrongly, never the other way round. */
static inline bool special_8(const uint8_t *at)
{
    uint64_t bytes, quote, backslash;

    memcpy(&bytes, at, sizeof(bytes));
    quote = bytes ^ ONES * '"';
    backslash = bytes ^ ONES * '\\';
    return (((bytes - ONES * 0x20) | (quote - ONES) | (backslash - ONES)) & ~bytes & HIGHS) !=
               0 ||                                                     /* below 0x20, or equal to one of the two */
           (bytes & bytes << 1 & bytes << 2 & bytes << 3 & HIGHS) != 0; /* 0xf0 and above */
}

/* How many bytes from the front can be copied as they are? */
static size_t plain_prefix(const uint8_t *data, size_t size)
{
    size_t at = 0;

#if defined(__SSE2__)
    for (; size - at >= 16; at += 16) {
        unsigned special = special_16(data + at);

        if (special != 0)
            return at + (size_t)__builtin_ctz(special);
    }
    if (at > 0 && at < size && special_16(data + size - 16) == 0)
        return size;
#endif
    for (; size - at >= 8; at += 8) {
        if (special_8(data + at))
            break;
    }
    while (at < size && is_plain(data[at]))
        at++;
    return at;
}

static uint8_t *put_unit(uint8_t *to, unsigned unit)
{
    *to++ = '\\';
    *to++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *to++ = (uint8_t)upper_hex[unit >> shift & 15];
    return to;
}

static uint8_t *put_escape(uint8_t *to, uint8_t byte)
{
    static const char shorts[0x20] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char letter = byte < 0x20 ? shorts[byte] : (char)byte;

    if (letter == 0)
        return put_unit(to, byte);
    *to++ = '\\';
    *to++ = (uint8_t)letter;
    return to;
}

/* A four-byte sequence as two escapes; gives how many bytes it took. */
static size_t put_surrogates(uint8_t **to, const uint8_t *at, size_t size)
{
    uint32_t point;

    if (size < 4 || (at[1] & 0xc0) != 0x80 || (at[2] & 0xc0) != 0x80 || (at[3] & 0xc0) != 0x80)
        point = 0;
    else
        point = (at[0] & 7u) << 18 | (at[1] & 0x3fu) << 12 | (at[2] & 0x3fu) << 6 | (at[3] & 0x3fu);
    if (at[0] > 0xf4 || point < 0x10000 || point > 0x10ffff) {
        memcpy(*to, "\xef\xbf\xbd", 3);
        *to += 3;
        return 1;
    }
    *to = put_unit(*to, 0xd800 + ((point - 0x10000) >> 10));
    *to = put_unit(*to, 0xdc00 + (point & 0x3ff));
    return 4;
}

/* Escapes a piece that holds something to escape; `rest` is all that is left of the text. Gives how much of it was taken. */
static size_t escape_piece(struct buffer *out, const uint8_t *data, size_t rest)
{
    size_t limit = rest < PIECE_BYTES ? rest : PIECE_BYTES, at = 0;
    uint8_t *start = buffer_reserve(out, (limit + 4) * ESCAPED_BYTES_MAX), *to = start;

    if (start == NULL)
        return rest;
    while (at < limit) {
        uint8_t byte = data[at];

        if (byte >= 0xf0) {
            at += put_surrogates(&to, data + at, rest - at);
        } else if (!is_plain(byte)) {
            to = put_escape(to, byte);
            at++;
        } else {
            size_t plain = plain_prefix(data + at, limit - at);

            memcpy(to, data + at, plain);
            to += plain;
            at += plain;
        }
    }
    out->size += (size_t)(to - start);
    return at;
}

void json_append_escaped(struct buffer *out, struct slice text)
{
    const uint8_t *data = text.data;
    size_t rest = text.size;

    while (rest > 0) {
        size_t taken = plain_prefix(data, rest);

        if (taken > 0)
            buffer_append(out, data, taken);
        else
            taken = escape_piece(out, data, rest);
        data += taken;
        rest -= taken;
    }
}

void json_append_string(struct buffer *out, struct slice text)
{
    size_t plain = text.size == 0 ? 0 : plain_prefix(text.data, text.size);
    uint8_t *to;

    if (plain == text.size) { /* nearly always */
        to = buffer_reserve(out, plain + 2);
        if (to == NULL)
            return;
        *to = '"';
        if (plain > 0)
            memcpy(to + 1, text.data, plain);
        to[plain + 1] = '"';
        out->size += plain + 2;
        return;
    }
    buffer_append_u8(out, '"');
    json_append_escaped(out, text);
    buffer_append_u8(out, '"');
}

void json_append_string_raw(struct buffer *out, struct slice text)
{
    buffer_append_u8(out, '"');
    while (text.size > 0) {
        size_t below = 0, above = 0;

        while (below < text.size && text.data[below] < 0xf0)
            below++;
        json_append_escaped(out, slice_of(text.data, below));
        text = slice_from(text, below);
        while (above < text.size && text.data[above] >= 0x80)
            above++;
        buffer_append(out, text.data, above);
        text = slice_from(text, above);
    }
    buffer_append_u8(out, '"');
}

/* ---- Reading ---- */

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The four digits of \uXXXX off the front, or -1. */
static int32_t take_unit(struct slice *rest)
{
    int32_t unit = 0;

    if (rest->size < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(rest->data[i]);

        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    *rest = slice_from(*rest, 4);
    return unit;
}

static void append_utf8(struct buffer *out, uint32_t point)
{
    if (point < 0x80) {
        buffer_append_u8(out, (uint8_t)point);
    } else if (point < 0x800) {
        buffer_append_u8(out, (uint8_t)(0xc0 | point >> 6));
        buffer_append_u8(out, (uint8_t)(0x80 | (point & 0x3f)));
    } else if (point < 0x10000) {
        buffer_append_u8(out, (uint8_t)(0xe0 | point >> 12));
        buffer_append_u8(out, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
        buffer_append_u8(out, (uint8_t)(0x80 | (point & 0x3f)));
    } else {
        buffer_append_u8(out, (uint8_t)(0xf0 | point >> 18));
        buffer_append_u8(out, (uint8_t)(0x80 | (point >> 12 & 0x3f)));
        buffer_append_u8(out, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
        buffer_append_u8(out, (uint8_t)(0x80 | (point & 0x3f)));
    }
}

/* What follows "\u"; joins two surrogates. */
static bool unescape_unit(struct buffer *out, struct slice *rest)
{
    int32_t unit = take_unit(rest), low;
    struct slice behind = *rest;

    if (unit < 0)
        return false;
    if (unit < 0xd800 || unit > 0xdfff) {
        append_utf8(out, (uint32_t)unit);
        return true;
    }
    if (unit <= 0xdbff && behind.size >= 6 && behind.data[0] == '\\' && behind.data[1] == 'u') {
        behind = slice_from(behind, 2);
        low = take_unit(&behind);
        if (low >= 0xdc00 && low <= 0xdfff) {
            append_utf8(out, 0x10000 + ((uint32_t)(unit & 0x3ff) << 10 | (uint32_t)(low & 0x3ff)));
            *rest = behind;
            return true;
        }
    }
    append_utf8(out, 0xfffd);
    return true;
}

bool json_unescape(struct buffer *out, struct slice inside)
{
    while (inside.size > 0) {
        const uint8_t *backslash = memchr(inside.data, '\\', inside.size);
        size_t plain = backslash == NULL ? inside.size : (size_t)(backslash - inside.data);
        uint8_t byte;

        buffer_append(out, inside.data, plain);
        inside = slice_from(inside, plain);
        if (inside.size == 0)
            break;
        if (inside.size < 2)
            return false;
        byte = inside.data[1];
        inside = slice_from(inside, 2);
        switch (byte) {
        case 'b': buffer_append_u8(out, '\b'); break;
        case 't': buffer_append_u8(out, '\t'); break;
        case 'n': buffer_append_u8(out, '\n'); break;
        case 'f': buffer_append_u8(out, '\f'); break;
        case 'r': buffer_append_u8(out, '\r'); break;
        case '"':
        case '\\':
        case '/': buffer_append_u8(out, byte); break;
        case 'u':
            if (!unescape_unit(out, &inside))
                return false;
            break;
        default: return false;
        }
    }
    return true;
}
