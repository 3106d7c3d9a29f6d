/*
 * wire/debezium/transform.h: Kafka Connect's single message transformations, natively: a chain of them changes the records that
 * the encoder made before they leave. Structs are taken apart into fields; everything smaller stays the JSON that it is.
 * Source: org.apache.kafka.connect.transforms of Kafka 4.3, io.debezium.transforms of Debezium 3.6.1.
 */
#ifndef WIRE_DEBEZIUM_TRANSFORM_H
#define WIRE_DEBEZIUM_TRANSFORM_H

#include "base/map.h"
#include "wire/debezium/envelope.h"
#include "wire/debezium/schema.h"
#include "wire/debezium/value.h"

/* ---- Records between two transformations ---- */

/* Nulls are true ones here; defaults stand in for them only when the record is rendered at the end. */
struct connect_value {
    const struct connect_schema *schema; /* NULL: none */
    bool is_null;
    struct slice json;            /* unless fields is set */
    struct connect_value *fields; /* of a struct that was opened, schema->field_count of them */
};

struct connect_header {
    struct slice name;
    bool is_null;
    struct slice value; /* as SimpleHeaderConverter writes it */
};

#define CONNECT_HEADERS_MAX 64

struct connect_record {
    const char *topic;
    int32_t partition;    /* -1: none */
    int64_t timestamp_ms; /* -1: none */
    struct connect_value key, value;
    struct connect_header headers[CONNECT_HEADERS_MAX];
    size_t header_count;
    bool dropped;
};

/* ---- Transformations ---- */

struct transform_chain;
struct transform;

/* What a transformation works with while a record passes. */
struct transform_run {
    struct arena *arena; /* of this record */
    struct value_scratch *scratch;
};

/* One class of transformations: a row of the table in transform.c. */
struct transform_class {
    const char *name;                                                   /* Java's, without $Key and $Value */
    bool has_sides;                                                     /* comes as $Key and $Value */
    enum status (*create)(struct transform *self, struct error *error); /* reads the options, sets state; BAD_INPUT */
    enum status (*apply)(struct transform *self, struct transform_run *run, struct connect_record *record, struct error *error);
    void (*destroy)(struct transform *self); /* of state; may be NULL */
};

struct transform {
    const struct transform_class *class;
    const char *name;
    const struct properties *properties; /* of the connector; only while it is created */
    struct arena *arena;                 /* of the chain: for state and for schemas that last */
    bool is_key;                         /* works on the key */
    bool replace_null_with_default;      /* the option of that name */
    void *state;
    struct map schemas;          /* made of those that came in, by their ids */
    struct predicate *predicate; /* NULL: for every record */
    bool negate;
};

extern const struct transform_class transform_insert_field, transform_replace_field, transform_mask_field, transform_cast,
    transform_value_to_key, transform_extract_field, transform_hoist_field, transform_insert_header, transform_drop_headers,
    transform_set_schema_metadata, transform_regex_router, transform_logical_table_router, transform_unwrap, transform_outbox;

/*
 * Reads transforms, transforms.NAME.…, predicates, predicates.NAME.….
 * created  NULL when there are none
 * Errors   BAD_INPUT: an unknown class, an option that is missing or wrong
 */
enum status transform_chain_create(const struct properties *properties, struct transform_chain **created, struct error *error);
void transform_chain_destroy(struct transform_chain *chain); /* NULL is fine */

/* Lets a record pass. record->dropped: nothing is left of it. Errors: BAD_INPUT, what stops Connect's task. */
enum status transform_chain_apply(struct transform_chain *chain, struct transform_run *run, struct connect_record *record,
                                  struct error *error);

/* ---- For transformations ---- */

/* An option of this transformation, without blanks around it; NULL when it is not given. */
const char *transform_option(const struct transform *self, const char *name);
const char *transform_option_or(const struct transform *self, const char *name, const char *otherwise);
bool transform_option_bool(const struct transform *self, const char *name, bool otherwise);
enum status transform_option_missing(const char *name, struct error *error);

/* A comma-separated option as strings, ended by NULL; empty when it is not given. */
const char **transform_option_list(const struct transform *self, const char *name);

/* The side that it works on. */
static inline struct connect_value *transform_side(const struct transform *self, struct connect_record *record)
{
    return self->is_key ? &record->key : &record->value;
}

/* The schema that was made of another one before, or NULL. remember: schemas without an id (made for one record) are not kept. */
const struct connect_schema *transform_known_schema(const struct transform *self, const struct connect_schema *from);
void transform_remember_schema(struct transform *self, const struct connect_schema *from, const struct connect_schema *made);

/* Name, version, doc and parameters of a struct's schema, required, without fields; in the chain's arena. */
struct connect_schema *transform_copy_basics(struct transform *self, const struct connect_schema *schema);

/* Takes a struct apart. BAD_INPUT when it is none, or null. */
enum status value_open(struct transform_run *run, const struct transform *self, struct connect_value *value, struct error *error);

/* A field of an opened struct; with replace.null.with.default a default in the place of null. index is schema->fields'. */
struct connect_value value_field(const struct transform *self, const struct connect_value *value, size_t index);

/* The index of a field, SIZE_MAX when there is none. */
size_t value_field_index(const struct connect_value *value, const char *name);

struct connect_value value_null(const struct connect_schema *schema);
struct connect_value value_string(struct transform_run *run, const struct connect_schema *schema, struct slice text);

/* The text of a string value, in the record's arena; false when it is no string. */
bool connect_value_text(struct transform_run *run, const struct connect_value *value, struct slice *text);

/* Adds a header. LIMIT past CONNECT_HEADERS_MAX. */
enum status record_add_header(struct transform_run *run, struct connect_record *record, const char *name, const struct connect_value *value,
                              struct error *error);

/* Appends a value as JSON, defaults in the place of nulls when `replace`. BAD_INPUT: null where nothing may be. */
enum status value_render(const struct connect_value *value, bool replace, struct buffer *out, struct error *error);

/* ---- Regular expressions that replace, as java.util.regex does ---- */

struct replacer;
enum status replacer_create(const char *regex, const char *replacement, struct replacer **created, struct error *error);
void replacer_destroy(struct replacer *replacer);

/* The text with its first match replaced ($1, ${name}), in the arena, or NULL when the expression does not match all of it. */
const char *replacer_apply(const struct replacer *replacer, struct arena *arena, const char *text);

#endif
