/* wire/debezium/column.h: a column of a plan: the type map's schema and encoder, the rules for columns, and what stands in for a value. */
#ifndef WIRE_DEBEZIUM_COLUMN_H
#define WIRE_DEBEZIUM_COLUMN_H

#include "wire/debezium/envelope.h"
#include "wire/debezium/value.h"
#include "wire/postgres/relation.h"

/* A column of a plan, for key or value. */
struct debezium_column {
    const char *name;  /* in the table */
    const char *field; /* in the record */
    size_t index;      /* in the row */
    const struct connect_schema *schema;
    struct value_encoder *encoder;
    bool always_null; /* its value never arrives */

    /* JSON of a value that is null, could not be converted, or was not sent because it did not change; data NULL: the task stops. */
    struct slice null_json, failed_json, unchanged_json;
    bool unchanged_fails; /* unchanged_json is what a failed conversion leaves behind */
};

struct column_context {
    struct arena *arena;
    struct value_scratch *scratch;
    const struct debezium_config *config;
    const struct json_converter *converter; /* of key or value */
    const struct pg_relation *relation;
    enum debezium_reader reader;
    bool is_key; /* rules for columns do not apply to keys */
};

/* False: Debezium leaves a column of this type out. */
bool column_create(const struct column_context *context, size_t index, struct debezium_column *column);

/* ---- default.c ---- */

/*
 * The text that a default's SQL expression stands for, as Debezium finds it: 5, 'abc'::text, now() (a stand-in of the type).
 * type_name  pg_type.typname of the column
 * False      there is none: NULL, arithmetic, or a type whose defaults Debezium does not read
 */
bool default_text(struct arena *arena, const struct pg_type *type, const char *expression, struct slice *text);

#endif
