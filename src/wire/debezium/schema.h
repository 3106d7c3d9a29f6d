/*
 * wire/debezium/schema.h: a Kafka Connect schema, and the JSON that JsonConverter makes of it.
 * Schemas are built once, in an arena, and read only afterwards.
 */
#ifndef WIRE_DEBEZIUM_SCHEMA_H
#define WIRE_DEBEZIUM_SCHEMA_H

#include "base/arena.h"
#include "base/buffer.h"

enum connect_type {
    CONNECT_INT8,
    CONNECT_INT16,
    CONNECT_INT32,
    CONNECT_INT64,
    CONNECT_FLOAT32,
    CONNECT_FLOAT64,
    CONNECT_BOOLEAN,
    CONNECT_STRING,
    CONNECT_BYTES,
    CONNECT_ARRAY,
    CONNECT_MAP,
    CONNECT_STRUCT
};

struct connect_parameter {
    const char *key, *value;
    struct connect_parameter *next;
};

struct connect_schema {
    uint64_t id; /* no other schema has it; 0: made for one record, not worth remembering */
    enum connect_type type;
    bool optional;
    const char *name;                     /* NULL: none */
    int version;                          /* 0: none */
    const char *doc;                      /* NULL: none */
    struct connect_parameter *parameters; /* in the order they were added */
    struct slice default_json;            /* data NULL: none; else the default as JSON */
    const struct connect_schema *items;   /* ARRAY; values of MAP */
    const struct connect_schema *keys;    /* MAP */
    struct connect_field *fields;         /* STRUCT */
    size_t field_count;
    size_t field_capacity;
};

struct connect_field {
    const char *name;
    const struct connect_schema *schema;
};

struct connect_schema *schema_create(struct arena *arena, enum connect_type type);

/* The same with a name and version 1, as logical types have. */
struct connect_schema *schema_create_named(struct arena *arena, enum connect_type type, const char *name);

void schema_add_parameter(struct arena *arena, struct connect_schema *schema, const char *key, const char *value);
void schema_add_field(struct arena *arena, struct connect_schema *schema, const char *name, const struct connect_schema *field);

/* NULL when there is none of that name. */
const struct connect_field *schema_field(const struct connect_schema *schema, const char *name);

/* A copy, all its parts included, with an id of its own. */
struct connect_schema *schema_clone(struct arena *arena, const struct connect_schema *schema);

/* Debezium's envelopes have names that end in ".Envelope". NULL is none. */
bool schema_is_envelope(const struct connect_schema *schema);

/* {"type":…,"optional":…,…}; field: the name of the field it is the schema of, or NULL. */
void schema_append_json(struct buffer *out, const struct connect_schema *schema, const char *field);

#endif
