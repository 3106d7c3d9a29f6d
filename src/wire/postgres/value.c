#include "wire/postgres/value.h"

#include "base/banned.h"
#include "base/time.h"

#define MICROS_PER_DAY (86400 * US_PER_SECOND)
#define YEAR_MAX 10000000 /* PostgreSQL ends at 5874897 */

struct cursor {
    const uint8_t *at, *end;
};

static struct cursor cursor_of(struct slice text)
{
    struct cursor in = {text.data, text.data + text.size};

    return in;
}

static bool take(struct cursor *in, char byte)
{
    if (in->at == in->end || *in->at != (uint8_t)byte)
        return false;
    in->at++;
    return true;
}

static bool take_word(struct cursor *in, const char *word)
{
    size_t size = strlen(word);

    if ((size_t)(in->end - in->at) < size || memcmp(in->at, word, size) != 0)
        return false;
    in->at += size;
    return true;
}

/* Between digits_min and digits_max digits. */
static bool take_digits(struct cursor *in, size_t digits_min, size_t digits_max, int64_t *value)
{
    size_t digits = 0;

    *value = 0;
    for (; in->at < in->end && digits < digits_max && *in->at >= '0' && *in->at <= '9'; digits++)
        *value = *value * 10 + (*in->at++ - '0');
    return digits >= digits_min;
}

/* ".123" as micros; nothing there is fine. Digits past the sixth are cut. */
static bool take_fraction(struct cursor *in, int64_t *micros)
{
    int64_t unit = 100000;

    *micros = 0;
    if (!take(in, '.'))
        return true;
    if (in->at == in->end || *in->at < '0' || *in->at > '9')
        return false;
    for (; in->at < in->end && *in->at >= '0' && *in->at <= '9'; unit /= 10)
        *micros += (*in->at++ - '0') * unit;
    return true;
}

/* ---- Dates and times ---- */

/* YYYY-MM-DD, more digits for far years. */
static bool take_date(struct cursor *in, int64_t *year, int64_t *month, int64_t *day)
{
    return take_digits(in, 4, 8, year) && take(in, '-') && take_digits(in, 2, 2, month) && take(in, '-') && take_digits(in, 2, 2, day) &&
           *year >= 1 && *year <= YEAR_MAX && *month >= 1 && *month <= 12 && *day >= 1 && *day <= 31;
}

/* HH:MM:SS.ffffff up to 24:00:00, and "+HH", "+HH:MM" or "+HH:MM:SS". */
static bool take_time(struct cursor *in, bool with_zone, struct pg_timestamp *time)
{
    int64_t hours, minutes, seconds, micros, offset_hours, offset_minutes = 0, offset_seconds = 0;
    bool negative;

    if (!take_digits(in, 2, 2, &hours) || !take(in, ':') || !take_digits(in, 2, 2, &minutes) || !take(in, ':') ||
        !take_digits(in, 2, 2, &seconds) || !take_fraction(in, &micros))
        return false;
    time->micros = ((hours * 60 + minutes) * 60 + seconds) * US_PER_SECOND + micros;
    if (minutes > 59 || seconds > 59 || time->micros > MICROS_PER_DAY)
        return false;
    if (!with_zone)
        return true;
    negative = in->at < in->end && *in->at == '-';
    if (!take(in, negative ? '-' : '+') || !take_digits(in, 2, 2, &offset_hours))
        return false;
    if (take(in, ':')) {
        if (!take_digits(in, 2, 2, &offset_minutes) || (take(in, ':') && !take_digits(in, 2, 2, &offset_seconds)))
            return false;
    }
    time->offset_seconds = (int32_t)((offset_hours * 60 + offset_minutes) * 60 + offset_seconds);
    if (negative)
        time->offset_seconds = -time->offset_seconds;
    return true;
}

static bool is_infinity(struct slice text, struct pg_timestamp *timestamp)
{
    if (slice_equal_string(text, "infinity"))
        timestamp->infinity = 1;
    else if (slice_equal_string(text, "-infinity"))
        timestamp->infinity = -1;
    return timestamp->infinity != 0;
}

static void set_days(struct pg_timestamp *timestamp, struct cursor *in, int64_t year, int64_t month, int64_t day)
{
    timestamp->before_christ = take_word(in, " BC");
    timestamp->days = days_from_civil(timestamp->before_christ ? 1 - year : year, (unsigned)month, (unsigned)day);
}

bool pg_date_read(struct slice text, struct pg_timestamp *date)
{
    struct cursor in = cursor_of(text);
    int64_t year, month, day;

    memset(date, 0, sizeof(*date));
    if (!take_date(&in, &year, &month, &day))
        return is_infinity(text, date);
    set_days(date, &in, year, month, day);
    return in.at == in.end;
}

bool pg_time_read(struct slice text, bool with_zone, struct pg_timestamp *time)
{
    struct cursor in = cursor_of(text);

    memset(time, 0, sizeof(*time));
    return take_time(&in, with_zone, time) && in.at == in.end;
}

bool pg_timestamp_read(struct slice text, bool with_zone, struct pg_timestamp *timestamp)
{
    struct cursor in = cursor_of(text);
    int64_t year, month, day;

    memset(timestamp, 0, sizeof(*timestamp));
    if (!take_date(&in, &year, &month, &day))
        return is_infinity(text, timestamp);
    if (!take(&in, ' ') || !take_time(&in, with_zone, timestamp))
        return false;
    set_days(timestamp, &in, year, month, day);
    return in.at == in.end;
}

/* The part behind years, months and days: "-04:05:06.789". */
static bool take_clock(struct cursor *in, bool negative, struct pg_interval *interval)
{
    int64_t seconds, micros, sign = negative ? -1 : 1;

    if (!take_digits(in, 1, 12, &interval->hours) || !take(in, ':') || !take_digits(in, 2, 2, &interval->minutes) || !take(in, ':') ||
        !take_digits(in, 2, 2, &seconds) || !take_fraction(in, &micros))
        return false;
    interval->hours *= sign;
    interval->minutes *= sign;
    interval->micros = sign * (seconds * US_PER_SECOND + micros);
    return true;
}

bool pg_interval_read(struct slice text, struct pg_interval *interval)
{
    struct cursor in = cursor_of(text);

    memset(interval, 0, sizeof(*interval));
    if (text.size == 0)
        return false;
    for (;;) {
        struct cursor number = in, clock;
        int64_t value;
        bool negative = number.at < number.end && *number.at == '-';

        if (negative || (number.at < number.end && *number.at == '+'))
            number.at++;
        clock = number;
        if (!take_digits(&number, 1, 12, &value))
            return false;
        if (number.at < number.end && *number.at == ':') {
            in = clock;
            return take_clock(&in, negative, interval) && in.at == in.end;
        }
        if (negative)
            value = -value;
        in = number;
        if (take_word(&in, " years") || take_word(&in, " year"))
            interval->years = value;
        else if (take_word(&in, " mons") || take_word(&in, " mon"))
            interval->months = value;
        else if (take_word(&in, " days") || take_word(&in, " day"))
            interval->days = value;
        else
            return false;
        if (in.at == in.end)
            return true;
        if (!take(&in, ' '))
            return false;
    }
}

/* ---- Numbers ---- */

static struct slice take_all_digits(struct cursor *in)
{
    const uint8_t *start = in->at;

    while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
        in->at++;
    return slice_of(start, (size_t)(in->at - start));
}

bool pg_numeric_read(struct slice text, struct pg_numeric *numeric)
{
    struct cursor in = cursor_of(text);

    memset(numeric, 0, sizeof(*numeric));
    numeric->negative = take(&in, '-');
    numeric->whole = take_all_digits(&in);
    numeric->fraction = slice_of(in.at, 0);
    if (numeric->whole.size > 0) {
        if (take(&in, '.')) {
            numeric->fraction = take_all_digits(&in);
            if (numeric->fraction.size == 0)
                return false;
        }
        return in.at == in.end;
    }
    if (slice_equal_string(text, "NaN"))
        numeric->special = PG_NAN;
    else if (slice_equal_string(text, "Infinity"))
        numeric->special = PG_INFINITY;
    else if (slice_equal_string(text, "-Infinity"))
        numeric->special = PG_MINUS_INFINITY;
    return numeric->special != PG_NUMBER;
}

bool pg_integer_read(struct slice text, int64_t *value)
{
    struct cursor in = cursor_of(text);
    bool negative = take(&in, '-');
    uint64_t sum = 0;

    if (in.at == in.end || in.end - in.at > 19)
        return false;
    for (; in.at < in.end; in.at++) {
        if (*in.at < '0' || *in.at > '9')
            return false;
        sum = sum * 10 + (*in.at - '0');
    }
    if (sum > (uint64_t)INT64_MAX + negative)
        return false;
    *value = (int64_t)(negative ? 0 - sum : sum);
    return true;
}

/* ---- Others ---- */

static const int8_t hex_values[256] = {['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
                                       ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
                                       ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16}; /* plus one: 0 is none */

bool pg_bytea_read(struct slice text, struct buffer *out)
{
    size_t size;
    uint8_t *to;

    if (text.size < 2 || text.size % 2 != 0 || text.data[0] != '\\' || text.data[1] != 'x')
        return false;
    size = text.size / 2 - 1;
    to = buffer_reserve(out, size);
    if (to == NULL)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_values[text.data[2 + 2 * i]], low = hex_values[text.data[3 + 2 * i]];

        if (high == 0 || low == 0)
            return false;
        to[i] = (uint8_t)((high - 1) << 4 | (low - 1));
    }
    out->size += size;
    return true;
}

/* ---- Arrays and hstore ---- */

bool pg_array_start(struct pg_array_reader *reader, struct slice text, char delimiter)
{
    memset(reader, 0, sizeof(*reader));
    if (text.size > 0 && text.data[0] == '[') { /* "[2:3][1:2]={…" */
        const uint8_t *equals = memchr(text.data, '=', text.size);

        if (equals == NULL)
            return false;
        text = slice_from(text, (size_t)(equals - text.data) + 1);
    }
    if (text.size < 2 || text.data[0] != '{' || text.data[text.size - 1] != '}')
        return false;
    reader->rest = slice_of(text.data + 1, text.size - 1);
    reader->delimiter = delimiter;
    reader->first = true;
    return true;
}

/* A double-quoted text from its first byte on, backslashes taken out; gives the bytes behind it, or NULL when it does not end. */
static const uint8_t *quoted_read(const uint8_t *at, const uint8_t *end, struct buffer *unescaped, struct slice *content)
{
    const uint8_t *start = ++at;

    while (at < end && *at != '"' && *at != '\\')
        at++;
    if (at < end && *at == '"') {
        *content = slice_of(start, (size_t)(at - start));
        return at + 1;
    }
    buffer_reset(unescaped);
    buffer_append(unescaped, start, (size_t)(at - start));
    while (at < end && *at != '"') {
        if (*at == '\\' && ++at == end)
            return NULL;
        buffer_append_u8(unescaped, *at++);
    }
    if (at == end || unescaped->failed)
        return NULL;
    *content = buffer_slice(unescaped);
    return at + 1;
}

/* The end of an inner array that begins at `at`; NULL when its braces do not match. */
static const uint8_t *skip_nested(const uint8_t *at, const uint8_t *end)
{
    size_t depth = 0;
    bool quoted = false;

    for (; at < end; at++) {
        if (*at == '\\') {
            if (++at == end)
                return NULL;
        } else if (*at == '"') {
            quoted = !quoted;
        } else if (!quoted && *at == '{') {
            depth++;
        } else if (!quoted && *at == '}' && --depth == 0) {
            return at + 1;
        }
    }
    return NULL;
}

static enum pg_next bare_read(const uint8_t **at, const uint8_t *end, char delimiter, struct buffer *unescaped, struct slice *element)
{
    const uint8_t *start = *at, *stop = start;
    bool escaped = false;

    for (; stop < end && *stop != (uint8_t)delimiter && *stop != '}'; stop++) {
        if (*stop == '\\') {
            escaped = true;
            if (++stop == end)
                return PG_NEXT_BROKEN;
        }
    }
    if (stop == start || stop == end)
        return PG_NEXT_BROKEN;
    *at = stop;
    *element = slice_of(start, (size_t)(stop - start));
    if (!escaped && element->size == 4 && strncasecmp((const char *)start, "NULL", 4) == 0)
        return PG_NEXT_NULL;
    if (escaped) {
        buffer_reset(unescaped);
        for (; start < stop; start++) {
            start += *start == '\\';
            buffer_append_u8(unescaped, *start);
        }
        *element = buffer_slice(unescaped);
    }
    return PG_NEXT_ELEMENT;
}

enum pg_next pg_array_next(struct pg_array_reader *reader, struct buffer *unescaped, struct slice *element)
{
    const uint8_t *at = reader->rest.data, *end = at + reader->rest.size;
    enum pg_next next = PG_NEXT_ELEMENT;

    if (at == end)
        return PG_NEXT_BROKEN;
    if (*at == '}')
        return at + 1 == end ? PG_NEXT_END : PG_NEXT_BROKEN;
    if (!reader->first && *at++ != (uint8_t)reader->delimiter)
        return PG_NEXT_BROKEN;
    if (at == end)
        return PG_NEXT_BROKEN;
    reader->first = false;
    reader->nested = *at == '{';
    if (reader->nested) {
        const uint8_t *start = at;

        at = skip_nested(at, end);
        if (at != NULL)
            *element = slice_of(start, (size_t)(at - start));
    } else if (*at == '"') {
        at = quoted_read(at, end, unescaped, element);
    } else {
        next = bare_read(&at, end, reader->delimiter, unescaped, element);
    }
    if (at == NULL || next == PG_NEXT_BROKEN)
        return PG_NEXT_BROKEN;
    reader->rest = slice_of(at, (size_t)(end - at));
    return next;
}

/* A quoted text of an hstore, copied into `out`. */
static const uint8_t *hstore_text(const uint8_t *at, const uint8_t *end, struct buffer *out)
{
    struct slice content;

    if (at == end || *at != '"')
        return NULL;
    at = quoted_read(at, end, out, &content);
    if (at != NULL && content.data != out->data) {
        buffer_reset(out);
        buffer_append_slice(out, content);
    }
    return at;
}

enum pg_next pg_hstore_next(struct slice *rest, struct buffer *key, struct buffer *value, bool *value_is_null)
{
    const uint8_t *at = rest->data, *end = at + rest->size;

    if (at == end)
        return PG_NEXT_END;
    at = hstore_text(at, end, key);
    if (at == NULL || end - at < 2 || memcmp(at, "=>", 2) != 0)
        return PG_NEXT_BROKEN;
    at += 2;
    *value_is_null = end - at >= 4 && memcmp(at, "NULL", 4) == 0;
    at = *value_is_null ? at + 4 : hstore_text(at, end, value);
    if (at == NULL)
        return PG_NEXT_BROKEN;
    if (at < end) {
        if (end - at < 3 || memcmp(at, ", ", 2) != 0)
            return PG_NEXT_BROKEN;
        at += 2;
    }
    *rest = slice_of(at, (size_t)(end - at));
    return PG_NEXT_ELEMENT;
}
