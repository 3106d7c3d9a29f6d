/*
 * capture/task.h: one attempt of a connector: connects, checks, snapshots, streams, until it is stopped or something fails.
 * capture.c starts it again. Its parts (snapshot.c, stream.c) share this struct.
 * Thread: the capture's.
 */
#ifndef CAPTURE_TASK_H
#define CAPTURE_TASK_H

#include "capture/capture.h"
#include "capture/catalog.h"
#include "capture/connection.h"
#include "capture/output.h"
#include "capture/position.h"
#include "capture/schemas.h"
#include "capture/settings.h"
#include "capture/slot.h"
#include "wire/debezium/envelope.h"

struct task {
    /* Given. */
    const struct capture_settings *settings;
    const struct debezium_config *config;
    struct log *log;
    struct topic_counts *counts;
    struct snapshot_book *book;    /* of the snapshot, for those who look */
    int stop_fd;                   /* readable: stop */
    struct capture_status *status; /* the working copy; `report` makes it seen */
    void (*report)(void *context);
    void *context;

    /* Made by task_run. */
    struct pg_connection *sql;         /* "Debezium General" */
    struct pg_connection *replication; /* "Debezium Streaming" */
    struct pg_catalog *catalog;
    struct debezium_encoder *encoder;
    struct output *output;
    struct buffer position_bytes; /* what `position` was read from */
    struct position position;     /* of the last record given to the output */
    struct schemas *schemas;      /* versions of the tables */
    struct log_stamp stamp;       /* of the records since the last publish */
    uint64_t stored_lsn;          /* its resume_lsn when the attempt began: durable, so PostgreSQL may be told */
    struct slot slot;             /* as it was found */
    bool slot_is_new;             /* made by this attempt: its snapshot is exported */
    struct slot_created created;
    enum status (*breathe)(void *context,
                           struct error *error); /* keeps the stream alive while something long is done; NULL: no stream yet */
    void *breathe_context;
};

/* Errors: CLOSED (stopped); else the status says whether it may pass: BAD_INPUT, CONFLICT, NOT_FOUND, MESSAGE_TOO_LARGE and BUG do not. */
enum status task_run(struct task *task, struct error *error);

/* The SQL connection, opened again when it was lost. */
enum status task_sql(struct task *task, struct error *error);

/* Hands the records of one event to the output. */
enum status task_add(struct task *task, const struct debezium_output *records, int64_t now_ns, struct error *error);

/* Publishes what was added together with the position, and reports. */
enum status task_publish(struct task *task, struct error *error);

/* Says once in a while that values could not be converted. */
void task_report_failures(struct task *task);

bool task_is_stopped(const struct task *task);

/* snapshot.c: reads all tables (or goes on where the position's progress says), publishes them, moves the position to where the stream
 * begins. */
enum status snapshot_run(struct task *task, struct error *error);

/* Reads the tables that a signal names, beside the stream. source: of the last event of the stream. */
struct signal;
enum status snapshot_run_blocking(struct task *task, const struct signal *signal, const struct debezium_source *source,
                                  struct error *error);

/* stream.c: streams from the position on until stopped. */
enum status stream_run(struct task *task, struct error *error);

#endif
