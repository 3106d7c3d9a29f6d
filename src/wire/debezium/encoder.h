/* wire/debezium/encoder.h: what the sources behind envelope.h share. */
#ifndef WIRE_DEBEZIUM_ENCODER_H
#define WIRE_DEBEZIUM_ENCODER_H

#include "wire/debezium/column.h"
#include "wire/debezium/envelope.h"
#include "wire/debezium/transform.h"

#define RECORD_BYTES_MAX (1024 * 1024 * 1024)
#define DIGITS_NS 19 /* of nanoseconds since 1970, from 2001 to 2286; their first 16 and 13 are the micro- and milliseconds */

/* ---- Structs: the columns of a key or a row ---- */

struct struct_layout {
    struct debezium_column *columns;
    struct slice *labels; /* {"id": or ,"name": in front of each value */
    size_t count;
};

/* ---- The block "source" of one table ---- */

struct debezium_encoder;

/* Everything but the LSN stays the same within a transaction, so it is rendered when something else changes. */
struct source_block {
    struct slice front;     /* {"version":…,"name":"P","ts_ms": */
    struct slice db;        /* ,"db":"…","sequence":"[ */
    struct slice names;     /* ,"schema":"…","table":"…","txId": */
    struct slice streaming; /* what "snapshot" says of a streamed event */

    bool rendered;
    struct debezium_source last; /* rendered for this one, lsn aside */
    struct buffer text;
    size_t first_lsn_at, second_lsn_at; /* where the LSN goes in, twice */
    bool second_lsn;                    /* it goes in the second time, too */
};

void source_block_init(struct source_block *block, const struct debezium_encoder *encoder, struct arena *arena, const char *schema,
                       const char *table);
void source_block_finish(struct source_block *block);
void source_block_append(struct source_block *block, const struct debezium_source *source, struct buffer *out);

/* The schemas that all envelopes share. */
const struct connect_schema *schema_of_source(struct arena *arena, const struct debezium_config *config);
const struct connect_schema *schema_of_transaction_block(struct arena *arena);

/* {"schema":…,"payload": or nothing, as the converter is set; `tail` closes it. */
struct slice render_head(struct arena *arena, const struct json_converter *converter, const struct connect_schema *schema);
struct slice render_tail(const struct json_converter *converter);

/* ---- Plans ---- */

struct debezium_plan {
    struct arena arena;
    const struct debezium_encoder *encoder;
    const char *schema, *table, *collection; /* "schema.table" */
    const char *topic;
    size_t relation_columns;

    bool has_key;
    struct struct_layout key;
    const struct connect_schema *key_schema;
    struct slice key_head, key_tail;

    struct struct_layout row;
    const struct connect_schema *value_schema; /* the envelope */
    struct slice value_head, value_tail;
    struct source_block source;

    uint64_t transaction_serial; /* of the transaction that collection_index is good for */
    size_t collection_index;
};

/* ---- Encoder ---- */

struct transaction_collection {
    char *name;
    int64_t events;
};

struct transaction_state {
    bool in_progress;
    uint64_t serial;
    int64_t xid;
    int64_t events;
    struct transaction_collection *collections;
    size_t count, capacity;
    uint64_t messages; /* logical messages so far, to name them */
};

/* A record whose bytes still lie in buffers that may move. */
struct record_draft {
    const char *topic;
    int32_t partition;
    bool has_key, has_value, own_headers;
    struct slice value_head;
    const struct connect_schema *key_schema, *value_schema;
    size_t key_head_size; /* of the key's bytes, how many are its schema's */
    size_t key_at, key_size, body_at, body_size, headers_at, headers_size;
};

/* A kind of record that has no table: its topic and its schemas. */
struct control_record {
    const struct connect_schema *key_schema, *value_schema;
    struct slice key_head, value_head;
};

struct debezium_encoder {
    const struct debezium_config *config;
    struct json_converter key_converter, value_converter; /* with transformations: nulls are replaced behind them */
    struct arena arena;
    struct value_scratch scratch;
    struct buffer keys, bodies, headers, spare;
    struct record_draft drafts[DEBEZIUM_RECORDS_MAX];
    size_t draft_count;

    struct slice context_headers; /* the entries alone */
    size_t context_header_count;
    struct slice plain_headers; /* count and entries: most records' */
    struct slice no_headers;

    struct transaction_state transaction;
    struct debezium_failures failures;
    char failed_names[3][256]; /* schema, table, column */

    struct transform_chain *chain; /* NULL without transformations */
    struct arena record_arena;
    struct map heads; /* rendered for schemas that transformations made, by side and id */
    struct buffer out_keys, out_bodies, out_headers;

    struct control_record heartbeat, transaction_record, message, notification;
    struct source_block message_source;
};

void encoder_begin(struct debezium_encoder *encoder);                                    /* forgets the last output */
struct record_draft *encoder_draft(struct debezium_encoder *encoder, const char *topic); /* what follows in the buffers is its */
void draft_end_key(struct debezium_encoder *encoder, struct record_draft *draft);
void draft_end_value(struct debezium_encoder *encoder, struct record_draft *draft);

/* Turns the drafts into output. LIMIT when a buffer ran full. */
enum status encoder_finish(struct debezium_encoder *encoder, struct debezium_output *output, struct error *error);

/* Puts the drafts through the chain of transformations and into output. */
enum status encoder_transform(struct debezium_encoder *encoder, struct debezium_output *output, struct error *error);

/* ---- control.c ---- */

void control_init(struct debezium_encoder *encoder);
void control_finish(struct debezium_encoder *encoder);

/* Counts an event of a collection and appends the block "transaction": null when there is nothing to tell. */
void transaction_append_block(struct debezium_encoder *encoder, struct debezium_plan *plan, const struct debezium_source *source,
                              struct buffer *out);

/* ---- header.c ---- */

/* A Connect value, given as JSON with its schema, as SimpleHeaderConverter writes it. False: no JSON of that schema. */
bool header_append_value(struct value_scratch *scratch, const struct connect_schema *schema, struct slice json, struct buffer *out);

/* The same for a value that stands alone: a string is not quoted. */
bool header_append_plain(struct value_scratch *scratch, const struct connect_schema *schema, struct slice json, struct buffer *out);

#endif
