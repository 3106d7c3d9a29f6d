/*
 * wire/postgres/relation.h: a table as capture knows it (from the RELATION message and the catalog) and a row of it.
 * Filled by capture/, read by wire/debezium/. All strings live in the arena of whoever built the relation.
 */
#ifndef WIRE_POSTGRES_RELATION_H
#define WIRE_POSTGRES_RELATION_H

#include "base/slice.h"

/* A data type as pg_type tells it. */
struct pg_type {
    uint32_t oid;
    const char *schema;            /* namespace */
    const char *name;              /* pg_type.typname, e.g. "int4", "_int4", "numeric" */
    char kind;                     /* typtype: 'b' base, 'e' enum, 'd' domain, 'c' composite, 'r' range, 'm' multirange */
    char category;                 /* typcategory */
    const struct pg_type *element; /* of an array (typinput is array_in), else NULL; not that of "name" or int2vector */
    const struct pg_type *base;    /* of a domain: the type it stands on, else NULL */
    int32_t modifier;              /* typtypmod of a domain, else -1 */
    const char **labels;           /* of an enum, in sort order, as they were when the connector started: Debezium does not look again */
    size_t label_count;
};

struct pg_column {
    const char *name;
    const struct pg_type *type;
    int32_t modifier;         /* atttypmod: numeric precision and scale, varchar length, …; -1 none */
    bool in_replica_identity; /* flag of the RELATION message */
    bool not_null;            /* attnotnull, or the type is a domain that says so (typnotnull) */
    bool generated;           /* attgenerated; pgoutput leaves these out */
    const char *default_sql;  /* pg_get_expr(adbin, adrelid), NULL when there is none */
    int16_t key_position;     /* 1-based place in the primary key or, without one, in the unique index that stands in for it: partial
                                 ones count, those on expressions do not; the clustered one first, then by name. 0: not part of it */
};

struct pg_relation {
    uint32_t oid;
    const char *schema;
    const char *name;
    char replica_identity; /* 'd' default, 'n' nothing, 'f' full, 'i' index */
    size_t column_count;
    struct pg_column *columns; /* in the order of the RELATION message / attnum; a row's values are in the same order */
};

enum pg_value_kind { PG_VALUE_NULL, PG_VALUE_UNCHANGED, PG_VALUE_TEXT };

struct pg_value {
    enum pg_value_kind kind; /* UNCHANGED: an unchanged TOAST value that the server did not send */
    struct slice text;       /* text format, as pgoutput and COPY send it (unescaped); borrowed */
};

struct pg_row {
    size_t count; /* may be less than the relation's columns: compare before use */
    struct pg_value *values;
};

#endif
