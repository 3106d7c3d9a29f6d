#include "wire/debezium/encoder.h"

#include "base/banned.h"
#include "base/text.h"
#include "base/time.h"
#include "wire/json/text.h"
#include "wire/postgres/value.h"

/* Source: org.apache.kafka.connect.data.Values.convertToString. */

#define DECIMAL_BYTES_MAX 100000

static bool take(struct slice *rest, char byte)
{
    if (rest->size == 0 || rest->data[0] != (uint8_t)byte)
        return false;
    *rest = slice_from(*rest, 1);
    return true;
}

/* A JSON string off the front, without its quotes. */
static bool take_string(struct slice *rest, struct slice *inside)
{
    if (!take(rest, '"'))
        return false;
    for (size_t i = 0; i < rest->size; i++) {
        if (rest->data[i] == '\\') {
            i++;
        } else if (rest->data[i] == '"') {
            *inside = slice_of(rest->data, i);
            *rest = slice_from(*rest, i + 1);
            return true;
        }
    }
    return false;
}

/* A number or a word off the front. */
static struct slice take_bare(struct slice *rest)
{
    size_t size = 0;
    struct slice bare;

    while (size < rest->size && strchr(",]}", rest->data[size]) == NULL)
        size++;
    bare = slice_of(rest->data, size);
    *rest = slice_from(*rest, size);
    return bare;
}

/* Quoted, with backslashes and quotes escaped and nothing else. */
static void append_quoted(struct buffer *out, struct slice text)
{
    buffer_append_u8(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            buffer_append_u8(out, '\\');
        buffer_append_u8(out, text.data[i]);
    }
    buffer_append_u8(out, '"');
}

/* ---- Decimals: base64 of two's complement bytes to BigDecimal.toString ---- */

/* Divides big-endian bytes by 10; gives the remainder. */
static unsigned divide_by_10(uint8_t *bytes, size_t size)
{
    unsigned rest = 0;

    for (size_t i = 0; i < size; i++) {
        rest = rest << 8 | bytes[i];
        bytes[i] = (uint8_t)(rest / 10);
        rest %= 10;
    }
    return rest;
}

static void negate(uint8_t *bytes, size_t size)
{
    unsigned carry = 1;

    for (size_t i = size; i-- > 0;) {
        carry += (uint8_t)~bytes[i];
        bytes[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* The decimal digits of the absolute value into `digits`, the last one first. Destroys the bytes. */
static void to_digits(uint8_t *bytes, size_t size, struct buffer *digits)
{
    buffer_reset(digits);
    do {
        buffer_append_u8(digits, (uint8_t)('0' + divide_by_10(bytes, size)));
    } while (!is_zero(bytes, size) && !digits->failed);
}

static bool append_decimal(struct value_scratch *scratch, struct slice base64, int32_t scale, struct buffer *out)
{
    struct buffer *bytes = &scratch->bytes, *digits = &scratch->text;
    int64_t exponent;

    buffer_reset(bytes);
    if (!base64_decode(bytes, base64) || bytes->size == 0 || bytes->size > DECIMAL_BYTES_MAX)
        return false;
    if ((bytes->data[0] & 0x80) != 0) {
        negate(bytes->data, bytes->size);
        buffer_append_u8(out, '-');
    }
    to_digits(bytes->data, bytes->size, digits);
    exponent = (int64_t)digits->size - 1 - scale;
    if (exponent < -6) {
        for (size_t i = digits->size; i-- > 0;) {
            buffer_append_u8(out, digits->data[i]);
            if (i + 1 == digits->size && i > 0)
                buffer_append_u8(out, '.');
        }
        buffer_append_format(out, "E%lld", (long long)exponent);
        return true;
    }
    while (digits->size <= (size_t)scale)
        buffer_append_u8(digits, '0');
    for (size_t i = digits->size; i-- > 0;) {
        buffer_append_u8(out, digits->data[i]);
        if (i == (size_t)scale && i > 0)
            buffer_append_u8(out, '.');
    }
    return true;
}

static bool decimal_scale(const struct connect_schema *schema, int32_t *scale)
{
    for (const struct connect_parameter *p = schema->parameters; p != NULL; p = p->next) {
        if (strcmp(p->key, "scale") == 0)
            return text_parse_int32(slice_from_string(p->value), scale) && *scale >= 0;
    }
    return false;
}

/* ---- Connect's own dates: java.util.Date with a pattern that depends on the value ---- */

static bool append_date(int64_t ms, struct buffer *out)
{
    int64_t days = ms >= 0 ? ms / MS_PER_DAY : -((-ms + MS_PER_DAY - 1) / MS_PER_DAY), of_day = ms - days * MS_PER_DAY, year;
    unsigned month, day;

    civil_from_days(days, &year, &month, &day);
    if (ms >= MS_PER_DAY)
        buffer_append_format(out, "%04lld-%02u-%02u", (long long)(year > 0 ? year : 1 - year), month, day);
    if (ms >= MS_PER_DAY && of_day == 0)
        return true;
    buffer_append_format(out, "%s%02d:%02d:%02d.%03dZ", ms >= MS_PER_DAY ? "T" : "", (int)(of_day / 3600000), (int)(of_day / 60000 % 60),
                         (int)(of_day / 1000 % 60), (int)(of_day % 1000));
    return true;
}

static bool append_logical_date(const struct connect_schema *schema, struct slice number, struct buffer *out)
{
    int64_t value;

    if (!text_parse_int64(number, &value))
        return false;
    return append_date(strcmp(schema->name, "org.apache.kafka.connect.data.Date") == 0 ? value * MS_PER_DAY : value, out);
}

static bool is_connect_date(const struct connect_schema *schema)
{
    return schema->name != NULL && (strcmp(schema->name, "org.apache.kafka.connect.data.Date") == 0 ||
                                    strcmp(schema->name, "org.apache.kafka.connect.data.Time") == 0 ||
                                    strcmp(schema->name, "org.apache.kafka.connect.data.Timestamp") == 0);
}

/* ---- Values ---- */

static bool append_value(struct value_scratch *scratch, const struct connect_schema *schema, struct slice *json, struct buffer *out);

static bool append_string(struct value_scratch *scratch, struct slice *json, struct buffer *out)
{
    struct slice inside;

    buffer_reset(&scratch->text);
    if (!take_string(json, &inside) || !json_unescape(&scratch->text, inside))
        return false;
    append_quoted(out, scratch->text.data == NULL ? slice_from_string("") : buffer_slice(&scratch->text));
    return true;
}

static bool append_bytes(struct value_scratch *scratch, const struct connect_schema *schema, struct slice *json, struct buffer *out)
{
    bool is_decimal = schema->name != NULL && strcmp(schema->name, "org.apache.kafka.connect.data.Decimal") == 0;
    struct slice inside;
    int32_t scale = 0;

    if (is_decimal && json->size > 0 && json->data[0] != '"') { /* decimal.format=NUMERIC: printed already */
        buffer_append_slice(out, take_bare(json));
        return true;
    }
    if (!take_string(json, &inside))
        return false;
    if (is_decimal)
        return decimal_scale(schema, &scale) && append_decimal(scratch, inside, scale, out);
    append_quoted(out, inside);
    return true;
}

static bool append_list(struct value_scratch *scratch, const struct connect_schema *schema, struct slice *json, struct buffer *out)
{
    if (!take(json, '['))
        return false;
    buffer_append_u8(out, '[');
    for (bool first = true; !take(json, ']'); first = false) {
        if (!first) {
            if (!take(json, ','))
                return false;
            buffer_append_u8(out, ',');
        }
        if (!append_value(scratch, schema->items, json, out))
            return false;
    }
    buffer_append_u8(out, ']');
    return true;
}

/* A struct, or a map whose keys are strings. */
static bool append_members(struct value_scratch *scratch, const struct connect_schema *schema, struct slice *json, struct buffer *out)
{
    size_t field = 0;

    if (!take(json, '{'))
        return false;
    buffer_append_u8(out, '{');
    for (bool first = true; !take(json, '}'); first = false) {
        const struct connect_schema *member = schema->items;

        if (schema->type == CONNECT_STRUCT) {
            if (field == schema->field_count)
                return false;
            member = schema->fields[field++].schema;
        }
        if (!first) {
            if (!take(json, ','))
                return false;
            buffer_append_u8(out, ',');
        }
        if (!append_string(scratch, json, out) || !take(json, ':'))
            return false;
        buffer_append_u8(out, ':');
        if (!append_value(scratch, member, json, out))
            return false;
    }
    buffer_append_u8(out, '}');
    return true;
}

static bool append_value(struct value_scratch *scratch, const struct connect_schema *schema, struct slice *json, struct buffer *out)
{
    struct slice bare;

    if (json->size >= 4 && memcmp(json->data, "null", 4) == 0) {
        buffer_append_slice(out, take_bare(json));
        return true;
    }
    switch (schema->type) {
    case CONNECT_STRING: return append_string(scratch, json, out);
    case CONNECT_BYTES: return append_bytes(scratch, schema, json, out);
    case CONNECT_ARRAY: return append_list(scratch, schema, json, out);
    case CONNECT_MAP:
    case CONNECT_STRUCT: return append_members(scratch, schema, json, out);
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64:
        if (json->size > 0 && json->data[0] == '"') { /* "NaN" */
            if (!take_string(json, &bare))
                return false;
            buffer_append_slice(out, bare);
            return true;
        }
        break;
    default: break;
    }
    bare = take_bare(json);
    if (is_connect_date(schema))
        return append_logical_date(schema, bare, out);
    buffer_append_slice(out, bare);
    return bare.size > 0;
}

bool header_append_value(struct value_scratch *scratch, const struct connect_schema *schema, struct slice json, struct buffer *out)
{
    return append_value(scratch, schema, &json, out) && json.size == 0 && !out->failed;
}

bool header_append_plain(struct value_scratch *scratch, const struct connect_schema *schema, struct slice json, struct buffer *out)
{
    bool is_decimal = schema->name != NULL && strcmp(schema->name, "org.apache.kafka.connect.data.Decimal") == 0;
    struct slice inside;

    if (json.size > 0 && json.data[0] == '"' && (schema->type == CONNECT_STRING || (schema->type == CONNECT_BYTES && !is_decimal)))
        return take_string(&json, &inside) && json.size == 0 && json_unescape(out, inside) && !out->failed;
    return header_append_value(scratch, schema, json, out);
}
