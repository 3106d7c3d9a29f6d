#include "wire/postgres/copy.h"

#include "base/banned.h"

static int octal(uint8_t byte)
{
    return byte >= '0' && byte <= '7' ? byte - '0' : -1;
}

static int hexadecimal(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The byte that the escape behind a backslash stands for; moves *from behind it. */
static uint8_t unescape(const uint8_t **from, const uint8_t *end)
{
    uint8_t byte = *(*from)++;
    int digit, value;

    switch (byte) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case 'x':
        if (*from == end || (value = hexadecimal(**from)) < 0)
            return byte;
        (*from)++;
        if (*from < end && (digit = hexadecimal(**from)) >= 0) {
            value = value << 4 | digit;
            (*from)++;
        }
        return (uint8_t)value;
    default:
        if ((value = octal(byte)) < 0)
            return byte;
        for (int i = 0; i < 2 && *from < end && (digit = octal(**from)) >= 0; i++, (*from)++)
            value = value << 3 | digit;
        return (uint8_t)value;
    }
}

/* Takes the escapes out of one field from its first backslash on; gives its new end, NULL when a backslash is the last byte. */
static uint8_t *field_unescape(uint8_t *first, const uint8_t *end)
{
    const uint8_t *from = first;
    uint8_t *to = first;

    while (from < end) {
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        if (++from == end)
            return NULL;
        *to++ = unescape(&from, end);
    }
    return to;
}

static bool field_read(uint8_t *field, size_t size, bool has_backslash, struct pg_value *value)
{
    uint8_t *end = field + size;

    if (has_backslash) {
        if (size == 2 && field[0] == '\\' && field[1] == 'N') {
            value->kind = PG_VALUE_NULL;
            value->text = slice_null();
            return true;
        }
        end = field_unescape(memchr(field, '\\', size), end);
        if (end == NULL)
            return false;
    }
    value->kind = PG_VALUE_TEXT;
    value->text = slice_of(field, (size_t)(end - field));
    return true;
}

bool copy_row_read(uint8_t *bytes, size_t size, struct pg_value *values, size_t capacity, struct pg_row *row)
{
    uint8_t *at = bytes, *end = bytes + size;
    size_t count = 0;
    bool has_backslash;

    if (size > 0 && end[-1] == '\n')
        end--;
    if (end == bytes && capacity == 0) { /* a table without columns */
        row->count = 0;
        row->values = values;
        return true;
    }
    if (memchr(bytes, '\n', (size_t)(end - bytes)) != NULL)
        return false;
    has_backslash = memchr(bytes, '\\', (size_t)(end - bytes)) != NULL;
    for (;;) {
        uint8_t *tab = memchr(at, '\t', (size_t)(end - at));
        size_t field = (size_t)((tab == NULL ? end : tab) - at);

        if (count == capacity || !field_read(at, field, has_backslash && memchr(at, '\\', field) != NULL, &values[count]))
            return false;
        count++;
        if (tab == NULL)
            break;
        at = tab + 1;
    }
    row->count = count;
    row->values = values;
    return true;
}
