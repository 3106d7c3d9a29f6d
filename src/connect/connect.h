/*
 * connect/connect.h: Kafka Connect's REST API and the life of connectors: configurations, offsets and statuses as records
 * of the connect-* topics, one capture thread per running connector. server/ starts and stops it.
 */
#ifndef CONNECT_CONNECT_H
#define CONNECT_CONNECT_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/properties.h"
#include "connect/http.h"
#include "log/log.h"

struct connect;

struct connect_settings {
    const char *listener;             /* "host:port"; port 0 takes a free one */
    const struct properties *values;  /* all effective settings by Connect's names; copied. Read here: config.storage.topic,
                                         offset.storage.topic,  offset.storage.partitions, status.storage.topic, status.storage.partitions,
                                         offset.flush.interval.ms,  rest.advertised.host.name, console.hosts, connect.mask.passwords, and as
                                         defaults of connectors  key.converter*, value.converter*, header.converter*, producer.* */
    const struct properties *aliases; /* host.aliases; copied */
    const char *cluster_id;           /* for GET / */
};

/*
 * Reads the connect-* topics (creating them when missing), binds the port, starts the REST threads and the connectors
 * that should run.
 * Errors  UNAVAILABLE (the port is in use: names the port and the setting), DISK
 */
enum status connect_start(const struct connect_settings *settings, struct log *log, struct connect **started, struct error *error);

/* The beginning of connect_stop: connectors begin to stop, and no request waits for one of them or for a database any more. NULL is fine. */
void connect_interrupt(struct connect *connect);

/* Stops every connector (each publishes and confirms), writes offsets and statuses, closes the port; under 5 s. NULL is fine. */
void connect_stop(struct connect *connect);

const char *connect_listener(const struct connect *connect); /* with the real port */

/*
 * Answers a request as the REST API does, for the console: same handlers, same answers.
 * request  its path is one of the REST API's
 * Thread   any; may wait
 */
void connect_handle(struct connect *connect, const struct http_request *request, struct http_response *response);

struct connect_database {
    const char *connector;
    struct properties config; /* placeholders resolved, so with passwords: the caller finishes it, and shows it to nobody */
    bool is_running;          /* it has a task under way */
};

/* The configurations of all connectors, or of those that are not stopped, in memory of the arena. Thread: any. */
struct connect_database *connect_databases(struct connect *connect, bool with_stopped, struct arena *arena, size_t *count);

/*
 * Where a connector of that name, whether it exists or was deleted, would go on: the log's position or, without one, the offset in connect-offsets
 * for that topic.prefix (may be NULL). 0: there is none, or its first snapshot has not ended. Thread: any.
 */
uint64_t connect_stored_lsn(struct connect *connect, const char *name, const char *prefix);

/*
 * Checks a configuration as preflight_run does, with what is known here of other connectors, topics and the worker.
 * name             of the connector; NULL: it has none yet. Of one that exists masked secrets are put back
 * config           as it came
 * disk_here_bytes  free where the log is; -1: not known
 * Errors           BAD_INPUT: a placeholder cannot be filled
 * Thread           any; may wait for the database
 */
struct preflight;
enum status connect_preflight(struct connect *connect, const char *name, const struct properties *config, int64_t disk_here_bytes, struct arena *arena,
                              struct preflight **checked, struct error *error);

/*
 * Appends one JSON array of all connectors for `tailrace status`, health and metrics:
 *   name, type        "source"
 *   target            STARTED, PAUSED or STOPPED: what it is wanted to be; target_since_ms since when (0: not known), target_by by whom
 *                     ("console, 127.0.0.1"; null: not known)
 *   state, task_state as in the REST API: RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED, RESTARTING; task_state null without a task
 *   trace             of a failed task, null otherwise
 *   capture           null, or {state: starting snapshot streaming retrying failed stopped, error, since_ms, attempts, retry_at_ms, received_lsn, appended_lsn,
 *                     durable_lsn, confirmed_lsn, rows, transactions, source_time_us, committed_us, received_us, appended_us, durable_us,
 *                     confirmed_us, latency_p50_us, latency_p99_us, snapshot_rows, snapshot_tables_done, snapshot_tables,
 *                     snapshot_started_ms, snapshot_ended_ms (0: not ended), snapshot_blocking, snapshot_table_list: [{table, rows, rows_about
 *                     (-1: not known), done}], and once one was begun incremental: {id, table, rows, tables (left; 0: it is over), paused,
 *                     load_max, load (shares of one PostgreSQL process's time; 0: no limit, not known), error}}
 *   topics            names of those written to
 *   warnings          [{setting, nearest}] of settings without effect; nearest may be null
 *   config            secrets masked
 */
void connect_describe(struct connect *connect, struct buffer *json);

#endif
