/* wire/debezium/type_map.h: Debezium's type map for PostgreSQL: which schema and which encoder a type has. */
#ifndef WIRE_DEBEZIUM_TYPE_MAP_H
#define WIRE_DEBEZIUM_TYPE_MAP_H

#include "wire/debezium/column.h"

/* A column's type as Debezium resolves it: domains taken away, length and scale from the modifier. */
struct column_type {
    const struct pg_type *type;
    const char *type_name; /* of the column itself, a domain's own name */
    int32_t length;
    int32_t scale;
    bool optional;
};

/* What a type makes: its schema, its encoder, and the values that stand in. */
struct type_mapping {
    struct connect_schema *schema;
    struct value_encoder *encoder;
    const char *fallback; /* JSON for null in a required column; NULL: none */
    bool from_text;       /* Debezium's convertString: takes any Java object's text */
    bool always_null;
};

/* Borrows from the column. */
struct column_type column_type_resolve(const struct pg_column *column);

/* Makes schema and encoder in the context's arena. False: Debezium leaves a column of this type out. */
bool type_map(const struct column_context *context, const struct column_type *resolved, struct type_mapping *mapping);

#endif
