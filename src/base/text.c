#include "base/text.h"

#include "base/banned.h"

#include <errno.h>

bool text_parse_int64(struct slice text, int64_t *value)
{
    size_t at = 0;
    bool negative = false;
    int64_t sum = 0;

    if (text.size > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        negative = text.data[0] == '-';
        at = 1;
    }
    if (at == text.size)
        return false;
    for (; at < text.size; at++) {
        int digit = text.data[at] - '0';

        if (digit < 0 || digit > 9 || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, negative ? -digit : digit, &sum))
            return false;
    }
    *value = sum;
    return true;
}

bool text_parse_int32(struct slice text, int32_t *value)
{
    int64_t wide;

    if (!text_parse_int64(text, &wide) || wide < INT32_MIN || wide > INT32_MAX)
        return false;
    *value = (int32_t)wide;
    return true;
}

bool text_parse_double(struct slice text, double *value)
{
    char copy[64];
    char *end;

    if (text.size == 0 || text.size >= sizeof(copy) || text.data[0] <= ' ')
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    errno = 0;
    *value = strtod(copy, &end);
    return *end == '\0' && end == copy + text.size && errno == 0;
}

static bool equal_ignoring_case(struct slice text, const char *word)
{
    size_t size = strlen(word);

    if (text.size != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        if ((text.data[i] | 0x20) != word[i])
            return false;
    }
    return true;
}

bool text_parse_bool(struct slice text, bool *value)
{
    *value = equal_ignoring_case(text, "true");
    return *value || equal_ignoring_case(text, "false");
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

struct slice text_trim(struct slice text)
{
    while (text.size > 0 && is_space(text.data[0]))
        text = slice_of(text.data + 1, text.size - 1);
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

bool text_next_field(struct slice *rest, char separator, struct slice *field)
{
    const uint8_t *end;

    if (rest->data == NULL || rest->size == 0)
        return false;
    end = memchr(rest->data, separator, rest->size);
    if (end == NULL) {
        *field = *rest;
        *rest = slice_null();
    } else {
        *field = slice_of(rest->data, (size_t)(end - rest->data));
        *rest = slice_from(*rest, field->size + 1);
    }
    return true;
}

size_t text_distance(const char *a, const char *b)
{
    size_t row[129];
    size_t a_size = strnlen(a, 128);
    size_t b_size = strnlen(b, 128);

    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b_size];
}

void text_nearest_init(struct text_nearest *nearest, const char *wanted)
{
    *nearest = (struct text_nearest){.wanted = wanted, .distance = SIZE_MAX};
}

void text_nearest_offer(struct text_nearest *nearest, const char *candidate)
{
    size_t distance = text_distance(nearest->wanted, candidate);

    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->best = candidate;
    }
}

const char *text_nearest_found(const struct text_nearest *nearest)
{
    size_t tolerated = strlen(nearest->wanted) / 3;

    return nearest->best != NULL && nearest->distance <= (tolerated < 2 ? 2 : tolerated) ? nearest->best : NULL;
}

size_t text_character_size(uint8_t first)
{
    return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t text_character(struct slice text, uint32_t *code)
{
    size_t size = text_character_size(text.data[0]);

    if (size > text.size)
        size = text.size;
    *code = size == 1 ? text.data[0] : text.data[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++)
        *code = *code << 6 | (text.data[i] & 0x3fu);
    return size;
}

bool text_is_utf8(struct slice text)
{
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.size;

    while (at < end) {
        uint8_t first = *at++;
        int more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : (first & 0xf0) == 0xe0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : -1;

        if (more < 0 || end - at < more)
            return false;
        if ((more == 2 && ((first == 0xe0 && at[0] < 0xa0) || (first == 0xed && at[0] >= 0xa0))) ||
            (more == 3 && ((first == 0xf0 && at[0] < 0x90) || (first == 0xf4 && at[0] >= 0x90))))
            return false;
        for (; more > 0; more--) {
            if ((*at++ & 0xc0) != 0x80)
                return false;
        }
    }
    return true;
}
