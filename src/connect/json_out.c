#include "connect/json_out.h"

#include "base/banned.h"
#include "wire/json/text.h"

void json_put_string(struct buffer *out, struct slice text)
{
    json_append_string(out, text);
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
