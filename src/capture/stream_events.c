/* What the messages of the stream mean: tables, rows, transactions, logical messages. */
#include "capture/stream_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/logger.h"

#define LOG_SUBSYSTEM "capture"

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
    table->is_noted = false;
    if (status == OK)
        status = debezium_plan_create(task->encoder, relation, READER_STREAM, &table->plan, error);
    if (status != OK && status != ERROR_CLOSED)
        error_context(error, "table %s.%s", schema, message->name);
    return status;
}

/* ---- Records ---- */

void stream_source(const struct stream *stream, uint64_t lsn, struct debezium_source *source)
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

enum status stream_add(struct stream *stream, const struct debezium_output *output, int64_t now_ns, struct error *error)
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

static enum status encode_change(struct stream *stream, struct stream_table *table, const struct debezium_event *event,
                                 bool published, struct error *error)
{
    struct debezium_output output;
    enum status status = OK;

    if (!published && !table->is_noted) {
        schemas_note(stream->task->schemas, debezium_plan_topic(table->plan), table->relation, event->source->lsn, event->source->time_ns / NS_PER_MS);
        table->is_noted = true;
    }
    if (!published)
        status = signals_take_change(stream->signals, table->relation, event, error);
    if (status == OK)
        status = debezium_encode(stream->task->encoder, table->plan, event, &output, error);
    if (status == OK && !published) {
        signals_seen(stream->signals, &output);
        stream->task->status->rows += output.count > 0;
        status = stream_add(stream, &output, event->now_ns, error);
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
    stream_source(stream, lsn, &source);
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
    stream_source(stream, lsn, &source);
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
    stream_source(stream, lsn, &source);
    if (!message->transactional)
        source.xid = -1;
    status =
        debezium_encode_message(task->encoder, message->transactional, message->prefix, message->content, &source, now_ns, &output, error);
    if (status == OK && !published)
        status = stream_add(stream, &output, now_ns, error);
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
        status = stream_add(stream, &output, clock_now_ns(), error);
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
        status = stream_add(stream, &output, clock_now_ns(), error);
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

enum status stream_take(struct stream *stream, struct slice bytes, struct error *error)
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

void stream_tables_finish(struct stream *stream)
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
}
