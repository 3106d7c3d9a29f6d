#include "wire/debezium/column.h"

#include "base/banned.h"
#include "base/text.h"
#include "wire/debezium/oid.h"
#include "wire/postgres/value.h"

/* Source: PostgresDefaultValueConverter. Its regular expressions are written out by hand here. */

static bool is_word(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_' || byte == '.';
}

/* ^[(]?[A-Za-z0-9_.]+\((?:.+(?:, ?.+)*)?\)  found at the front */
static bool is_function_call(struct slice text)
{
    size_t at = text.size > 0 && text.data[0] == '(', start = at;

    while (at < text.size && is_word(text.data[at]))
        at++;
    return at > start && at < text.size && text.data[at] == '(' && memchr(text.data + at, ')', text.size - at) != NULL;
}

static bool is_current_time(struct slice text)
{
    static const char *const names[] = {"current_timestamp", "current_time", "current_date", "localtime", "localtimestamp"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (text.size == strlen(names[i]) && strncasecmp((const char *)text.data, names[i], text.size) == 0)
            return true;
    }
    return false;
}

/*
 * The first run between single quotes; an expression without quotes as it is; the stand-in for a call.
 * False: NULL::type, or a quote that opens only.
 */
static bool extract(struct slice expression, const char *generated, struct slice *text)
{
    const uint8_t *open, *close;

    if (is_function_call(expression) || is_current_time(expression)) {
        *text = slice_from_string(generated);
        return true;
    }
    open = memchr(expression.data, '\'', expression.size);
    if (open == NULL) {
        *text = expression;
        return !(expression.size >= 6 && memcmp(expression.data, "NULL::", 6) == 0);
    }
    close = memchr(open + 1, '\'', expression.size - (size_t)(open + 1 - expression.data));
    if (close == NULL)
        return false;
    *text = slice_of(open + 1, (size_t)(close - open) - 1);
    return true;
}

static bool starts_with_null_cast(struct slice expression)
{
    return expression.size >= 6 && memcmp(expression.data, "NULL::", 6) == 0;
}

/* ---- Enumerations ---- */

/* Takes the schema off a type's name, and the double quotes. */
static struct slice bare_type_name(struct slice name)
{
    bool quoted = false;
    size_t start = 0;

    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '"')
            quoted = !quoted;
        else if (name.data[i] == '.' && !quoted)
            start = i + 1;
    }
    name = slice_from(name, start);
    if (name.size >= 2 && name.data[0] == '"' && name.data[name.size - 1] == '"')
        name = slice_of(name.data + 1, name.size - 2);
    return name;
}

/* 'label'::type: the label as it stands, quotes doubled and all. */
static bool enum_default(const struct pg_type *type, struct slice expression, struct slice *text)
{
    size_t at = expression.size;
    struct slice front;

    while (at >= 2 && memcmp(expression.data + at - 2, "::", 2) != 0)
        at--;
    if (at < 2 || !slice_equal_string(bare_type_name(slice_from(expression, at)), type->name))
        return false;
    front = slice_of(expression.data, at - 2);
    if (front.size < 2 || front.data[0] != '\'' || front.data[front.size - 1] != '\'')
        return false;
    *text = slice_of(front.data + 1, front.size - 2);
    return true;
}

/* ---- Other types ---- */

static bool whole_number(struct slice text, int64_t min, int64_t max)
{
    int64_t value;

    return text_parse_int64(text, &value) && value >= min && value <= max;
}

/* Whole numbers as Java prints them back. */
static bool integer_default(struct arena *arena, struct slice expression, int64_t min, int64_t max, struct slice *text)
{
    int64_t value;

    if (starts_with_null_cast(expression) || !extract(expression, "0", text) || !whole_number(*text, min, max))
        return false;
    (void)text_parse_int64(*text, &value);
    *text = slice_from_string(arena_format(arena, "%lld", (long long)value));
    return true;
}

/* new BigDecimal(text): an exponent is turned into plain digits. */
static bool numeric_default(struct slice expression, struct slice *text)
{
    struct pg_numeric numeric;

    return !starts_with_null_cast(expression) && extract(expression, "0.0", text) && pg_numeric_read(*text, &numeric) &&
           numeric.special == PG_NUMBER;
}

static bool float_default(struct slice expression, struct slice *text)
{
    double value;

    if (starts_with_null_cast(expression) || !extract(expression, "0.0", text))
        return false;
    return slice_equal_string(*text, "NaN") || slice_equal_string(*text, "Infinity") || slice_equal_string(*text, "-Infinity") ||
           text_parse_double(*text, &value);
}

static bool boolean_default(struct slice expression, struct slice *text)
{
    if (starts_with_null_cast(expression) || !extract(expression, "false", text))
        return false;
    *text = slice_from_string(text->size == 4 && strncasecmp((const char *)text->data, "true", 4) == 0 ? "t" : "f");
    return true;
}

/* A bit string of length 1 counts as a boolean, of which bit(n) makes one byte. */
static bool bit_default(struct slice expression, struct slice *text)
{
    return extract(expression, "00", text);
}

static bool uuid_default(struct arena *arena, struct slice expression, struct slice *text)
{
    char *lower;

    if (!extract(expression, "00000000-0000-0000-0000-000000000000", text) || text->size != 36)
        return false;
    lower = arena_copy_string(arena, *text);
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (lower[i] >= 'A' && lower[i] <= 'F')
            lower[i] = (char)(lower[i] + 32);
        if (dash ? lower[i] != '-' : strchr("0123456789abcdef", lower[i]) == NULL)
            return false;
    }
    *text = slice_from_string(lower);
    return true;
}

/* Debezium's parser also takes less than the server prints: "1970-01-01" stands in for a timestamp. */
static bool timestamp_default(struct slice expression, const char *generated, struct slice *text)
{
    struct pg_timestamp timestamp;

    return extract(expression, generated, text) && !slice_equal_string(*text, "infinity") && !slice_equal_string(*text, "-infinity") &&
           (pg_timestamp_read(*text, false, &timestamp) || pg_timestamp_read(*text, true, &timestamp));
}

static bool date_default(struct slice expression, struct slice *text)
{
    struct pg_timestamp date;

    return extract(expression, "1970-01-01", text) && pg_date_read(*text, &date) && date.infinity == 0;
}

static bool time_default(struct slice expression, struct slice *text)
{
    struct pg_timestamp time;

    return extract(expression, "00:00:00", text) && pg_time_read(*text, false, &time);
}

static bool interval_default(struct slice expression, struct slice *text)
{
    struct pg_interval interval;

    return extract(expression, "00:00:00", text) && pg_interval_read(*text, &interval);
}

bool default_text(struct arena *arena, const struct pg_type *type, const char *expression, struct slice *text)
{
    struct slice given = slice_from_string(expression);
    struct slice trimmed = text_trim(given);

    if (type->kind == 'e')
        return enum_default(type, given, text);
    switch (type->oid) {
    case OID_BIT: return bit_default(trimmed, text);
    case OID_VARBIT: return extract(trimmed, "0", text);
    case OID_BOOL: return boolean_default(trimmed, text);
    case OID_BPCHAR:
    case OID_VARCHAR:
    case OID_TEXT:
    case OID_XML: return extract(given, "", text);
    case OID_JSON:
    case OID_JSONB: return extract(given, "{}", text);
    case OID_NUMERIC: return numeric_default(trimmed, text);
    case OID_FLOAT4:
    case OID_FLOAT8: return float_default(trimmed, text);
    case OID_INT2: return integer_default(arena, trimmed, INT16_MIN, INT16_MAX, text);
    case OID_INT4: return integer_default(arena, trimmed, INT32_MIN, INT32_MAX, text);
    case OID_INT8: return integer_default(arena, trimmed, INT64_MIN, INT64_MAX, text);
    case OID_UUID: return uuid_default(arena, trimmed, text);
    case OID_DATE: return date_default(trimmed, text);
    case OID_TIME: return time_default(trimmed, text);
    case OID_TIMESTAMP: return timestamp_default(trimmed, "1970-01-01 00:00:00", text);
    case OID_TIMESTAMPTZ: return timestamp_default(trimmed, "1970-01-01 00:00:00+00", text);
    case OID_INTERVAL: return interval_default(trimmed, text);
    default: return false;
    }
}
