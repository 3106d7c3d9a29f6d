#include "connect/json_out.h"

#include "base/banned.h"

static void escape_put(struct buffer *out, uint32_t code)
{
    static const char names[] = "btn?fr"; /* 8 to 13; 11 has no name */

    if (code == '"' || code == '\\') {
        buffer_append_format(out, "\\%c", (char)code);
    } else if (code >= 8 && code <= 13 && code != 11) {
        buffer_append_format(out, "\\%c", names[code - 8]);
    } else {
        buffer_append_format(out, "\\u%04X", code);
    }
}

/* Length of the well-formed UTF-8 sequence at `at`, 0 when it is none; its code point. */
static size_t sequence_read(const uint8_t *at, size_t left, uint32_t *code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xf0 && at[0] < 0xf8 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0xc2 ? 2 : 0;

    if (length == 0 || at[0] >= 0xf8 || left < length)
        return 0;
    *code = length == 1 ? at[0] : at[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (at[i] & 0x3fu);
    }
    if (length > 1 && (*code < smallest[length] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000)))
        return 0;
    return length;
}

void json_put_string(struct buffer *out, struct slice text)
{
    size_t plain = 0; /* where the run of bytes begins that are copied as they are */
    size_t at = 0;

    buffer_append_u8(out, '"');
    while (at < text.size) {
        uint32_t code = 0;
        size_t length = sequence_read(text.data + at, text.size - at, &code);

        if (length > 0 && code >= 0x20 && code != '"' && code != '\\' && code < 0x10000) {
            at += length;
            continue;
        }
        buffer_append(out, text.data + plain, at - plain);
        if (length == 0) {
            buffer_append_u8(out, '?');
        } else if (code >= 0x10000) {
            escape_put(out, 0xd800 + ((code - 0x10000) >> 10));
            escape_put(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
        } else {
            escape_put(out, code);
        }
        at += length == 0 ? 1 : length;
        plain = at;
    }
    buffer_append(out, text.data + plain, at - plain);
    buffer_append_u8(out, '"');
}

void json_put_text(struct buffer *out, const char *text)
{
    if (text == NULL)
        buffer_append_string(out, "null");
    else
        json_put_string(out, slice_from_string(text));
}

void json_put_comma(struct buffer *out)
{
    uint8_t last = out->size == 0 ? '[' : out->data[out->size - 1];

    if (last != '[' && last != '{' && last != ':')
        buffer_append_u8(out, ',');
}

void json_put_key(struct buffer *out, const char *key)
{
    json_put_comma(out);
    json_put_string(out, slice_from_string(key));
    buffer_append_u8(out, ':');
}

void json_put_map(struct buffer *out, const struct properties *map)
{
    buffer_append_u8(out, '{');
    for (size_t i = 0; i < map->count; i++) {
        json_put_key(out, map->items[i].key);
        json_put_text(out, map->items[i].value);
    }
    buffer_append_u8(out, '}');
}
