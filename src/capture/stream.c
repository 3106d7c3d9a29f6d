/*
 * See task.h, stream_run, and position.h for how a place in the stream is told.
 *
 * Publishing: rows are collected until a transaction is complete and the input is drained, or there are enough of them, or
 * enough time has passed. With nothing under way a single row is published at once; while publishes are under way rows
 * collect, so batches grow with the load by themselves.
 */
#include "capture/task.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/time.h"
#include "capture/signals.h"
#include "os/clock.h"
#include "os/logger.h"
#include "wire/postgres/pgoutput.h"

#define LOG_SUBSYSTEM "capture"
#define PUBLISH_BYTES (4 * 1000 * 1000)      /* uncompressed; then published at the next commit */
#define PUBLISH_BYTES_MAX (16 * 1000 * 1000) /* then also in the middle of a transaction */
#define PUBLISH_DELAY_NS (5 * NS_PER_MS)     /* rows of complete transactions wait no longer, however busy the input is */
#define UNDER_WAY_BUSY 2                     /* with so many publishes not durable yet, rows collect */
#define CONFIRM_INTERVAL_MS 20               /* status updates to PostgreSQL are at least so far apart, unless asked for */
#define IDLE_PUBLISH_MS 1000                 /* a position without rows is published this often at most */
#define MESSAGES_PER_CHECK 256               /* messages between looks at the clock and the stop while the input is busy */
#define BREATHE_MS 2000                      /* status updates while the stream waits */
#define STOP_COMMIT_WAIT_MS 500              /* how long a stop waits for the end of a transaction */

/* A table as the stream last described it. */
struct stream_table {
    uint32_t oid;
    bool is_captured;
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
    int64_t first_row_ns; /* when the oldest unpublished row came */
    int64_t last_publish_ms, last_status_ms, last_heartbeat_ms;
    struct pg_connection *heartbeat; /* of heartbeat.action.query */
};

/* ---- Tables ---- */

static void table_clear(struct stream_table *table)
{
    debezium_plan_destroy(table->plan);
    arena_finish(&table->arena);
    table->plan = NULL;
    table->relation = NULL;
    arena_init(&table->arena, 1024);
}

static struct stream_table *table_find(struct stream *stream, uint32_t oid)
{
    if (oid == stream->last_oid && stream->last_table != NULL)
        return stream->last_table;
    stream->last_table = map_get(&stream->tables, slice_of(&oid, sizeof(oid)));
    stream->last_oid = oid;
    return stream->last_table;
}

/* Reads what the catalog adds; a connection that was lost is opened again. */
static enum status read_relation(struct stream *stream, struct pgoutput_relation *message, struct arena *arena,
                                 struct pg_relation **relation, struct error *error)
{
    struct task *task = stream->task;
    struct pgoutput_relation again = *message;
    enum status status = task_sql(task, error);

    if (status == OK)
        status = pg_catalog_relation_of_stream(task->catalog, task->sql, message, arena, relation, error);
    if (status == ERROR_UNAVAILABLE) {
        status = task_sql(task, error);
        if (status == OK)
            status = pg_catalog_relation_of_stream(task->catalog, task->sql, &again, arena, relation, error);
    }
    return status;
}

/* RELATION: comes before the first row of a table in a session and after each change of it. */
static enum status take_relation(struct stream *stream, struct pgoutput_relation *message, struct error *error)
{
    struct task *task = stream->task;
    const char *schema = message->schema[0] == '\0' ? "pg_catalog" : message->schema;
    struct stream_table *table = map_get(&stream->tables, slice_of(&message->oid, sizeof(message->oid)));
    struct pg_relation *relation = NULL;
    struct arena arena;
    enum status status;

    if (table == NULL) {
        table = memory_new(sizeof(*table));
        table->oid = message->oid;
        arena_init(&table->arena, 1024);
        (void)map_put(&stream->tables, slice_of(&message->oid, sizeof(message->oid)), table);
    }
    stream->last_table = NULL;
    table->is_captured = debezium_config_captures_table(task->config, schema, message->name);
    if (!table->is_captured) {
        table_clear(table);
        return OK;
    }
    arena_init(&arena, 1024);
    status = read_relation(stream, message, &arena, &relation, error);
    if (status == OK && table->relation != NULL && pg_relation_equal(table->relation, relation)) {
        arena_finish(&arena);
        return OK;
    }
    table_clear(table);
    arena_finish(&table->arena);
    table->arena = arena;
    table->relation = relation;
    if (status == OK)
        status = debezium_plan_create(task->encoder, relation, READER_STREAM, &table->plan, error);
    if (status != OK && status != ERROR_CLOSED)
        error_context(error, "table %s.%s", schema, message->name);
    return status;
}

/* ---- Records ---- */

static void fill_source(const struct stream *stream, uint64_t lsn, struct debezium_source *source)
{
    source->snapshot = SNAPSHOT_FALSE;
    source->time_ns = (int64_t)stream->time_us * NS_PER_US;
    source->lsn = lsn;
    source->last_commit_lsn = stream->lsn_commit;
    source->xid = stream->in_transaction ? (int64_t)stream->begin.xid : -1;
    source->xmin = stream->xmin;
    source->origin = stream->origin;
    source->origin_lsn = stream->origin_lsn;
}

/* The position of the record that is being added. */
static void move_position(struct stream *stream)
{
    struct position *position = &stream->task->position;

    position->lsn = stream->lsn;
    position->lsn_proc = stream->lsn_proc;
    position->lsn_commit = stream->lsn_commit;
    position->tx_id = stream->tx_id;
    position->time_us = stream->time_us;
    position->message = stream->message;
    position->xmin = stream->xmin < 0 ? 0 : (uint64_t)stream->xmin;
    position->snapshot = POSITION_STREAMING;
    position->last_snapshot_record = position->snapshot_completed = 0;
    position->offset_json = slice_null();
    if (stream->in_transaction) {
        position->transaction_lsn = stream->begin.final_lsn;
        position->event_lsn = stream->event_lsn;
        position->event_ordinal = stream->event_ordinal;
    }
}

static enum status add_records(struct stream *stream, const struct debezium_output *output, int64_t now_ns, struct error *error)
{
    if (output->count == 0)
        return OK;
    if (output_is_empty(stream->task->output))
        stream->first_row_ns = now_ns;
    move_position(stream);
    return task_add(stream->task, output, now_ns, error);
}

/*
 * Counts the event, and says whether it was published before: all of the interrupted transaction up to the position's event.
 */
static bool is_published(struct stream *stream, uint64_t lsn)
{
    const struct position *position = &stream->task->position;

    if (lsn == stream->event_lsn) {
        stream->event_ordinal++;
    } else {
        stream->event_lsn = lsn;
        stream->event_ordinal = 1;
    }
    if (!stream->is_replayed)
        return false;
    if (lsn < position->event_lsn || (lsn == position->event_lsn && stream->event_ordinal <= position->event_ordinal))
        return true;
    stream->is_replayed = false;
    return false;
}

/* Fills source.xmin; the slot is asked at most every xmin.fetch.interval.ms. */
static enum status refresh_xmin(struct stream *stream, int64_t now_ms, struct error *error)
{
    struct task *task = stream->task;
    struct slot slot;
    enum status status;

    if (task->settings->xmin_interval_ms == 0 ||
        (stream->xmin_read_ms != 0 && now_ms - stream->xmin_read_ms < task->settings->xmin_interval_ms))
        return OK;
    status = task_sql(task, error);
    if (status == OK)
        status = slot_read(task->sql, task->settings->slot, &slot, error);
    if (status == OK) {
        stream->xmin = slot.catalog_xmin;
        stream->xmin_read_ms = now_ms;
    }
    return status;
}

static enum status encode_change(struct stream *stream, const struct stream_table *table, const struct debezium_event *event,
                                 bool published, struct error *error)
{
    struct debezium_output output;
    enum status status = OK;

    if (!published)
        status = signals_take_change(stream->signals, table->relation, event, error);
    if (status == OK)
        status = debezium_encode(stream->task->encoder, table->plan, event, &output, error);
    if (status == OK && !published) {
        signals_seen(stream->signals, &output);
        stream->task->status->rows += output.count > 0;
        status = add_records(stream, &output, event->now_ns, error);
    }
    if (status != OK && status != ERROR_CLOSED)
        error_context(error, "table %s.%s", table->relation->schema, table->relation->name);
    return status;
}

static enum status take_change(struct stream *stream, const struct pgoutput_message *message, uint64_t lsn, struct error *error)
{
    struct task *task = stream->task;
    const struct pgoutput_change *change = &message->change;
    struct stream_table *table = table_find(stream, change->relation_oid);
    bool published = is_published(stream, lsn);
    struct debezium_source source;
    struct debezium_event event = {.source = &source, .now_ns = clock_now_ns()};
    enum status status;

    if (table == NULL)
        return error_set(error, ERROR_DATABASE, "a row of table %u came before its description", change->relation_oid);
    stream->lsn = stream->lsn_proc = lsn;
    stream->message = message->kind == PGOUTPUT_INSERT   ? MESSAGE_INSERT
                      : message->kind == PGOUTPUT_UPDATE ? MESSAGE_UPDATE
                                                         : MESSAGE_DELETE;
    if (!table->is_captured)
        return OK;
    status = refresh_xmin(stream, event.now_ns / NS_PER_MS, error);
    if (status != OK)
        return status;
    /* Published changes are encoded only for the numbers of the transaction's metadata. */
    if (published && !task->config->transaction_metadata)
        return OK;
    fill_source(stream, lsn, &source);
    event.operation = message->kind == PGOUTPUT_INSERT   ? OPERATION_CREATE
                      : message->kind == PGOUTPUT_UPDATE ? OPERATION_UPDATE
                                                         : OPERATION_DELETE;
    event.old = change->has_old ? &change->old : NULL;
    event.new = message->kind == PGOUTPUT_DELETE ? NULL : &change->new;
    return encode_change(stream, table, &event, published, error);
}

static enum status take_truncate(struct stream *stream, struct pgoutput_truncate *truncate, uint64_t lsn, struct error *error)
{
    bool published = is_published(stream, lsn);
    struct debezium_source source;
    enum status status = OK;

    stream->lsn = stream->lsn_proc = lsn;
    stream->message = MESSAGE_TRUNCATE;
    fill_source(stream, lsn, &source);
    for (uint32_t i = 0; status == OK && i < truncate->relation_count; i++) {
        struct stream_table *table = table_find(stream, read_u32(&truncate->relations));
        struct debezium_event event = {.operation = OPERATION_TRUNCATE, .source = &source, .now_ns = clock_now_ns()};

        if (table != NULL && table->is_captured)
            status = encode_change(stream, table, &event, published, error);
    }
    return status;
}

/* pg_logical_emit_message. Outside of a transaction it stands for itself and comes at its own LSN. */
static enum status take_message(struct stream *stream, const struct pgoutput_emitted *message, uint64_t lsn, struct error *error)
{
    struct task *task = stream->task;
    bool published = message->transactional && is_published(stream, lsn);
    struct debezium_source source;
    struct debezium_output output;
    int64_t now_ns = clock_now_ns();
    enum status status = OK;

    if (!message->transactional) {
        if (lsn < task->position.resume_lsn)
            return OK;
        stream->lsn_proc = stream->lsn_commit = lsn;
        stream->tx_id = 0;
        if (!stream->in_transaction) {
            task->position.resume_lsn = lsn + 1;
            stream->position_moved = true;
        }
    }
    stream->lsn = lsn;
    stream->message = MESSAGE_MESSAGE;
    if (!debezium_config_captures_message(task->config, message->prefix))
        return OK;
    fill_source(stream, lsn, &source);
    if (!message->transactional)
        source.xid = -1;
    status =
        debezium_encode_message(task->encoder, message->transactional, message->prefix, message->content, &source, now_ns, &output, error);
    if (status == OK && !published)
        status = add_records(stream, &output, now_ns, error);
    return status;
}

static enum status take_begin(struct stream *stream, const struct pgoutput_begin *begin, uint64_t lsn, struct error *error)
{
    struct task *task = stream->task;
    struct position *position = &task->position;
    struct debezium_output output;
    enum status status;

    stream->in_transaction = true;
    stream->begin = *begin;
    stream->origin = NULL;
    stream->origin_lsn = 0;
    stream->event_lsn = stream->event_ordinal = 0;
    stream->tx_id = begin->xid;
    stream->time_us = (uint64_t)begin->commit_time_us;
    stream->lsn = lsn;
    stream->message = MESSAGE_BEGIN;
    stream->is_replayed =
        position->transaction_lsn == begin->final_lsn || (position->transaction_lsn == TRANSACTION_FIRST && position->tx_id == begin->xid);
    if (!stream->is_replayed && position->transaction_lsn != 0) {
        if (position->transaction_lsn != TRANSACTION_FIRST)
            LOG_WARNING("the transaction that was published in part did not come again; going on with the next one connector=%s",
                        task->settings->connector);
        position->transaction_lsn = 0;
    }
    status = debezium_encode_begin(task->encoder, begin->xid, lsn, begin->commit_time_us, &output, error);
    if (status == OK && !stream->is_replayed)
        status = add_records(stream, &output, clock_now_ns(), error);
    return status;
}

static enum status take_commit(struct stream *stream, const struct pgoutput_commit *commit, struct error *error)
{
    struct task *task = stream->task;
    struct position *position = &task->position;
    struct debezium_output output;
    enum status status;

    stream->lsn = stream->lsn_proc = stream->lsn_commit = commit->end_lsn;
    stream->message = MESSAGE_COMMIT;
    status = debezium_encode_commit(task->encoder, commit->end_lsn, commit->commit_time_us, &output, error);
    if (status == OK)
        status = add_records(stream, &output, clock_now_ns(), error);
    stream->in_transaction = false;
    stream->is_replayed = false;
    stream->origin = NULL;
    position->resume_lsn = commit->end_lsn;
    position->commit_lsn = commit->end_lsn;
    position->transaction_lsn = position->event_lsn = position->event_ordinal = 0;
    stream->position_moved = true;
    task->status->transactions++;
    return status;
}

static enum status take_message_of_plugin(struct stream *stream, const struct replication_message *data, struct error *error)
{
    struct pgoutput_message message;

    if (!pgoutput_decode(&stream->decoder, data->data, &message))
        return error_set(error, ERROR_DATABASE, "PostgreSQL sent a message of pgoutput that cannot be read, of %zu bytes", data->data.size);
    switch (message.kind) {
    case PGOUTPUT_BEGIN: return take_begin(stream, &message.begin, data->start_lsn, error);
    case PGOUTPUT_COMMIT: return take_commit(stream, &message.commit, error);
    case PGOUTPUT_RELATION: return take_relation(stream, &message.relation, error);
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE: return take_change(stream, &message, data->start_lsn, error);
    case PGOUTPUT_TRUNCATE: return take_truncate(stream, &message.truncate, data->start_lsn, error);
    case PGOUTPUT_MESSAGE: return take_message(stream, &message.message, data->start_lsn, error);
    case PGOUTPUT_ORIGIN:
        (void)snprintf(stream->origin_text, sizeof(stream->origin_text), "%s", message.origin.name);
        stream->origin = stream->origin_text;
        stream->origin_lsn = message.origin.lsn;
        return OK;
    default: return OK; /* TYPE says nothing that the catalog does not */
    }
}

static void take_keepalive(struct stream *stream, const struct replication_message *keepalive)
{
    struct position *position = &stream->task->position;

    stream->reply_requested = stream->reply_requested || keepalive->reply_requested;
    if (keepalive->end_lsn > stream->received_lsn)
        stream->received_lsn = keepalive->end_lsn;
    /* Between transactions all that was committed before has come: none of it was ours, or it is published first. */
    if (!stream->in_transaction && position->transaction_lsn == 0 && keepalive->end_lsn > position->resume_lsn) {
        position->resume_lsn = keepalive->end_lsn;
        stream->position_moved = true;
    }
}

static enum status take_copy_data(struct stream *stream, struct slice bytes, struct error *error)
{
    struct replication_message message;

    stream->messages++;
    if (!replication_message_read(bytes, &message))
        return error_set(error, ERROR_DATABASE, "PostgreSQL sent a replication message that cannot be read, of %zu bytes", bytes.size);
    if (message.kind == REPLICATION_KEEPALIVE) {
        take_keepalive(stream, &message);
        return OK;
    }
    if (message.start_lsn > stream->received_lsn)
        stream->received_lsn = message.start_lsn;
    return take_message_of_plugin(stream, &message, error);
}

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
        return bytes >= PUBLISH_BYTES_MAX;
    if (bytes >= PUBLISH_BYTES)
        return true;
    if (drained && output_under_way(output) < UNDER_WAY_BUSY)
        return true;
    return clock_now_ns() - stream->first_row_ns >= PUBLISH_DELAY_NS;
}

static enum status send_status(struct stream *stream, struct error *error)
{
    uint8_t message[STANDBY_STATUS_SIZE];
    uint64_t flushed = stream->task->settings->flush_mode == FLUSH_MANUAL ? 0 : stream->confirmed_lsn;
    uint64_t received = stream->received_lsn > flushed ? stream->received_lsn : flushed;

    standby_status_write(message, received, flushed, flushed, clock_now_us(), false);
    if (PQputCopyData(stream->connection->pg, (const char *)message, sizeof(message)) < 0 || PQflush(stream->connection->pg) < 0)
        return pg_connection_failure(stream->connection, NULL, error);
    stream->last_status_ms = clock_monotonic_ms();
    stream->reply_requested = false;
    stream->task->status->confirmed_lsn = flushed;
    return OK;
}

/* Tells PostgreSQL what is durable; only that, and never less than before. */
static enum status confirm(struct stream *stream, int64_t now_ms, struct error *error)
{
    struct task *task = stream->task;
    struct output_durable durable = output_durable(task->output);
    bool moved = durable.resume_lsn > stream->confirmed_lsn;
    int64_t since_ms = now_ms - stream->last_status_ms;
    enum status status;

    if (durable.resume_lsn > task->status->durable_lsn)
        task->status->durable_lsn = durable.resume_lsn;
    if (durable.time_us != 0)
        task->status->source_time_us = (int64_t)durable.time_us;
    if (!stream->reply_requested && !(moved && since_ms >= CONFIRM_INTERVAL_MS) && since_ms < task->settings->status_interval_ms)
        return OK;
    if (moved)
        stream->confirmed_lsn = durable.resume_lsn;
    task->status->received_lsn = stream->received_lsn > task->status->appended_lsn ? stream->received_lsn : task->status->appended_lsn;
    status = send_status(stream, error);
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
        status = add_records(stream, &output, now_ns, error);
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
    if (stream->task->status->durable_lsn > stream->confirmed_lsn)
        wait = least(wait, CONFIRM_INTERVAL_MS);
    return wait < 0 ? 0 : wait;
}

/* While something long is done beside the stream: PostgreSQL hears from us, or it would end the connection. */
static enum status breathe(void *context, struct error *error)
{
    struct stream *stream = context;
    int64_t now_ms = clock_monotonic_ms();

    if (now_ms - stream->last_status_ms < BREATHE_MS)
        return OK;
    stream->reply_requested = true;
    return confirm(stream, now_ms, error);
}

/* Blocking snapshots that a signal asked for; the stream waits meanwhile. */
static enum status run_pending(struct stream *stream, struct error *error)
{
    struct debezium_source source;
    enum status status = OK;

    fill_source(stream, stream->lsn, &source);
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
    enum status status = beat(stream, now_ms, error);

    if (status == OK && !stream->in_transaction)
        status = signals_poll(stream->signals, now_ms, error);
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
        status = take_copy_data(stream, slice_of(bytes, (size_t)size), error);
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
    bool ended = false;
    enum status status = OK;

    while (status == OK && !ended) {
        bool drained = false;

        status = drain(stream, &ended, error);
        if (status == OK && !ended)
            status = read_input(stream, error);
        /* What has just been read may hold the next message. */
        if (status == OK && !ended) {
            uint64_t before = stream->messages;

            status = drain(stream, &ended, error);
            drained = stream->messages == before;
        }
        if (status == OK && !ended)
            status = tend(stream, drained, error);
        if (status == OK && !ended && drained) {
            bool woken = false;

            status =
                pg_connection_wait_with(stream->connection, output_fd(task->output), idle_ms(stream, clock_monotonic_ms()), &woken, error);
            if (status == OK && woken)
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
            status = take_copy_data(stream, slice_of(bytes, (size_t)size), &error);
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
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&stream->tables, &at)) != NULL) {
        struct stream_table *table = entry->value;

        debezium_plan_destroy(table->plan);
        arena_finish(&table->arena);
        memory_free(table);
    }
    map_finish(&stream->tables);
    signals_destroy(stream->signals);
    stream->task->breathe = NULL;
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
        memset(&task->status->error, 0, sizeof(task->status->error));
        task->report(task->context);
        status = loop(&stream, error);
        if (status == ERROR_CLOSED && task_is_stopped(task))
            finish_cleanly(&stream);
    }
    stream_finish(&stream);
    return status;
}
