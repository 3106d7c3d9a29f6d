/* capture/stream_internal.h: what stream.c (the loop) and stream_events.c (what the messages mean) share. */
#ifndef CAPTURE_STREAM_INTERNAL_H
#define CAPTURE_STREAM_INTERNAL_H

#include "base/map.h"
#include "capture/signals.h"
#include "capture/task.h"
#include "wire/postgres/pgoutput.h"

/* A table as the stream last described it. */
struct stream_table {
    uint32_t oid;
    bool is_captured;
    bool is_noted;      /* task->schemas knows of it */
    struct arena arena; /* of the relation */
    struct pg_relation *relation;
    struct debezium_plan *plan;
};

struct stream {
    struct task *task;
    struct pg_connection *connection;
    struct pgoutput_decoder decoder;
    struct signals *signals;
    struct map tables; /* 4 bytes of oid -> struct stream_table */
    uint32_t last_oid; /* of last_table; rows of one table come in runs */
    struct stream_table *last_table;

    /* The transaction under way. */
    bool in_transaction;
    bool is_replayed; /* its beginning is published already: left out until the position's event */
    struct pgoutput_begin begin;
    const char *origin; /* in origin_text, or NULL */
    char origin_text[256];
    uint64_t origin_lsn;
    uint64_t event_lsn;
    uint64_t event_ordinal;

    /* Debezium's offset as of now; it goes into the position with the next record. */
    uint64_t lsn, lsn_proc, lsn_commit, tx_id, time_us;
    enum position_message message;
    int64_t xmin;
    int64_t xmin_read_ms;

    uint64_t messages;     /* CopyData so far */
    uint64_t received_lsn; /* the end of what has come */
    uint64_t confirmed_lsn;
    bool position_moved; /* past what was published last, without rows */
    bool reply_requested;
    int64_t heard_ms; /* monotonic: when the last message came, or nobody listened */
    bool is_asked;    /* since then, whether it is still there */
    int64_t first_row_ns; /* when the oldest unpublished row came */
    int64_t last_publish_ms, last_status_ms, last_heartbeat_ms;
    struct pg_connection *heartbeat; /* of heartbeat.action.query */
};

/* One CopyData of the stream: moves the position, adds records to the output. */
enum status stream_take(struct stream *stream, struct slice bytes, struct error *error);

/* Adds records at the stream's place; for what stream.c makes itself. */
enum status stream_add(struct stream *stream, const struct debezium_output *output, int64_t now_ns, struct error *error);

/* The block "source" of an event at this LSN. */
void stream_source(const struct stream *stream, uint64_t lsn, struct debezium_source *source);

void stream_tables_finish(struct stream *stream);

#endif
