#include "base/properties.h"

#include "base/banned.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"

void properties_init(struct properties *properties)
{
    *properties = (struct properties){0};
}

void properties_finish(struct properties *properties)
{
    for (size_t i = 0; i < properties->count; i++) {
        memory_free(properties->items[i].key);
        memory_free(properties->items[i].value);
    }
    memory_free(properties->items);
    properties_init(properties);
}

static struct property *property_find(const struct properties *properties, const char *key)
{
    for (size_t i = 0; i < properties->count; i++) {
        if (strcmp(properties->items[i].key, key) == 0)
            return &properties->items[i];
    }
    return NULL;
}

const char *properties_get(const struct properties *properties, const char *key)
{
    const struct property *property = property_find(properties, key);
    return property == NULL ? NULL : property->value;
}

bool properties_has(const struct properties *properties, const char *key)
{
    return property_find(properties, key) != NULL;
}

static void property_set(struct properties *properties, const char *key, const char *value, int line)
{
    struct property *property = property_find(properties, key);

    if (property == NULL) {
        if (properties->count == properties->capacity) {
            properties->capacity = properties->capacity == 0 ? 16 : properties->capacity * 2;
            properties->items = memory_resize(properties->items, properties->capacity * sizeof(*properties->items));
        }
        property = &properties->items[properties->count++];
        *property = (struct property){.key = memory_copy_string(key)};
    }
    memory_free(property->value);
    property->value = memory_copy_string(value);
    property->line = line;
}

void properties_set(struct properties *properties, const char *key, const char *value)
{
    property_set(properties, key, value, 0);
}

bool properties_remove(struct properties *properties, const char *key)
{
    struct property *property = property_find(properties, key);
    size_t at;

    if (property == NULL)
        return false;
    at = (size_t)(property - properties->items);
    memory_free(property->key);
    memory_free(property->value);
    memmove(property, property + 1, (properties->count - at - 1) * sizeof(*property));
    properties->count--;
    return true;
}

void properties_copy(struct properties *to, const struct properties *from)
{
    properties_init(to);
    for (size_t i = 0; i < from->count; i++)
        property_set(to, from->items[i].key, from->items[i].value, from->items[i].line);
}

enum status properties_set_assignment(struct properties *properties, const char *assignment, struct error *error)
{
    const char *equals = strchr(assignment, '=');
    char *key;

    if (equals == NULL || equals == assignment)
        return error_set(error, ERROR_BAD_INPUT, "\"%s\" is not of the form key=value", assignment);
    key = memory_copy_bytes(assignment, (size_t)(equals - assignment));
    properties_set(properties, key, equals + 1);
    memory_free(key);
    return OK;
}

/* ---- Settings of named things ---- */

/* What stands between the prefix and the next dot; a null slice when the key is not of that kind. */
static struct slice key_name(const char *key, const char *prefix)
{
    size_t size = strlen(prefix);
    const char *dot = strncmp(key, prefix, size) == 0 ? strchr(key + size, '.') : NULL;

    return dot == NULL || dot == key + size ? slice_null() : slice_of(key + size, (size_t)(dot - (key + size)));
}

bool properties_next_name(const struct properties *properties, const char *prefix, size_t *at, struct slice *name)
{
    while (*at < properties->count) {
        size_t before = 0, here = (*at)++;

        *name = key_name(properties->items[here].key, prefix);
        while (before < here && !slice_equal(key_name(properties->items[before].key, prefix), *name))
            before++;
        if (!slice_is_null(*name) && before == here)
            return true;
    }
    return false;
}

void properties_take(const struct properties *properties, const char *prefix, const char *name, struct properties *taken)
{
    size_t size = strlen(prefix);

    properties_init(taken);
    for (size_t i = 0; i < properties->count; i++) {
        struct slice found = key_name(properties->items[i].key, prefix);

        if (!slice_is_null(found) && slice_equal_string(found, name))
            properties_set(taken, properties->items[i].key + size + found.size + 1, properties->items[i].value);
    }
}

enum status properties_unknown(const char *prefix, const char *name, const char *key, const char *const *known, struct error *error)
{
    const char *dot = name == NULL ? "" : ".", *found;
    struct text_nearest nearest;

    name = name == NULL ? "" : name;
    text_nearest_init(&nearest, key);
    for (size_t i = 0; known[i] != NULL; i++)
        text_nearest_offer(&nearest, known[i]);
    found = text_nearest_found(&nearest);
    if (found == NULL)
        return error_set(error, ERROR_BAD_INPUT, "unknown setting \"%s%s%s%s\"", prefix, name, dot, key);
    return error_set(error, ERROR_BAD_INPUT, "unknown setting \"%s%s%s%s\"; did you mean \"%s%s%s%s\"?", prefix, name, dot, key, prefix, name, dot, found);
}

/* ---- Reading files ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static void append_utf8(struct buffer *out, uint32_t code)
{
    if (code < 0x80) {
        buffer_append_u8(out, (uint8_t)code);
    } else if (code < 0x800) {
        buffer_append_u8(out, (uint8_t)(0xc0 | code >> 6));
        buffer_append_u8(out, (uint8_t)(0x80 | (code & 63)));
    } else {
        buffer_append_u8(out, (uint8_t)(0xe0 | code >> 12));
        buffer_append_u8(out, (uint8_t)(0x80 | (code >> 6 & 63)));
        buffer_append_u8(out, (uint8_t)(0x80 | (code & 63)));
    }
}

/* Copies one character, undoing an escape; gives the next position or NULL for a broken \u. */
static const char *unescape(const char *at, const char *end, struct buffer *out)
{
    uint32_t code = 0;

    if (*at != '\\' || at + 1 == end) {
        buffer_append_u8(out, (uint8_t)*at);
        return at + 1;
    }
    switch (at[1]) {
    case 't': buffer_append_u8(out, '\t'); return at + 2;
    case 'n': buffer_append_u8(out, '\n'); return at + 2;
    case 'r': buffer_append_u8(out, '\r'); return at + 2;
    case 'f': buffer_append_u8(out, '\f'); return at + 2;
    case 'u':
        if (end - at < 6)
            return NULL;
        for (int i = 2; i < 6; i++) {
            int digit = hex_digit(at[i]);
            if (digit < 0)
                return NULL;
            code = code << 4 | (uint32_t)digit;
        }
        append_utf8(out, code);
        return at + 6;
    default: buffer_append_u8(out, (uint8_t)at[1]); return at + 2;
    }
}

/* One logical line, continuations joined, without leading blanks. */
static enum status line_parse(struct properties *properties, struct slice text, int line, struct error *error)
{
    const char *at = (const char *)text.data;
    const char *end = at + text.size;
    struct buffer key, value;
    bool separated = false;

    buffer_init(&key, text.size + 1);
    buffer_init(&value, text.size + 1);
    while (at != NULL && at < end && strchr("=: \t\f", *at) == NULL)
        at = unescape(at, end, &key);
    while (at != NULL && at < end && strchr("=: \t\f", *at) != NULL) {
        if (*at == '=' || *at == ':') {
            if (separated)
                break;
            separated = true;
        }
        at++;
    }
    while (at != NULL && at < end)
        at = unescape(at, end, &value);
    if (at != NULL) {
        buffer_append_u8(&key, 0);
        buffer_append_u8(&value, 0);
        property_set(properties, (const char *)key.data, (const char *)value.data, line);
    }
    buffer_finish(&key);
    buffer_finish(&value);
    return at != NULL ? OK : error_set(error, ERROR_BAD_INPUT, "line %d: \\u needs four hexadecimal digits", line);
}

static bool continues(struct slice line)
{
    size_t backslashes = 0;

    while (backslashes < line.size && line.data[line.size - 1 - backslashes] == '\\')
        backslashes++;
    return backslashes % 2 == 1;
}

static struct slice without_leading_blanks(struct slice line)
{
    while (line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t' || line.data[0] == '\f'))
        line = slice_from(line, 1);
    return line;
}

static struct slice next_line(struct slice *rest)
{
    const uint8_t *newline = memchr(rest->data, '\n', rest->size);
    size_t size = newline == NULL ? rest->size : (size_t)(newline - rest->data);
    struct slice line = slice_of(rest->data, size);

    *rest = slice_from(*rest, newline == NULL ? size : size + 1);
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

enum status properties_parse(struct properties *properties, struct slice text, struct error *error)
{
    enum status status = OK;
    struct buffer joined;
    int number = 0;

    buffer_init(&joined, text.size + 1);
    while (text.size > 0 && status == OK) {
        struct slice line = without_leading_blanks(next_line(&text));
        int first = ++number;

        if (line.size == 0 || line.data[0] == '#' || line.data[0] == '!')
            continue;
        buffer_reset(&joined);
        while (continues(line) && text.size > 0) {
            buffer_append(&joined, line.data, line.size - 1);
            line = without_leading_blanks(next_line(&text));
            number++;
        }
        if (continues(line))
            line.size--;
        buffer_append_slice(&joined, line);
        status = line_parse(properties, buffer_slice(&joined), first, error);
    }
    buffer_finish(&joined);
    return status;
}

static void append_escaped(struct buffer *out, const char *text, const char *special)
{
    for (const char *at = text; *at != '\0'; at++) {
        static const char controls[] = "\t\n\r\f", names[] = "tnrf";
        const char *control = strchr(controls, *at);

        if (control != NULL || *at == '\\' || strchr(special, *at) != NULL || (at == text && *at == ' '))
            buffer_append_u8(out, '\\');
        buffer_append_u8(out, control != NULL ? (uint8_t)names[control - controls] : (uint8_t)*at);
    }
}

void properties_append_line(struct buffer *out, const char *key, const char *value)
{
    append_escaped(out, key, " =:#!");
    buffer_append_u8(out, '=');
    append_escaped(out, value, "");
    buffer_append_u8(out, '\n');
}
