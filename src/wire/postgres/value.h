/*
 * wire/postgres/value.h: PostgreSQL's output texts of single values, taken apart. They are those of DateStyle ISO,
 * IntervalStyle postgres and bytea_output hex: capture sets these at the start of every connection.
 * All of these give false for what is not in the form.
 */
#ifndef WIRE_POSTGRES_VALUE_H
#define WIRE_POSTGRES_VALUE_H

#include "base/buffer.h"
#include "base/slice.h"
#include "base/time.h"

/* ---- Dates and times ---- */

struct pg_timestamp {
    int infinity;           /* -1 or 1; the rest is 0 then */
    bool before_christ;     /* the text says BC */
    int64_t days;           /* since 1970-01-01, proleptic Gregorian calendar */
    int64_t micros;         /* of the day, 0 to 86400000000 */
    int32_t offset_seconds; /* of the time zone, east of Greenwich; 0 where there is none */
};

bool pg_date_read(struct slice text, struct pg_timestamp *date);
bool pg_time_read(struct slice text, bool with_zone, struct pg_timestamp *time); /* days is 0 */
bool pg_timestamp_read(struct slice text, bool with_zone, struct pg_timestamp *timestamp);

/* "1 year 2 mons -3 days -04:05:06.789": each part has its own sign. */
struct pg_interval {
    int64_t years, months, days, hours, minutes;
    int64_t micros; /* seconds and their fraction */
};
bool pg_interval_read(struct slice text, struct pg_interval *interval);

/* ---- Numbers ---- */

enum pg_special { PG_NUMBER, PG_NAN, PG_INFINITY, PG_MINUS_INFINITY };

/* The value is WHOLE.FRACTION; both are digits only, borrowed from the text. */
struct pg_numeric {
    enum pg_special special;
    bool negative;
    struct slice whole;    /* one digit at least */
    struct slice fraction; /* may be empty */
};
bool pg_numeric_read(struct slice text, struct pg_numeric *numeric);

bool pg_integer_read(struct slice text, int64_t *value); /* false also when it does not fit */

/* ---- Others ---- */

/* "\xdeadbeef"; appends the bytes. */
bool pg_bytea_read(struct slice text, struct buffer *out);

/* ---- Arrays and hstore ---- */

/* Walks the elements of "{a,"b c",NULL}"; "[5:6]={1,2}" is fine too. */
struct pg_array_reader {
    struct slice rest;
    char delimiter; /* ',' but for box */
    bool first;
    bool nested; /* the last element was an array itself: its text, braces included */
};

/* False when it does not begin like an array. */
bool pg_array_start(struct pg_array_reader *reader, struct slice text, char delimiter);

enum pg_next { PG_NEXT_ELEMENT, PG_NEXT_NULL, PG_NEXT_END, PG_NEXT_BROKEN };

/* element: borrowed from the text or, when it had escapes, from `unescaped`, which is overwritten by every call. */
enum pg_next pg_array_next(struct pg_array_reader *reader, struct buffer *unescaped, struct slice *element);

/* The next pair of "k"=>"v", "n"=>NULL. Start with the whole text. Key and value are unescaped into the two buffers. */
enum pg_next pg_hstore_next(struct slice *rest, struct buffer *key, struct buffer *value, bool *value_is_null);

#endif
