/*
 * wire/debezium/change.h: reads change events back: Debezium's records (with or without schema, or unwrapped rows) into
 * columns with names, types and exact values. What agents, reports and the console read with.
 *
 * A topic repeats its schema in every message: the decoder knows the last few by their bytes, so that a known one costs a
 * comparison and only the payload is read.
 */
#ifndef WIRE_DEBEZIUM_CHANGE_H
#define WIRE_DEBEZIUM_CHANGE_H

#include "base/arena.h"
#include "base/decimal.h"
#include "base/error.h"

enum change_type {
    CHANGE_OTHER,    /* arrays, structs, maps, or unknown: the JSON text as it stands */
    CHANGE_BOOLEAN,
    CHANGE_INTEGER,  /* int8 to int64 without a meaning of their own */
    CHANGE_REAL,
    CHANGE_TEXT,
    CHANGE_BYTES,    /* base64 text */
    CHANGE_DECIMAL,
    CHANGE_DATE,     /* days since 1970 */
    CHANGE_TIMESTAMP /* microseconds since 1970, whatever the unit in the message was */
};

struct change_column {
    const char *name;
    enum change_type type;
    int32_t scale;        /* DECIMAL: digits behind the point; -1 when each value says it (VariableScaleDecimal) */
    int32_t unit_us_num;  /* TIMESTAMP: value * num / den gives microseconds */
    int32_t unit_us_den;
    const char *meaning;  /* the schema's name, e.g. "io.debezium.time.MicroTimestamp"; "" when none */
};

struct change_value {
    bool null;            /* also for a column that the row does not have */
    bool known;           /* false: the message does not have the column */
    enum change_type type;
    int64_t integer;      /* BOOLEAN 0 or 1, INTEGER, DATE, TIMESTAMP */
    double real;          /* REAL */
    struct decimal decimal; /* DECIMAL; INTEGER too, as a decimal of scale 0 */
    struct slice text;    /* TEXT unescaped; BYTES in base64; OTHER as JSON; DECIMAL too large for 38 digits as its base64 */
};

struct change_schema {
    size_t column_count;
    const struct change_column *columns;
};

struct change {
    char operation;                     /* 'c' 'u' 'd' 'r' 't' 'm'; 0 for an unwrapped row */
    const struct change_schema *schema; /* of the row; lives as long as the decoder keeps the schema: until the next decode */
    const struct change_value *before;  /* schema->column_count values, NULL when null */
    const struct change_value *after;
    int64_t source_time_us;             /* commit time, 0 when absent */
    int64_t lsn;                        /* -1 when absent */
    int64_t transaction_id;             /* -1 when absent */
    struct slice table_schema, table;   /* "" when absent */
};

struct change_decoder;

struct change_decoder *change_decoder_create(void);
void change_decoder_destroy(struct change_decoder *decoder); /* NULL is fine */

/*
 * For messages without schema: a column whose base64 text is a decimal of this scale.
 */
void change_decoder_set_scale(struct change_decoder *decoder, const char *column, int32_t scale);

/*
 * From now on `seen` is called with the value of this column as soon as it is read, and again with NULL behind the last column of that
 * row, before the rest of the message is: what belongs to it can be fetched meanwhile. Set it once, before the first change_decode.
 */
typedef void change_seen(void *context, const struct change_value *value, struct arena *arena);
void change_decoder_watch(struct change_decoder *decoder, const char *column, change_seen *seen, void *context);

/*
 * Reads one record's value. A tombstone (data NULL) is not a change: do not pass it.
 * change  borrows from `value`, the arena and the decoder
 * Errors  BAD_INPUT: not JSON, or JSON that is not a change event: says where (byte) and what was expected
 * Thread  one at a time
 */
enum status change_decode(struct change_decoder *decoder, struct slice value, struct arena *arena, struct change *change, struct error *error);

/* The value of a column by name from a row of the change; NULL when the schema has no such column. Pass before or after. */
const struct change_value *change_column(const struct change *change, const struct change_value *row, const char *name);

#endif
