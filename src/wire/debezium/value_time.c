#include "wire/debezium/value.h"

#include "base/banned.h"
#include "base/time.h"
#include "wire/json/number.h"
#include "wire/postgres/value.h"

#include <math.h>

#define SECONDS_PER_DAY INT64_C(86400)
#define MICROS_PER_DAY (SECONDS_PER_DAY * US_PER_SECOND)
#define NANOS_PER_DAY (SECONDS_PER_DAY * NS_PER_SECOND)

/* What pgjdbc and Debezium have for PostgreSQL's infinite dates and timestamps. */
#define INFINITY_SECONDS INT64_C(9223372036825)
#define INFINITY_MICROS 200000
#define MINUS_INFINITY_SECONDS INT64_C(-9223372036833)
#define MINUS_INFINITY_MICROS 600000
#define INFINITY_DAYS_STREAM INT64_C(-2147472692)
#define MINUS_INFINITY_DAYS_STREAM INT64_C(-2147472691)
#define INFINITY_DAYS_JDBC INT64_C(106751991166)       /* 292278994-08-16 */
#define MINUS_INFINITY_DAYS_JDBC INT64_C(106748361128) /* 292269055-12-02: the era is lost */

#define ISO_BYTES_MAX 64

/* ---- Writing ISO texts ---- */

static size_t put_two(uint8_t *to, int64_t value)
{
    number_write_padded(to, (uint64_t)value, 2);
    return 2;
}

/* ISO_LOCAL_DATE: four digits at least, a sign for years past 9999 and before 0. */
static size_t put_date(uint8_t *to, int64_t days)
{
    uint8_t *start = to;
    int64_t year, magnitude;
    unsigned month, day;

    civil_from_days(days, &year, &month, &day);
    magnitude = year < 0 ? -year : year;
    if (year < 0)
        *to++ = '-';
    else if (year > 9999)
        *to++ = '+';
    if (magnitude > 9999) {
        to += number_write_uint64(to, (uint64_t)magnitude);
    } else {
        number_write_padded(to, (uint64_t)magnitude, 4);
        to += 4;
    }
    *to++ = '-';
    to += put_two(to, month);
    *to++ = '-';
    to += put_two(to, day);
    return (size_t)(to - start);
}

/* HH:MM:SS and the fraction: as many digits as given, or, with -1, without zeros at its end and without a point when it is 0. */
static size_t put_time(uint8_t *to, int64_t micros, int digits)
{
    uint8_t *start = to;
    int64_t seconds = micros / US_PER_SECOND;

    to += put_two(to, seconds / 3600);
    *to++ = ':';
    to += put_two(to, seconds / 60 % 60);
    *to++ = ':';
    to += put_two(to, seconds % 60);
    micros %= US_PER_SECOND;
    if (digits == 0 || (digits < 0 && micros == 0))
        return (size_t)(to - start);
    *to++ = '.';
    number_write_padded(to, (uint64_t)micros, 6);
    if (digits >= 0)
        return (size_t)(to - start) + (size_t)digits; /* at most 6 of them */
    to += 6;
    while (to[-1] == '0')
        to--;
    return (size_t)(to - start);
}

static void append_quoted(struct buffer *out, const uint8_t *text, size_t size)
{
    uint8_t *to = buffer_reserve(out, size + 2);

    if (to == NULL)
        return;
    to[0] = '"';
    memcpy(to + 1, text, size);
    to[size + 1] = '"';
    out->size += size + 2;
}

/* ---- Dates ---- */

/* The days of a date that java.sql.Date keeps as year, month and day of the Julian calendar before 15 October 1582. */
static int64_t days_through_jdbc(int64_t days, bool before_christ)
{
    static const int64_t gregorian_start = -141427; /* 1582-10-15 */
    static const int64_t gap_start = -141437;       /* 1582-10-05: ten days that this calendar does not have */
    int64_t year;
    unsigned month, day;

    if (days >= gap_start && days < gregorian_start)
        return days + 10;
    if (!before_christ)
        return days;
    civil_from_days(days, &year, &month, &day);
    return days_from_civil(1 - year, month, day); /* the era is lost on the way */
}

static bool date_days(const struct value_encoder *encoder, struct slice text, int64_t *days)
{
    struct pg_timestamp date;

    if (!pg_date_read(text, &date))
        return false;
    if (date.infinity > 0)
        *days = encoder->jdbc ? INFINITY_DAYS_JDBC : INFINITY_DAYS_STREAM;
    else if (date.infinity < 0)
        *days = encoder->jdbc ? MINUS_INFINITY_DAYS_JDBC : MINUS_INFINITY_DAYS_STREAM;
    else
        *days = encoder->jdbc ? days_through_jdbc(date.days, date.before_christ) : date.days;
    return true;
}

bool encode_date(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    int64_t days;

    if (!date_days(encoder, text, &days))
        return false;
    number_append_int64(out, (int32_t)days); /* Debezium casts to int */
    return true;
}

bool encode_date_iso(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    uint8_t iso[ISO_BYTES_MAX];
    int64_t days;
    size_t size;

    if (!date_days(encoder, text, &days))
        return false;
    size = put_date(iso, days);
    iso[size++] = 'Z';
    append_quoted(out, iso, size);
    return true;
}

/* ---- Times of day ---- */

/* jdbc: java.sql.Time has milliseconds, and 24:00 is 00:00. */
static bool time_micros(const struct value_encoder *encoder, struct slice text, int64_t *micros)
{
    struct pg_timestamp time;

    if (!pg_time_read(text, false, &time))
        return false;
    *micros = encoder->jdbc ? time.micros % MICROS_PER_DAY / 1000 * 1000 : time.micros;
    return true;
}

static bool append_time(const struct value_encoder *encoder, struct slice text, struct buffer *out, int64_t multiply, int64_t divide)
{
    int64_t micros;

    if (!time_micros(encoder, text, &micros))
        return false;
    number_append_int64(out, micros * multiply / divide);
    return true;
}

bool encode_time_millis(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    return append_time(encoder, text, out, 1, 1000);
}

bool encode_time_micros(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    return append_time(encoder, text, out, 1, 1);
}

bool encode_time_nanos(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    return append_time(encoder, text, out, 1000, 1);
}

bool encode_time_iso(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    uint8_t iso[ISO_BYTES_MAX];
    int64_t micros;
    size_t size;

    if (!time_micros(encoder, text, &micros))
        return false;
    size = put_time(iso, micros % MICROS_PER_DAY, -1);
    iso[size++] = 'Z';
    append_quoted(out, iso, size);
    return true;
}

bool encode_zoned_time(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    uint8_t iso[ISO_BYTES_MAX];
    struct pg_timestamp time;
    int64_t micros;
    size_t size;

    if (!pg_time_read(text, true, &time))
        return false;
    micros = (time.micros - time.offset_seconds * US_PER_SECOND) % MICROS_PER_DAY;
    if (micros < 0)
        micros += MICROS_PER_DAY;
    if (encoder->jdbc)
        micros = micros / US_PER_SECOND * US_PER_SECOND;
    size = put_time(iso, micros, -1);
    iso[size++] = 'Z';
    append_quoted(out, iso, size);
    return true;
}

/* ---- Timestamps ---- */

struct instant {
    int64_t seconds; /* since 1970 */
    int64_t micros;  /* of the second */
};

/* jdbc: java.sql.Timestamp reads dates before 15 October 1582 in the Julian calendar. */
static int64_t julian_days(int64_t days)
{
    int64_t year, y, century_days;
    unsigned month, day;

    if (days >= -141427)
        return days;
    civil_from_days(days, &year, &month, &day);
    y = month <= 2 ? year - 1 : year;
    century_days =
        (y >= 0 ? y / 100 - y / 400 : -((-y + 99) / 100) + (-y + 399) / 400) - 2; /* leap days that the Gregorian calendar drops */
    return days + century_days;
}

static struct instant instant_of(const struct value_encoder *encoder, const struct pg_timestamp *timestamp)
{
    int64_t days = encoder->jdbc ? julian_days(timestamp->days) : timestamp->days;

    if (timestamp->infinity > 0)
        return (struct instant){INFINITY_SECONDS, INFINITY_MICROS};
    if (timestamp->infinity < 0)
        return (struct instant){MINUS_INFINITY_SECONDS, MINUS_INFINITY_MICROS};
    return (struct instant){days * SECONDS_PER_DAY + timestamp->micros / US_PER_SECOND, timestamp->micros % US_PER_SECOND};
}

bool encode_timestamp_millis(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct pg_timestamp timestamp;
    struct instant instant;

    if (!pg_timestamp_read(text, false, &timestamp))
        return false;
    instant = instant_of(encoder, &timestamp);
    number_append_int64(out, instant.seconds * MS_PER_SECOND + instant.micros / 1000);
    return true;
}

bool encode_timestamp_micros(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct pg_timestamp timestamp;
    struct instant instant;
    int64_t micros;

    if (!pg_timestamp_read(text, false, &timestamp))
        return false;
    instant = instant_of(encoder, &timestamp);
    /* TimeUnit.SECONDS.toMicros stops at the ends of the range, the addition behind it wraps around. */
    if (__builtin_mul_overflow(instant.seconds, US_PER_SECOND, &micros))
        micros = instant.seconds < 0 ? INT64_MIN : INT64_MAX;
    number_append_int64(out, (int64_t)((uint64_t)micros + (uint64_t)instant.micros));
    return true;
}

bool encode_timestamp_nanos(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct pg_timestamp timestamp;
    struct instant instant;
    int64_t days, nanos;

    if (!pg_timestamp_read(text, false, &timestamp))
        return false;
    if (timestamp.infinity != 0) {
        number_append_int64(out, timestamp.infinity > 0 ? INT64_MAX : INT64_MIN);
        return true;
    }
    instant = instant_of(encoder, &timestamp);
    days = instant.seconds >= 0 ? instant.seconds / SECONDS_PER_DAY : -((-instant.seconds + SECONDS_PER_DAY - 1) / SECONDS_PER_DAY);
    if (__builtin_mul_overflow(days, NANOS_PER_DAY, &nanos) ||
        __builtin_add_overflow(nanos, (instant.seconds - days * SECONDS_PER_DAY) * NS_PER_SECOND + instant.micros * NS_PER_US, &nanos))
        return false;
    number_append_int64(out, nanos);
    return true;
}

/* digits: of the fraction, -1: as many as it needs */
static void append_instant(struct buffer *out, struct instant instant, int digits)
{
    uint8_t iso[ISO_BYTES_MAX];
    int64_t days = instant.seconds >= 0 ? instant.seconds / SECONDS_PER_DAY : -((-instant.seconds + SECONDS_PER_DAY - 1) / SECONDS_PER_DAY);
    size_t size = put_date(iso, days);

    iso[size++] = 'T';
    size += put_time(iso + size, (instant.seconds - days * SECONDS_PER_DAY) * US_PER_SECOND + instant.micros, digits);
    iso[size++] = 'Z';
    append_quoted(out, iso, size);
}

bool encode_timestamp_iso(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct pg_timestamp timestamp;

    if (!pg_timestamp_read(text, false, &timestamp))
        return false;
    append_instant(out, instant_of(encoder, &timestamp), -1);
    return true;
}

bool encode_zoned_timestamp(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct pg_timestamp timestamp;
    struct instant instant;

    if (!pg_timestamp_read(text, true, &timestamp))
        return false;
    if (timestamp.infinity != 0) {
        append_quoted(out, text.data, text.size);
        return true;
    }
    instant = instant_of(encoder, &timestamp);
    instant.seconds -= timestamp.offset_seconds;
    append_instant(out, instant, encoder->scale > 0 ? (int)encoder->scale : -1);
    return true;
}

/* ---- Intervals ---- */

/* Java's cast of a double to long. */
static int64_t to_long(double value)
{
    if (isnan(value))
        return 0;
    if (value >= 9223372036854775808.0)
        return INT64_MAX;
    return value <= -9223372036854775808.0 ? INT64_MIN : (int64_t)value;
}

/* MicroDuration.durationMicros, in its order of operations. */
bool encode_interval_micros(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct pg_interval interval;
    double days, seconds;

    (void)encoder;
    if (!pg_interval_read(text, &interval))
        return false;
    seconds = (double)(interval.micros / US_PER_SECOND) + (double)(interval.micros % US_PER_SECOND) / 1000000.0;
    days = (double)(interval.years * 12 + interval.months) * (365.25 / 12.0) + (double)interval.days;
    seconds = (((days * 24 + (double)interval.hours) * 60) + (double)interval.minutes) * 60 + seconds;
    number_append_int64(out, to_long(seconds * 1e6));
    return true;
}

bool encode_interval_iso(const struct value_encoder *encoder, struct slice text, struct buffer *out)
{
    struct pg_interval interval;
    uint64_t micros;

    (void)encoder;
    if (!pg_interval_read(text, &interval))
        return false;
    micros = (uint64_t)(interval.micros < 0 ? -interval.micros : interval.micros);
    buffer_append_format(out, "\"P%lldY%lldM%lldDT%lldH%lldM%s%llu", (long long)interval.years, (long long)interval.months,
                         (long long)interval.days, (long long)interval.hours, (long long)interval.minutes, interval.micros < 0 ? "-" : "",
                         (unsigned long long)(micros / US_PER_SECOND));
    if (micros % US_PER_SECOND != 0) {
        uint8_t fraction[7] = {'.'};
        size_t size = sizeof(fraction);

        number_write_padded(fraction + 1, micros % US_PER_SECOND, 6);
        while (fraction[size - 1] == '0')
            size--;
        buffer_append(out, fraction, size);
    }
    buffer_append(out, "S\"", 2);
    return true;
}
