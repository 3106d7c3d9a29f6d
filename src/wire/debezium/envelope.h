/*
 * wire/debezium/envelope.h: rows into Debezium's records. All that a table's records have in common is rendered once, into a
 * plan; a record is then copying and number formatting.
 *
 * Life: one config per connector; one encoder per capture thread; one plan per table and schema version (make a new one after
 * every RELATION message that says something new). Nothing here does I/O; the clock comes in with each event.
 * Output is that of Debezium 3.6.1.Final with Kafka Connect's JsonConverter, byte for byte.
 */
#ifndef WIRE_DEBEZIUM_ENVELOPE_H
#define WIRE_DEBEZIUM_ENVELOPE_H

#include "base/buffer.h"
#include "wire/debezium/config.h"
#include "wire/postgres/relation.h"

/* ---- What comes out ---- */

/* One Kafka record. Slices are good until the encoder's next call, value_head as long as its plan. */
struct debezium_record {
    const char *topic;
    int32_t partition;       /* -1: by the hash of the key (murmur2 of all its bytes); without key: any */
    struct slice key;        /* data NULL: null */
    struct slice value_head; /* the value is value_head followed by value_body; head and body NULL: null (a tombstone) */
    struct slice value_body;
    struct slice headers; /* ready for a RecordBatch v2 record: varint count, then the headers */
    int64_t timestamp_ms; /* -1: now */
};

#define DEBEZIUM_RECORDS_MAX 4

/* What one call made, in order; often one record, none when the event is left out. */
struct debezium_output {
    size_t count;
    struct debezium_record records[DEBEZIUM_RECORDS_MAX];
};

/* ---- What goes in ---- */

enum debezium_snapshot {
    SNAPSHOT_FALSE, /* streaming */
    SNAPSHOT_TRUE,
    SNAPSHOT_FIRST, /* the first row of the first table read; when that table is empty no row is it */
    SNAPSHOT_FIRST_IN_DATA_COLLECTION,
    SNAPSHOT_LAST_IN_DATA_COLLECTION,
    SNAPSHOT_LAST,
    SNAPSHOT_INCREMENTAL
};

/* The block "source" of an event, except what the table says. */
struct debezium_source {
    enum debezium_snapshot snapshot;
    int64_t time_ns;          /* commit time, since 1970; in a snapshot CURRENT_TIMESTAMP */
    uint64_t lsn;             /* of this change; in a snapshot its consistent point; 0: null */
    uint64_t last_commit_lsn; /* end_lsn of the last COMMIT seen, first part of "sequence"; 0: null */
    int64_t xid;              /* -1: null */
    int64_t xmin;             /* -1: null */
    const char *origin;       /* NULL: null */
    uint64_t origin_lsn;      /* 0: null */
};

enum debezium_operation {
    OPERATION_CREATE = 'c',
    OPERATION_UPDATE = 'u',
    OPERATION_DELETE = 'd',
    OPERATION_READ = 'r',
    OPERATION_TRUNCATE = 't'
};

/* A change of one row. All pointers are borrowed until the call returns. */
struct debezium_event {
    enum debezium_operation operation;
    const struct pg_row *old; /* the old row as the stream sent it, 'K' or 'O' tuple; NULL when it was not sent */
    const struct pg_row *new; /* NULL for delete and truncate */
    const struct debezium_source *source;
    int64_t now_ns; /* wall clock, since 1970 */
};

/* ---- Encoder ---- */

struct debezium_encoder;

/*
 * config  borrowed for the encoder's life
 * run_id  UUID version 7, one per start of the connector: the header __debezium.context.runId; copied
 */
struct debezium_encoder *debezium_encoder_create(const struct debezium_config *config, const char *run_id);
void debezium_encoder_destroy(struct debezium_encoder *encoder); /* NULL is fine */

/* Values that could not be converted (written as null or a stand-in, as Debezium does with a warning), since the last call. */
struct debezium_failures {
    uint64_t count;
    const char *schema, *table, *column; /* the first of them, good until the next encoding; NULL when count is 0 */
};
struct debezium_failures debezium_encoder_take_failures(struct debezium_encoder *encoder);

/* ---- Plans ---- */

struct debezium_plan;

enum debezium_reader {
    READER_SNAPSHOT, /* rows of COPY: Debezium reads them through JDBC, and some types differ (name, dates before Christ, …) */
    READER_STREAM    /* rows of pgoutput */
};

/*
 * Makes the plan of a table. A relation that is read from the catalog for a snapshot has its generated columns, one from the
 * stream has not (PostgreSQL before 18 does not send them).
 * relation  borrowed until the call returns
 * Errors    BAD_INPUT: what Debezium would stop for (columns that differ by case only, names that become equal, …)
 */
enum status debezium_plan_create(struct debezium_encoder *encoder, const struct pg_relation *relation, enum debezium_reader reader,
                                 struct debezium_plan **created, struct error *error);
void debezium_plan_destroy(struct debezium_plan *plan); /* NULL is fine */

const char *debezium_plan_topic(const struct debezium_plan *plan);
bool debezium_plan_uses_column(const struct debezium_plan *plan, size_t column); /* in key or value; others may be given as NULL */

/* Do two relations make the same plan? Then a RELATION message changes nothing. */
bool pg_relation_equal(const struct pg_relation *a, const struct pg_relation *b);

/* ---- Records ---- */

/*
 * Encodes a change. Up to three records: a change of the key makes a delete, its tombstone and a create.
 * No record when skipped.operations or skip.messages.without.change leave it out.
 * Replaying a transaction whose first changes are published already: encode those too and drop the output, so that
 * the numbers of provide.transaction.metadata are the same again.
 * output  overwritten; its bytes live until the encoder's next call
 * Errors  BAD_INPUT: what stops Debezium's task (row and table do not fit, null in a required column without fallback, a
 *         failed conversion with event.converting.failure.handling.mode=fail); LIMIT (a record past 1 GiB)
 */
enum status debezium_encode(struct debezium_encoder *encoder, struct debezium_plan *plan, const struct debezium_event *event,
                            struct debezium_output *output, struct error *error);

/*
 * A logical message (pg_logical_emit_message), op "m". Ask debezium_config_captures_message first.
 * transactional  else source.xid should be -1 and source.last_commit_lsn the message's own LSN
 */
enum status debezium_encode_message(struct debezium_encoder *encoder, bool transactional, const char *prefix, struct slice content,
                                    const struct debezium_source *source, int64_t now_ns, struct debezium_output *output,
                                    struct error *error);

/*
 * BEGIN and COMMIT of every transaction the stream delivers. They make records only with provide.transaction.metadata.
 * lsn      of the BEGIN's first change; of the COMMIT its end_lsn
 * time_us  commit time, since 1970
 */
enum status debezium_encode_begin(struct debezium_encoder *encoder, uint32_t xid, uint64_t lsn, int64_t time_us,
                                  struct debezium_output *output, struct error *error);
enum status debezium_encode_commit(struct debezium_encoder *encoder, uint64_t end_lsn, int64_t time_us, struct debezium_output *output,
                                   struct error *error);

/* A heartbeat, to partition 0 of config->heartbeat_topic. */
enum status debezium_encode_heartbeat(struct debezium_encoder *encoder, int64_t now_ms, struct debezium_output *output,
                                      struct error *error);

/* A notification for notification.sink.topic.name. data: pairs of key and value, `count` of them. */
struct debezium_notification {
    const char *topic;
    const char *id, *type, *aggregate_type;
    const char *const (*data)[2];
    size_t count;
    int64_t now_ms;
};
enum status debezium_encode_notification(struct debezium_encoder *encoder, const struct debezium_notification *notification,
                                         struct debezium_output *output, struct error *error);

#endif
