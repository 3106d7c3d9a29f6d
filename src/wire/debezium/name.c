#include "wire/debezium/name.h"

#include "base/banned.h"
#include "base/buffer.h"
#include "base/java.h"

#define TOPIC_LENGTH_MAX 249
#define NAME_BYTES_MAX (1024 * 1024)

static bool is_letter(uint16_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint16_t c)
{
    return c >= '0' && c <= '9';
}

/* UnicodeReplacementFunction: "00" before one or two digits, so one digit makes three. */
static void append_unicode(struct buffer *out, uint16_t c)
{
    buffer_append_format(out, c <= 0xff ? "_u00%x" : "_u%x", (unsigned)c);
}

static void append_replacement(struct buffer *out, uint16_t c, bool unicode)
{
    if (unicode)
        append_unicode(out, c);
    else
        buffer_append_u8(out, '_');
}

static char *finish_name(struct arena *arena, struct buffer *name)
{
    char *copy = arena_copy_string(arena, name->data == NULL ? slice_from_string("") : buffer_slice(name));

    buffer_finish(name);
    return copy;
}

char *name_sanitize_topic(struct arena *arena, const char *topic, bool unicode)
{
    struct slice rest = slice_from_string(topic);
    struct buffer name;
    uint16_t low = 0, c;

    buffer_init(&name, NAME_BYTES_MAX);
    while (java_utf16_next(&rest, &low, &c)) {
        if (is_letter(c) || is_digit(c) || c == '.' || c == '-' || (c == '_' && !unicode))
            buffer_append_u8(&name, (uint8_t)c);
        else
            append_replacement(&name, c, unicode);
    }
    if (name.size > TOPIC_LENGTH_MAX) {
        name.size = TOPIC_LENGTH_MAX;
    } else if (name.size > 0 && name.size <= 2 && memcmp(name.data, "..", name.size) == 0) {
        size_t dots = name.size;

        buffer_reset(&name);
        for (size_t i = 0; i < dots; i++)
            append_replacement(&name, '.', unicode);
    }
    return finish_name(arena, &name);
}

char *name_table_topic(struct arena *arena, const struct debezium_config *config, const char *schema, const char *table)
{
    bool with_schema = config->topic_naming == TOPICS_SCHEMA || config->topic_naming == TOPICS_SCHEMA_UNICODE;
    bool unicode = config->topic_naming == TOPICS_SCHEMA_UNICODE || config->topic_naming == TOPICS_DEFAULT_UNICODE;
    const char *parts[] = {config->prefix, with_schema ? schema : "", table};
    struct buffer name;
    char *joined;

    buffer_init(&name, NAME_BYTES_MAX);
    for (size_t i = 0; i < 3; i++) {
        if (parts[i][strspn(parts[i], " \t")] == 0) /* blank parts are left out */
            continue;
        if (name.size > 0)
            buffer_append_string(&name, config->topic_delimiter);
        buffer_append_string(&name, parts[i]);
    }
    joined = finish_name(arena, &name);
    return name_sanitize_topic(arena, joined, unicode);
}

static const char *adjust(struct arena *arena, enum name_adjustment mode, const char *name, bool dots)
{
    struct slice rest = slice_from_string(name);
    bool unicode = mode == NAME_AVRO_UNICODE;
    struct buffer adjusted;
    uint16_t low = 0, c;

    if (mode == NAME_NONE)
        return name;
    buffer_init(&adjusted, NAME_BYTES_MAX);
    while (java_utf16_next(&rest, &low, &c)) {
        bool first = adjusted.size == 0;

        if (is_letter(c) || (c == '_' && !unicode) || (!first && (is_digit(c) || (c == '.' && dots)))) {
            buffer_append_u8(&adjusted, (uint8_t)c);
            continue;
        }
        append_replacement(&adjusted, c, unicode);
        if (first && is_digit(c) && !unicode)
            buffer_append_u8(&adjusted, (uint8_t)c);
    }
    return finish_name(arena, &adjusted);
}

const char *name_adjust_schema(struct arena *arena, enum name_adjustment mode, const char *name)
{
    return adjust(arena, mode, name, true);
}

const char *name_adjust_field(struct arena *arena, enum name_adjustment mode, const char *name)
{
    return adjust(arena, mode, name, false);
}
