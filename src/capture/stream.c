/*
 * See task.h, stream_run, and position.h for how a place in the stream is told.
 *
 * Publishing: rows are collected until a transaction is complete and the input is drained, or there are enough of them, or
 * enough time has passed. With nothing under way a single row is published at once; while publishes are under way rows
 * collect, so batches grow with the load by themselves.
 */
#include "capture/stream_internal.h"

#include "base/banned.h"
#include "base/text.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"

#define LOG_SUBSYSTEM "capture"
#define PUBLISH_BYTES (4 * 1000 * 1000)      /* uncompressed; then published at the next commit */
#define PUBLISH_MEMORY_MAX (8 * 1000 * 1000) /* batches in memory; then also in the middle of a transaction */
#define PUBLISH_DELAY_NS (5 * NS_PER_MS)     /* rows of complete transactions wait no longer, however busy the input is */
#define UNDER_WAY_BUSY 2                     /* with so many publishes not durable yet, rows collect */
#define CONFIRM_INTERVAL_MS 20               /* status updates to PostgreSQL are at least so far apart, unless asked for */
#define IDLE_PUBLISH_MS 1000                 /* a position without rows is published this often at most */
#define MESSAGES_PER_CHECK 256               /* messages between looks at the clock and the stop while the input is busy */
#define ASK_AFTER_MS 3000                    /* of silence PostgreSQL is asked to say something: an idle one sends nothing by itself */
#define BREATHE_MS 2000                      /* status updates while the stream waits */
#define STOP_COMMIT_WAIT_MS 500              /* how long a stop waits for the end of a transaction */

/* ---- Publishing and confirming ---- */

static enum status publish(struct stream *stream, struct error *error)
{
    enum status status;

    stream->task->position.signals = signals_state(stream->signals);
    status = task_publish(stream->task, error);
    stream->position_moved = false;
    stream->last_publish_ms = clock_monotonic_ms();
    task_report_failures(stream->task);
    return status;
}

/* Is it time to publish what there is? `drained`: the input has nothing more at the moment. */
static bool is_due(const struct stream *stream, bool drained)
{
    const struct output *output = stream->task->output;
    size_t bytes = output_bytes(output);

    if (output_is_empty(output))
        return false;
    if (stream->in_transaction)
        return output_memory(output) >= PUBLISH_MEMORY_MAX;
    if (bytes >= PUBLISH_BYTES)
        return true;
    if (drained && output_under_way(output) < UNDER_WAY_BUSY)
        return true;
    return clock_now_ns() - stream->first_row_ns >= PUBLISH_DELAY_NS;
}

/* ask: PostgreSQL is to answer at once */
static enum status send_status(struct stream *stream, bool ask, struct error *error)
{
    uint8_t message[STANDBY_STATUS_SIZE];
    uint64_t flushed = stream->task->settings->flush_mode == FLUSH_MANUAL ? 0 : stream->confirmed_lsn;
    uint64_t received = stream->received_lsn > flushed ? stream->received_lsn : flushed;

    standby_status_write(message, received, flushed, flushed, clock_now_us(), ask);
    if (PQputCopyData(stream->connection->pg, (const char *)message, sizeof(message)) < 0 || PQflush(stream->connection->pg) < 0)
        return pg_connection_failure(stream->connection, NULL, error);
    stream->last_status_ms = clock_monotonic_ms();
    stream->reply_requested = false;
    if (stream->task->status->durable_us > stream->task->status->confirmed_us)
        stream->task->status->confirmed_us = clock_now_us();
    stream->task->status->confirmed_lsn = flushed;
    return OK;
}

/* For those who look. */
static void note_way(struct stream *stream)
{
    struct capture_status *status = stream->task->status;
    struct output_way way = output_way(stream->task->output);

    status->committed_us = way.committed_us;
    status->received_us = way.received_us;
    status->appended_us = way.appended_us;
    status->durable_us = way.durable_us;
    output_latency(stream->task->output, &status->latency_p50_us, &status->latency_p99_us);
}

/* Tells PostgreSQL what is durable; only that, and never less than before. */
static enum status confirm(struct stream *stream, int64_t now_ms, struct error *error)
{
    struct task *task = stream->task;
    struct output_durable durable = output_durable(task->output);
    bool moved = durable.resume_lsn > stream->confirmed_lsn, ask = !stream->is_asked && now_ms - stream->heard_ms >= ASK_AFTER_MS;
    int64_t since_ms = now_ms - stream->last_status_ms;
    enum status status;

    if (durable.resume_lsn > task->status->durable_lsn)
        task->status->durable_lsn = durable.resume_lsn;
    if (durable.time_us != 0)
        task->status->source_time_us = (int64_t)durable.time_us;
    if (!ask && !stream->reply_requested && !(moved && since_ms >= CONFIRM_INTERVAL_MS) && since_ms < task->settings->status_interval_ms)
        return OK;
    if (moved)
        stream->confirmed_lsn = durable.resume_lsn;
    task->status->received_lsn = stream->received_lsn > task->status->appended_lsn ? stream->received_lsn : task->status->appended_lsn;
    note_way(stream);
    stream->is_asked = stream->is_asked || ask;
    status = send_status(stream, ask, error);
    task->report(task->context);
    return status;
}

/* A position that moved without rows is published now and then, so that PostgreSQL can be told. */
static enum status publish_idle(struct stream *stream, int64_t now_ms, struct error *error)
{
    int64_t interval =
        stream->task->settings->status_interval_ms < IDLE_PUBLISH_MS ? stream->task->settings->status_interval_ms : IDLE_PUBLISH_MS;

    if (!stream->position_moved || stream->in_transaction || !output_is_empty(stream->task->output) ||
        now_ms - stream->last_publish_ms < interval)
        return OK;
    return publish(stream, error);
}

/* ---- Heartbeats ---- */

static enum status run_heartbeat_query(struct stream *stream, struct error *error)
{
    struct task *task = stream->task;
    enum status status = OK;

    if (task->settings->heartbeat_query == NULL)
        return OK;
    if (stream->heartbeat != NULL && PQstatus(stream->heartbeat->pg) != CONNECTION_OK) {
        pg_connection_close(stream->heartbeat);
        stream->heartbeat = NULL;
    }
    if (stream->heartbeat == NULL)
        status = pg_connection_open(task->settings, CONNECTION_SQL, "Debezium General", NULL, task->stop_fd, &stream->heartbeat, error);
    if (status == OK)
        status = pg_connection_run(stream->heartbeat, task->settings->heartbeat_query, NULL, error);
    if (status == ERROR_DATABASE && stream->heartbeat != NULL &&
        (strcmp(stream->heartbeat->sqlstate, "42P01") == 0 || strcmp(stream->heartbeat->sqlstate, "57P01") == 0)) {
        error_context(error, "Could not execute heartbeat action query (Error: %s)", stream->heartbeat->sqlstate);
        error_remedy(error, "correct heartbeat.action.query, or make the table that it names");
        return status;
    }
    if (status == ERROR_DATABASE) {
        LOG_WARNING("heartbeat.action.query failed: %s connector=%s", error->message, task->settings->connector);
        return OK;
    }
    return status;
}

static enum status beat(struct stream *stream, int64_t now_ms, struct error *error)
{
    struct task *task = stream->task;
    struct debezium_output output;
    int64_t now_ns = clock_now_ns();
    enum status status;

    if (task->settings->heartbeat_interval_ms == 0 || stream->in_transaction || stream->lsn == 0 ||
        now_ms - stream->last_heartbeat_ms < task->settings->heartbeat_interval_ms)
        return OK;
    stream->last_heartbeat_ms = now_ms;
    status = debezium_encode_heartbeat(task->encoder, now_ns / NS_PER_MS, &output, error);
    if (status == OK)
        status = stream_add(stream, &output, now_ns, error);
    if (status == OK)
        status = run_heartbeat_query(stream, error);
    return status;
}

/* ---- The loop ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long to sleep when the input is drained. */
static int64_t idle_ms(const struct stream *stream, int64_t now_ms)
{
    const struct capture_settings *settings = stream->task->settings;
    int64_t wait = settings->status_interval_ms - (now_ms - stream->last_status_ms);

    if (settings->heartbeat_interval_ms > 0 && stream->lsn != 0)
        wait = least(wait, settings->heartbeat_interval_ms - (now_ms - stream->last_heartbeat_ms));
    if (!output_is_empty(stream->task->output) && !stream->in_transaction)
        wait = least(wait, PUBLISH_DELAY_NS / NS_PER_MS);
    if (stream->position_moved)
        wait = least(wait, IDLE_PUBLISH_MS);
    if (signals_poll_ms(stream->signals) > 0)
        wait = least(wait, signals_poll_ms(stream->signals));
    if (signals_rest_ms(stream->signals, now_ms) >= 0)
        wait = least(wait, signals_rest_ms(stream->signals, now_ms));
    if (stream->task->status->durable_lsn > stream->confirmed_lsn)
        wait = least(wait, CONFIRM_INTERVAL_MS);
    if (!stream->is_asked)
        wait = least(wait, stream->heard_ms + ASK_AFTER_MS - now_ms);
    return wait < 0 ? 0 : wait;
}

/* Something came, or what comes is not looked at. */
static void heard(struct stream *stream, int64_t now_ms)
{
    stream->heard_ms = now_ms;
    stream->task->status->heard_ms = clock_now_ms();
    if (stream->is_asked)
        stream->task->report(stream->task->context);
    stream->is_asked = false;
}

/* While something long is done beside the stream: PostgreSQL hears from us, or it would end the connection. */
static enum status breathe(void *context, struct error *error)
{
    struct stream *stream = context;
    int64_t now_ms = clock_monotonic_ms();

    if (now_ms - stream->last_status_ms < BREATHE_MS)
        return OK;
    heard(stream, now_ms);
    stream->reply_requested = true;
    return confirm(stream, now_ms, error);
}

/* Blocking snapshots that a signal asked for; the stream waits meanwhile. */
static enum status run_pending(struct stream *stream, struct error *error)
{
    struct debezium_source source;
    enum status status = OK;

    stream_source(stream, stream->lsn, &source);
    source.xid = stream->tx_id == 0 ? -1 : (int64_t)stream->tx_id;
    if (!output_is_empty(stream->task->output) || stream->position_moved)
        status = publish(stream, error); /* the signal itself is published first: after a crash it is known */
    if (status == OK)
        status = signals_run_pending(stream->signals, &source, error);
    return status == OK ? publish(stream, error) : status;
}

/* What is done between messages: publish, confirm, beat, signals. */
static enum status tend(struct stream *stream, bool drained, struct error *error)
{
    int64_t now_ms = clock_monotonic_ms();
    enum status status;

    if (!drained)
        heard(stream, now_ms);
    status = beat(stream, now_ms, error);
    if (status == OK && !stream->in_transaction)
        status = signals_poll(stream->signals, now_ms, error);
    if (status == OK && !stream->in_transaction)
        status = signals_rested(stream->signals, now_ms, error);
    if (status == OK && !stream->in_transaction && signals_are_pending(stream->signals))
        status = run_pending(stream, error);
    if (status == OK && is_due(stream, drained))
        status = publish(stream, error);
    if (status == OK)
        status = publish_idle(stream, now_ms, error);
    if (status == OK)
        status = confirm(stream, now_ms, error);
    return status;
}

/* Takes messages until the buffered input is used up. */
static enum status drain(struct stream *stream, bool *ended, struct error *error)
{
    enum status status = OK;
    int count = 0;

    while (status == OK) {
        char *bytes = NULL;
        int size = PQgetCopyData(stream->connection->pg, &bytes, 1);

        if (size == 0)
            break;
        if (size < 0) {
            *ended = size == -1;
            return size == -1 ? OK : pg_connection_failure(stream->connection, NULL, error);
        }
        status = stream_take(stream, slice_of(bytes, (size_t)size), error);
        PQfreemem(bytes);
        if (status == OK && (is_due(stream, false) || ++count % MESSAGES_PER_CHECK == 0)) {
            status = tend(stream, false, error);
            if (status == OK && task_is_stopped(stream->task))
                status = error_set(error, ERROR_CLOSED, "stopped");
        }
    }
    return status;
}

/* The server ended the stream: by an error, or because it shuts down. */
static enum status stream_ended(struct stream *stream, struct error *error)
{
    PGresult *result = PQgetResult(stream->connection->pg);
    enum status status;

    if (result != NULL && PQresultStatus(result) == PGRES_FATAL_ERROR)
        status = pg_connection_failure(stream->connection, result, error);
    else
        status = error_set(error, ERROR_UNAVAILABLE, "PostgreSQL ended the stream");
    PQclear(result);
    return status;
}

static enum status read_input(struct stream *stream, struct error *error)
{
    if (PQconsumeInput(stream->connection->pg) == 0)
        return pg_connection_failure(stream->connection, NULL, error);
    return OK;
}

static enum status loop(struct stream *stream, struct error *error)
{
    struct task *task = stream->task;
    struct pg_ready ready = {.input = true};
    bool ended = false;
    enum status status = OK;

    while (status == OK && !ended) {
        uint64_t before = stream->messages;
        bool drained;

        if (ready.input)
            status = read_input(stream, error);
        if (status == OK && ready.input)
            status = drain(stream, &ended, error);
        drained = stream->messages == before;
        if (status == OK && !ended)
            status = tend(stream, drained, error);
        if (status == OK && !ended && drained) {
            status =
                pg_connection_wait_with(stream->connection, output_fd(task->output), idle_ms(stream, clock_monotonic_ms()), &ready, error);
            if (status == OK && ready.also)
                status = output_wake(task->output, error);
        }
    }
    if (status == OK)
        status = stream_ended(stream, error);
    return status;
}

/* ---- Start and stop ---- */

static enum status start(struct stream *stream, struct error *error)
{
    struct task *task = stream->task;
    const struct capture_settings *settings = task->settings;
    char lsn[PG_LSN_TEXT_SIZE];
    struct buffer sql;
    struct slice rest = slice_from_string(settings->slot_stream_parameters == NULL ? "" : settings->slot_stream_parameters);
    struct slice parameter;
    enum status status;

    buffer_init(&sql, 64 * 1024);
    pg_lsn_to_text(task->position.resume_lsn, lsn);
    buffer_append_format(&sql, "START_REPLICATION SLOT \"%s\" LOGICAL %s (", settings->slot, lsn);
    while (text_next_field(&rest, ';', &parameter)) {
        const uint8_t *equals = parameter.size == 0 ? NULL : memchr(parameter.data, '=', parameter.size);

        if (equals != NULL)
            buffer_append_format(&sql, "\"%.*s\" '%.*s', ", (int)(equals - parameter.data), (const char *)parameter.data,
                                 (int)(parameter.size - (size_t)(equals - parameter.data) - 1), (const char *)equals + 1);
    }
    buffer_append_format(&sql, "\"proto_version\" '1', \"publication_names\" '%s'%s)", settings->publication,
                         stream->connection->version >= 140000 ? ", \"messages\" 'true'" : "");
    buffer_append_u8(&sql, '\0');
    status = pg_connection_start_copy(stream->connection, (const char *)sql.data, error);
    buffer_finish(&sql);
    if (status == OK) {
        LOG_INFO("streaming from %s connector=%s slot=%s", lsn, settings->connector, settings->slot);
        return OK;
    }
    if (strcmp(stream->connection->sqlstate, "55006") == 0) {
        error_remedy(error, "another program reads slot %s: stop it, or give this connector a slot.name of its own", settings->slot);
        return ERROR_UNAVAILABLE;
    }
    if (strstr(error->message, "requested WAL segment") != NULL)
        error_remedy(error,
                     "The offset to start reading from has been removed from the database write-ahead log. Create a new snapshot: drop "
                     "slot %s and set "
                     "snapshot.mode=when_needed",
                     settings->slot);
    return status;
}

/* A stop: publishes what is complete, waits until it is durable, and tells PostgreSQL. */
static void finish_cleanly(struct stream *stream)
{
    struct task *task = stream->task;
    int64_t deadline = clock_monotonic_ms() + STOP_COMMIT_WAIT_MS;
    struct error error;
    bool ended = false;
    enum status status = OK;

    stream->connection->stop_fd = -1;
    /* The rest of the transaction may be on its way. Otherwise it is left out and comes again, whole. */
    while (status == OK && !ended && stream->in_transaction && !output_is_empty(task->output) && clock_monotonic_ms() < deadline) {
        char *bytes = NULL;
        int size = PQgetCopyData(stream->connection->pg, &bytes, 1);

        if (size > 0) {
            status = stream_take(stream, slice_of(bytes, (size_t)size), &error);
            PQfreemem(bytes);
        } else if (size == 0) {
            status = pg_connection_wait(stream->connection, deadline - clock_monotonic_ms(), &error);
            if (status == OK)
                status = read_input(stream, &error);
        } else {
            ended = true;
        }
    }
    if (status == OK && !stream->in_transaction && (!output_is_empty(task->output) || stream->position_moved))
        status = publish(stream, &error);
    if (status == OK)
        status = output_flush(task->output, &error);
    if (status == OK && !ended) {
        stream->reply_requested = true;
        status = confirm(stream, clock_monotonic_ms(), &error);
    }
    if (status == OK && !ended) {
        (void)PQputCopyEnd(stream->connection->pg, NULL);
        (void)PQflush(stream->connection->pg);
    }
    if (status != OK)
        LOG_WARNING("not all that was read could be published before the stop; it will come again: %s connector=%s", error.message,
                    task->settings->connector);
}

static void stream_finish(struct stream *stream)
{
    stream_tables_finish(stream);
    signals_destroy(stream->signals);
    stream->task->breathe = NULL;
    stream->task->status->heard_ms = 0;
    stream->task->position.signals = slice_null();
    pgoutput_decoder_finish(&stream->decoder);
    pg_connection_close(stream->heartbeat);
}

enum status stream_run(struct task *task, struct error *error)
{
    struct stream stream;
    enum status status;

    memset(&stream, 0, sizeof(stream));
    stream.task = task;
    stream.connection = task->replication;
    stream.connection->query_timeout_ms = 0;
    map_init(&stream.tables);
    pgoutput_decoder_init(&stream.decoder);
    stream.xmin = -1;
    stream.lsn = task->position.lsn;
    stream.lsn_proc = task->position.lsn_proc;
    stream.lsn_commit = task->position.commit_lsn;
    stream.tx_id = task->position.tx_id;
    stream.time_us = task->position.time_us;
    stream.message = (enum position_message)task->position.message;
    stream.confirmed_lsn = stream.received_lsn = task->stored_lsn;
    status = signals_create(task, &stream.signals, error);
    if (status == OK)
        status = start(&stream, error);
    if (status == OK) {
        task->breathe = breathe;
        task->breathe_context = &stream;
        task->status->state = CAPTURE_STREAMING;
        heard(&stream, clock_monotonic_ms());
        memset(&task->status->error, 0, sizeof(task->status->error));
        task->report(task->context);
        status = loop(&stream, error);
        if (status == ERROR_CLOSED && task_is_stopped(task))
            finish_cleanly(&stream);
    }
    stream_finish(&stream);
    return status;
}
