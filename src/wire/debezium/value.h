/*
 * wire/debezium/value.h: one column's way from PostgreSQL's text to JSON: a function and what it needs to know.
 * column.c chooses them; value_number.c, value_time.c, value_text.c and value_array.c hold the functions.
 */
#ifndef WIRE_DEBEZIUM_VALUE_H
#define WIRE_DEBEZIUM_VALUE_H

#include "base/buffer.h"
#include "wire/debezium/config.h"
#include "wire/debezium/schema.h"
#include "wire/json/base64.h"

struct value_encoder;

/* Memory that functions may use while they run; one per thread. Nested ones (arrays) save what they need. */
struct value_scratch {
    struct buffer text;  /* unescaped elements, long numbers as texts */
    struct buffer bytes; /* decoded bytea, big numbers */
    struct buffer inner; /* a JSON value on its way through a rule, a key on its way into a header */
};

void value_scratch_init(struct value_scratch *scratch);
void value_scratch_finish(struct value_scratch *scratch);

/*
 * Appends the JSON value of a text.
 * False: Debezium's conversion would fail; what was appended has to be taken away by the caller.
 */
typedef bool value_encode(const struct value_encoder *encoder, struct slice text, struct buffer *out);

/* What an array does with an element that is an array itself: Debezium has no multi-dimensional arrays. */
enum nested_element { NESTED_NULL, NESTED_TEXT };

struct value_encoder {
    value_encode *encode;
    struct value_scratch *scratch;
    int32_t scale;        /* decimals: digits behind the point; timestamps: fraction digits */
    bool jdbc;            /* the value takes Debezium's way through java.sql classes, with their calendar */
    bool decimal_numeric; /* Decimal as a JSON number */
    enum base64_alphabet alphabet;
    enum nested_element nested;
    bool element_optional;               /* arrays: may elements be null? */
    const struct value_encoder *element; /* arrays */
    const struct value_encoder *inner;   /* rules */
    const struct debezium_column_rule *rule;
    int32_t length_max; /* rules: cut at so many UTF-16 units (bytes); -1: not */
    bool rule_bytes;    /* rules: the value is base64 of bytes, not a text */
    const char *mask;   /* rules */
};

/* ---- value_number.c ---- */

bool encode_integer(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_boolean(const struct value_encoder *encoder, struct slice text, struct buffer *out); /* "t", "f" */
bool encode_double(const struct value_encoder *encoder, struct slice text, struct buffer *out);  /* also of a numeric */
bool encode_float(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_decimal(const struct value_encoder *encoder, struct slice text, struct buffer *out); /* Connect's Decimal with `scale` */
bool encode_decimal_variable(const struct value_encoder *encoder, struct slice text, struct buffer *out); /* VariableScaleDecimal */
bool encode_decimal_text(const struct value_encoder *encoder, struct slice text, struct buffer *out);     /* with `scale`, -1: as it is */
bool encode_money(const struct value_encoder *encoder, struct slice text, struct buffer *out);            /* Decimal with `scale` */
bool encode_money_double(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_money_text(const struct value_encoder *encoder, struct slice text, struct buffer *out);

/* ---- value_time.c ---- */

bool encode_date(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_date_iso(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_time_millis(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_time_micros(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_time_nanos(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_time_iso(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_zoned_time(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_timestamp_millis(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_timestamp_micros(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_timestamp_nanos(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_timestamp_iso(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_zoned_timestamp(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_interval_micros(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_interval_iso(const struct value_encoder *encoder, struct slice text, struct buffer *out);

/* ---- value_text.c ---- */

bool encode_string(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_nothing(const struct value_encoder *encoder, struct slice text, struct buffer *out); /* fails always */
bool encode_bytea_base64(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_bytea_hex(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_text_base64(const struct value_encoder *encoder, struct slice text, struct buffer *out); /* the text's own bytes */
bool encode_text_hex(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_shape_base64(const struct value_encoder *encoder, struct slice text, struct buffer *out); /* box, circle, …: pgjdbc's text */
bool encode_shape_hex(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_bit(const struct value_encoder *encoder, struct slice text, struct buffer *out); /* bit(1) as boolean */
bool encode_bits(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_point(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_geometry(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_rule(const struct value_encoder *encoder, struct slice text, struct buffer *out); /* a column rule around `inner` */

/* What a rule makes of a JSON value that is ready: null, a default's stand-in, a placeholder. */
bool value_apply_rule(const struct value_encoder *encoder, struct slice json, struct buffer *out);

/* ---- value_array.c ---- */

bool encode_array(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_hstore_json(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_hstore_map(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_vector_double(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_vector_float(const struct value_encoder *encoder, struct slice text, struct buffer *out);
bool encode_vector_sparse(const struct value_encoder *encoder, struct slice text, struct buffer *out);

#endif
