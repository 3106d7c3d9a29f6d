#include "agents/ubjson.h"

#include "base/banned.h"

#include <math.h>

#define DEPTH_MAX 64

struct reader {
    struct slice bytes;
    size_t at;
    const char *failed; /* what was expected at `at` */
};

static json_t *value_read(struct reader *in, uint8_t type, int depth);

static json_t *fail(struct reader *in, const char *expected)
{
    if (in->failed == NULL)
        in->failed = expected;
    return NULL;
}

static uint8_t byte_next(struct reader *in)
{
    if (in->failed != NULL || in->at == in->bytes.size) {
        (void)fail(in, "more of the file");
        return 0;
    }
    return in->bytes.data[in->at++];
}

static bool byte_take(struct reader *in, uint8_t wanted)
{
    if (in->failed != NULL || in->at == in->bytes.size || in->bytes.data[in->at] != wanted)
        return false;
    in->at++;
    return true;
}

/* Bytes of a number; 0 for what is none. */
static size_t width_of(uint8_t type)
{
    switch (type) {
    case 'i':
    case 'U': return 1;
    case 'I': return 2;
    case 'l':
    case 'd': return 4;
    case 'L':
    case 'D': return 8;
    default: return 0;
    }
}

static uint64_t bits_next(struct reader *in, size_t width)
{
    uint64_t bits = 0;

    if (in->failed != NULL || width > in->bytes.size - in->at) {
        (void)fail(in, "more of the file");
        return 0;
    }
    for (size_t i = 0; i < width; i++)
        bits = bits << 8 | in->bytes.data[in->at++];
    return bits;
}

static json_t *number_read(struct reader *in, uint8_t type)
{
    uint64_t bits = bits_next(in, width_of(type));
    uint32_t half = (uint32_t)bits;
    double real;
    float single;

    if (in->failed != NULL)
        return NULL;
    switch (type) {
    case 'i': return json_integer((int8_t)bits);
    case 'U': return json_integer((json_int_t)bits);
    case 'I': return json_integer((int16_t)bits);
    case 'l': return json_integer((int32_t)half);
    case 'L': return json_integer((json_int_t)bits);
    case 'd':
        memcpy(&single, &half, sizeof(single));
        real = (double)single;
        break;
    default: memcpy(&real, &bits, sizeof(real));
    }
    return isfinite(real) ? json_real(real) : json_null(); /* JSON has no word for it */
}

/* A length or count: an integer of any width, and no more than what is left can hold. */
static size_t count_read(struct reader *in)
{
    uint8_t type = byte_next(in);
    json_t *number = strchr("iUIlL", type) != NULL && type != 0 ? number_read(in, type) : fail(in, "a length");
    json_int_t count = json_integer_value(number);

    json_decref(number);
    if (in->failed == NULL && (count < 0 || (uint64_t)count > in->bytes.size - in->at))
        (void)fail(in, "a length that fits into the file");
    return in->failed == NULL ? (size_t)count : 0;
}

static struct slice text_read(struct reader *in)
{
    size_t size = count_read(in);
    struct slice text = slice_of(in->bytes.data + in->at, size);

    if (in->failed == NULL && memchr(text.data, 0, text.size) != NULL)
        (void)fail(in, "a text without zero bytes");
    if (in->failed == NULL)
        in->at += size;
    return text;
}

static json_t *array_read(struct reader *in, int depth)
{
    json_t *array = json_array();
    uint8_t type = byte_take(in, '$') ? byte_next(in) : 0;
    bool counted = byte_take(in, '#');
    size_t count = counted ? count_read(in) : 0;

    if (type != 0 && (!counted || width_of(type) == 0 || count > (in->bytes.size - in->at) / width_of(type)))
        (void)fail(in, "a list of numbers that fits into the file");
    for (size_t i = 0; in->failed == NULL && (counted ? i < count : !byte_take(in, ']')); i++) {
        json_t *item = value_read(in, type != 0 ? type : byte_next(in), depth + 1);

        if (item != NULL)
            (void)json_array_append_new(array, item);
    }
    return array;
}

static json_t *object_read(struct reader *in, int depth)
{
    json_t *object = json_object();

    if (byte_take(in, '$') || byte_take(in, '#'))
        (void)fail(in, "an object without a count");
    while (in->failed == NULL && !byte_take(in, '}')) {
        struct slice name = text_read(in);
        uint8_t type = byte_next(in);
        json_t *item = value_read(in, type, depth + 1);

        if (item != NULL && json_object_setn_new(object, (const char *)name.data, name.size, item) != 0)
            (void)fail(in, "a name in UTF-8");
    }
    return object;
}

/* NULL when it failed. */
static json_t *value_read(struct reader *in, uint8_t type, int depth)
{
    json_t *value = NULL;
    struct slice text;

    if (in->failed != NULL)
        return NULL;
    if (depth > DEPTH_MAX)
        return fail(in, "less depth");
    if (width_of(type) > 0) {
        value = number_read(in, type);
    } else if (type == '{') {
        value = object_read(in, depth);
    } else if (type == '[') {
        value = array_read(in, depth);
    } else if (type == 'S') {
        text = text_read(in);
        value = in->failed == NULL ? json_stringn((const char *)text.data, text.size) : NULL;
        if (value == NULL)
            (void)fail(in, "a text in UTF-8");
    } else if (type == 'T' || type == 'F') {
        value = json_boolean(type == 'T');
    } else if (type == 'Z') {
        value = json_null();
    } else {
        value = fail(in, "a value");
    }
    if (in->failed == NULL)
        return value;
    json_decref(value);
    return NULL;
}

enum status ubjson_read(struct slice bytes, json_t **root, struct error *error)
{
    struct reader in = {.bytes = bytes};

    *root = value_read(&in, byte_next(&in), 0);
    if (in.failed == NULL && in.at != bytes.size)
        (void)fail(&in, "the end of the file");
    if (in.failed == NULL)
        return OK;
    json_decref(*root);
    *root = NULL;
    return error_set(error, ERROR_BAD_INPUT, "at byte %zu: expected %s", in.at, in.failed);
}
