/*
 * wire/postgres/pgoutput.h: the messages of the output plugin pgoutput, and the replication stream that carries them.
 * Everything is borrowed from the bytes given: it lives as long as they do (the values of rows: until the next decode).
 * Source: PostgreSQL docs, "Streaming Replication Protocol" and "Logical Replication Message Formats".
 */
#ifndef WIRE_POSTGRES_PGOUTPUT_H
#define WIRE_POSTGRES_PGOUTPUT_H

#include "base/reader.h"
#include "wire/postgres/relation.h"

/* ---- Positions in the WAL ---- */

#define PG_LSN_TEXT_SIZE 18 /* "FFFFFFFF/FFFFFFFF" and a NUL */

void pg_lsn_to_text(uint64_t lsn, char text[PG_LSN_TEXT_SIZE]); /* "16/B374D848" */
bool pg_lsn_from_text(struct slice text, uint64_t *lsn);        /* false when it is not one */

/* ---- What a CopyData of the stream holds ---- */

#define REPLICATION_DATA 'w'
#define REPLICATION_KEEPALIVE 'k'

struct replication_message {
    char kind;            /* REPLICATION_DATA or REPLICATION_KEEPALIVE */
    uint64_t start_lsn;   /* DATA: where the data stands in the WAL; Debezium's source.lsn */
    uint64_t end_lsn;     /* the server's end of WAL */
    int64_t sent_us;      /* the server's clock, since 1970 */
    bool reply_requested; /* KEEPALIVE */
    struct slice data;    /* DATA: a pgoutput message */
};

/* False when it is neither or cut short. */
bool replication_message_read(struct slice bytes, struct replication_message *message);

#define STANDBY_STATUS_SIZE 34

/* The answer: how far WAL was received, is durable here and may be forgotten there. now_us: since 1970. */
void standby_status_write(uint8_t out[STANDBY_STATUS_SIZE], uint64_t received_lsn, uint64_t flushed_lsn, uint64_t applied_lsn,
                          int64_t now_us, bool reply_requested);

/* ---- pgoutput ---- */

enum pgoutput_kind {
    PGOUTPUT_BEGIN = 'B',
    PGOUTPUT_COMMIT = 'C',
    PGOUTPUT_ORIGIN = 'O',
    PGOUTPUT_RELATION = 'R',
    PGOUTPUT_TYPE = 'Y',
    PGOUTPUT_INSERT = 'I',
    PGOUTPUT_UPDATE = 'U',
    PGOUTPUT_DELETE = 'D',
    PGOUTPUT_TRUNCATE = 'T',
    PGOUTPUT_MESSAGE = 'M',
    PGOUTPUT_STREAM_START = 'S', /* from here on to the end of this list: proto_version 2 and later */
    PGOUTPUT_STREAM_STOP = 'E',
    PGOUTPUT_STREAM_COMMIT = 'c',
    PGOUTPUT_STREAM_ABORT = 'A',
};

struct pgoutput_begin {
    uint64_t final_lsn;     /* of the commit record */
    int64_t commit_time_us; /* since 1970 */
    uint32_t xid;
};

struct pgoutput_commit { /* COMMIT and STREAM_COMMIT */
    uint32_t xid;        /* STREAM_COMMIT only */
    uint64_t commit_lsn;
    uint64_t end_lsn;       /* behind the commit record */
    int64_t commit_time_us; /* since 1970 */
};

struct pgoutput_origin {
    uint64_t lsn;
    const char *name;
};

struct pgoutput_type {
    uint32_t oid;
    const char *schema; /* "" for pg_catalog */
    const char *name;
};

struct pgoutput_relation {
    uint32_t oid;
    const char *schema; /* "" for pg_catalog */
    const char *name;
    char replica_identity;
    uint16_t column_count;
    struct reader columns; /* for pgoutput_column_next; checked already */
};

struct pgoutput_column {
    bool in_key; /* part of the replica identity */
    const char *name;
    uint32_t type_oid;
    int32_t modifier;
};

struct pgoutput_change { /* INSERT, UPDATE, DELETE */
    uint32_t relation_oid;
    bool has_old;    /* UPDATE and DELETE: the old row was sent */
    bool old_is_key; /* ... but only its replica identity (the others are null), else it is whole */
    struct pg_row old;
    struct pg_row new; /* INSERT and UPDATE */
};

#define PGOUTPUT_TRUNCATE_CASCADE 1
#define PGOUTPUT_TRUNCATE_RESTART_IDENTITY 2

struct pgoutput_truncate {
    uint8_t options;
    uint32_t relation_count;
    struct reader relations; /* read_u32 each; checked already */
};

struct pgoutput_emitted { /* MESSAGE: pg_logical_emit_message */
    bool transactional;
    uint64_t lsn;
    const char *prefix;
    struct slice content;
};

struct pgoutput_stream_start {
    uint32_t xid; /* of the top transaction */
    bool first_segment;
};

struct pgoutput_stream_abort {
    uint32_t xid;
    uint32_t subxid; /* equals xid when the whole transaction is gone */
    bool has_abort;  /* proto_version 4 with parallel streaming */
    uint64_t abort_lsn;
    int64_t abort_time_us; /* since 1970 */
};

struct pgoutput_message {
    enum pgoutput_kind kind;
    uint32_t xid; /* inside a streamed block: the (sub)transaction this belongs to; else 0 */
    union {
        struct pgoutput_begin begin;
        struct pgoutput_commit commit;
        struct pgoutput_origin origin;
        struct pgoutput_type type;
        struct pgoutput_relation relation;
        struct pgoutput_change change;
        struct pgoutput_truncate truncate;
        struct pgoutput_emitted message;
        struct pgoutput_stream_start stream_start;
        struct pgoutput_stream_abort stream_abort;
    };
};

/* Holds the rows' values between decodes, and whether a streamed block is open. */
struct pgoutput_decoder {
    struct pg_value *old_values;
    struct pg_value *new_values;
    size_t old_capacity;
    size_t new_capacity;
    bool in_stream;
};

void pgoutput_decoder_init(struct pgoutput_decoder *decoder);
void pgoutput_decoder_finish(struct pgoutput_decoder *decoder);

/*
 * Decodes one message. Any proto_version from 1 to 4; no two-phase messages, no binary values (neither is asked for).
 * bytes    replication_message.data
 * message  set only when true; its rows live until the next decode
 * False    an unknown kind, cut short, trailing bytes, or a count that lies
 */
bool pgoutput_decode(struct pgoutput_decoder *decoder, struct slice bytes, struct pgoutput_message *message);

/* The next column of a RELATION; false when there is none left. */
bool pgoutput_column_next(struct pgoutput_relation *relation, struct pgoutput_column *column);

#endif
