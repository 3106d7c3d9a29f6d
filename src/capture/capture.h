/*
 * capture/capture.h: one connector's task: a thread that snapshots and streams one PostgreSQL database into the log.
 * connect/ creates, stops and asks; everything else happens inside.
 */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/properties.h"
#include "log/log.h"

struct capture;

struct capture_start {
    const char *connector;            /* its name; the log's owner is "connector/<name>" */
    const struct properties *config;  /* the connector's configuration, placeholders resolved; copied */
    const struct properties *aliases; /* host.aliases: name -> address or socket directory; copied; may be NULL */
    struct log *log;
    void (*changed)(void *context); /* called on the capture thread when the status below changes; may be NULL */
    void *context;
};

/*
 * Checks the configuration and starts the thread; connecting happens on the thread, so a database that is down is a
 * status, not an error here.
 * Errors  BAD_INPUT (which property, what is wrong)
 */
enum status capture_start(const struct capture_start *start, struct capture **started, struct error *error);

/* Stops streaming at the next event, publishes what was read, confirms what is durable, joins the thread. Under 5 s. NULL is fine. */
void capture_stop(struct capture *capture);

enum capture_state { CAPTURE_STARTING, CAPTURE_SNAPSHOT, CAPTURE_STREAMING, CAPTURE_RETRYING, CAPTURE_FAILED, CAPTURE_STOPPED };

/* A consistent copy. LSNs are PostgreSQL's, 0 when unknown. received >= appended >= durable >= confirmed. */
struct capture_status {
    enum capture_state state;
    struct error error;  /* why RETRYING or FAILED: the first line says it in Debezium's words where it has some, a second
                            line (after '\n') says what to do */
    int64_t retry_at_ms; /* RETRYING: wall clock of the next attempt */
    int64_t since_ms;    /* wall clock since when the state is this one; of RETRYING: since the first failure */
    int32_t attempts;    /* RETRYING and FAILED: how many have failed in a row */
    uint64_t received_lsn, appended_lsn, durable_lsn, confirmed_lsn;
    int64_t rows, transactions; /* since the start of the thread */
    int64_t source_time_us;     /* commit time of the last durable transaction, since 1970; 0 none */

    /* The last streamed row that is durable: when it was committed (PostgreSQL's clock), and here received, appended, durable and told to
       PostgreSQL, in microseconds since 1970; 0 none yet. */
    int64_t committed_us, received_us, appended_us, durable_us, confirmed_us;
    int64_t latency_p50_us, latency_p99_us; /* commit to durable over the last minute; -1 none */

    int64_t snapshot_rows, snapshot_tables_done, snapshot_tables;
    /* The incremental snapshot that was begun last; incremental_tables 0: it is over. */
    char incremental_id[64];       /* of the signal that began it; "": none was since the start of the thread */
    char incremental_table[192];   /* being read; "schema.table" */
    int64_t incremental_rows;      /* read of that table so far */
    int64_t incremental_tables;    /* that are left, with that one */
    bool incremental_is_paused;
    double incremental_load_max;   /* share of one PostgreSQL process's time that it may take; 0: all of it */
    double incremental_load;       /* that it took so far; 0: not known yet */
    char incremental_error[300];   /* why it, or one of its tables, was not read to its end; "": nothing was wrong */

    int64_t heard_ms; /* wall clock: when PostgreSQL last said something in the stream; it is asked when it is silent for some seconds. 0: no stream */

    int64_t snapshot_started_ms; /* wall clock; 0: none was taken since the start of the thread */
    int64_t snapshot_ended_ms;   /* wall clock; 0: it has not come to its end */
    bool snapshot_is_blocking;   /* a signal asked for it */
};
void capture_status_read(const struct capture *capture, struct capture_status *status);

/*
 * Calls visit once for each topic that this thread has published data records to, with their number so far; Connect's
 * list of a connector's active topics comes from here. Heartbeat and transaction topics count too. Thread: any.
 */
void capture_topics_visit(const struct capture *capture, void (*visit)(void *context, const char *topic, int64_t records), void *context);

/* Calls visit for the tables of the snapshot under way, or of the last one of this thread. Thread: any. */
void capture_snapshot_visit(const struct capture *capture, void (*visit)(void *context, const char *table, int64_t rows, int64_t rows_about, bool is_done), void *context);

/*
 * The log's position of an owner, turned into the value of Connect's offset record (JSON object, Debezium's members and
 * order; an empty object while there was no record yet), and back (extra members are kept; a JSON that lacks ours starts
 * from its lsn). Pure.
 */
enum status capture_position_to_offset(struct slice position, struct buffer *json, struct error *error);
enum status capture_position_from_offset(struct slice json, struct buffer *position, struct error *error);

/* Where the log's position of an owner lets the stream begin; 0: there is none, its first snapshot has not ended, or it cannot be read. Pure. */
uint64_t capture_position_lsn(struct slice position);

/*
 * Tries to connect as the validation of a configuration does. Waits up to 10 s.
 * stop_fd  readable: give up; -1: never
 * Errors   UNAVAILABLE or DATABASE with the text that Debezium's validation reports
 */
enum status capture_check(const struct properties *config, const struct properties *aliases, int stop_fd, struct error *error);

/* Properties that neither Debezium nor Connect knows, for warnings: true when known. */
bool capture_property_is_known(const char *key);

#endif
