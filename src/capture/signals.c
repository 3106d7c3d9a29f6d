#include "capture/signals.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/reader.h"
#include "base/text.h"
#include "capture/incremental.h"
#include "capture/signal.h"
#include "os/logger.h"
#include "wire/kafka/records.h"

#define LOG_SUBSYSTEM "capture"
#define STATE_VERSION 1
#define STATE_BYTES_MAX (48 * 1024)
#define BATCH_BYTES_MAX (16 * 1024 * 1024)
#define READ_BYTES (256 * 1024)

/* A blocking snapshot that waits. */
struct pending {
    char *id, *type, *data; /* the signal as it came */
    struct pending *next;
};

struct signals {
    struct task *task;
    bool from_source, from_topic;
    struct incremental *incremental;
    struct pending *pending;
    struct buffer state;

    char *topic;
    int64_t poll_ms, last_poll_ms;
    int64_t next_offset;
    struct buffer batches, scratch;
    struct decompressor *decompressor;
};

/* ---- Life ---- */

static void write_bytes(struct buffer *out, struct slice bytes)
{
    buffer_append_u32(out, (uint32_t)bytes.size);
    buffer_append_slice(out, bytes);
}

static char *read_text(struct reader *in)
{
    struct slice text = read_bytes(in, read_u32(in));

    return in->failed ? NULL : memory_copy_bytes(text.data, text.size);
}

static void pending_free(struct pending *pending)
{
    memory_free(pending->id);
    memory_free(pending->type);
    memory_free(pending->data);
    memory_free(pending);
}

static void pending_add(struct signals *signals, char *id, char *type, char *data)
{
    struct pending **end = &signals->pending;
    struct pending *pending = memory_new(sizeof(*pending));

    pending->id = id;
    pending->type = type;
    pending->data = data;
    while (*end != NULL)
        end = &(*end)->next;
    *end = pending;
}

static struct slice read_state(struct signals *signals, struct slice state)
{
    struct reader in = reader_of(state);
    struct slice incremental = slice_null();

    if (state.size == 0 || read_u8(&in) != STATE_VERSION)
        return incremental;
    signals->next_offset = (int64_t)read_u64(&in);
    incremental = read_bytes(&in, read_u32(&in));
    while (read_u8(&in) == 1) {
        char *id = read_text(&in);
        char *type = read_text(&in);
        char *data = read_text(&in);

        if (data == NULL) {
            memory_free(id);
            memory_free(type);
            break;
        }
        pending_add(signals, id, type, data);
    }
    return incremental;
}

struct slice signals_state(struct signals *signals)
{
    struct buffer *out = &signals->state;
    struct slice incremental = incremental_state(signals->incremental);

    if (incremental.size == 0 && signals->pending == NULL && signals->next_offset == 0)
        return slice_null();
    buffer_reset(out);
    buffer_append_u8(out, STATE_VERSION);
    buffer_append_u64(out, (uint64_t)signals->next_offset);
    write_bytes(out, incremental);
    for (const struct pending *pending = signals->pending; pending != NULL; pending = pending->next) {
        buffer_append_u8(out, 1);
        write_bytes(out, slice_from_string(pending->id));
        write_bytes(out, slice_from_string(pending->type));
        write_bytes(out, slice_from_string(pending->data));
    }
    buffer_append_u8(out, 0);
    return out->failed ? slice_null() : buffer_slice(out);
}

enum status signals_create(struct task *task, struct signals **created, struct error *error)
{
    struct signals *signals = memory_new(sizeof(*signals));
    const char *topic = properties_get(&task->settings->values, "signal.kafka.topic");
    const char *poll = properties_get(&task->settings->values, "signal.poll.interval.ms");
    enum status status = OK;

    signals->task = task;
    buffer_init(&signals->state, STATE_BYTES_MAX);
    buffer_init(&signals->batches, BATCH_BYTES_MAX);
    buffer_init(&signals->scratch, BATCH_BYTES_MAX);
    signals->from_source =
        capture_settings_lists(task->settings, "signal.enabled.channels", "source", "source") && task->config->signal_table != NULL;
    signals->from_topic = capture_settings_lists(task->settings, "signal.enabled.channels", "source", "kafka");
    signals->topic = topic == NULL ? memory_format("%s-signal", task->config->prefix) : memory_copy_string(topic);
    if (poll == NULL || !text_parse_int64(text_trim(slice_from_string(poll)), &signals->poll_ms) || signals->poll_ms < 1)
        signals->poll_ms = 5000;
    signals->incremental = incremental_create(task, read_state(signals, task->position.signals));
    if (incremental_is_running(signals->incremental))
        status = incremental_go_on(signals->incremental, error);
    if (status == OK)
        *created = signals;
    else
        signals_destroy(signals);
    return status;
}

void signals_destroy(struct signals *signals)
{
    if (signals == NULL)
        return;
    while (signals->pending != NULL) {
        struct pending *next = signals->pending->next;

        pending_free(signals->pending);
        signals->pending = next;
    }
    incremental_destroy(signals->incremental);
    decompressor_destroy(signals->decompressor);
    buffer_finish(&signals->state);
    buffer_finish(&signals->batches);
    buffer_finish(&signals->scratch);
    memory_free(signals->topic);
    memory_free(signals);
}

/* ---- Doing what a signal says ---- */

static enum status obey(struct signals *signals, const struct signal *signal, struct slice data, const struct debezium_source *source,
                        struct error *error)
{
    const char *connector = signals->task->settings->connector;

    switch (signal->kind) {
    case SIGNAL_EXECUTE_SNAPSHOT:
        LOG_INFO("signal %s: %s snapshot connector=%s", signal->id, signal->is_blocking ? "blocking" : "incremental", connector);
        if (!signal->is_blocking)
            return incremental_start(signals->incremental, signal, error);
        pending_add(signals, memory_copy_string(signal->id), memory_copy_string(signal->type),
                    memory_copy_bytes(data.data == NULL ? (const uint8_t *)"" : data.data, data.size));
        return OK;
    case SIGNAL_STOP_SNAPSHOT: return incremental_stop(signals->incremental, signal, error);
    case SIGNAL_PAUSE_SNAPSHOT: return incremental_pause(signals->incremental, true, error);
    case SIGNAL_RESUME_SNAPSHOT:
        incremental_limit(signals->incremental, signal->load_max);
        return incremental_pause(signals->incremental, false, error);
    case SIGNAL_LOG:
        LOG_INFO("signal %s: %s connector=%s", signal->id, signal->message == NULL ? "" : signal->message, connector);
        return OK;
    case SIGNAL_WINDOW_OPEN: incremental_open(signals->incremental, signal->id); return OK;
    case SIGNAL_WINDOW_CLOSE: return source == NULL ? OK : incremental_close(signals->incremental, signal->id, source, error);
    default: LOG_WARNING("signal %s has the unknown type %s connector=%s", signal->id, signal->type, connector); return OK;
    }
}

static bool is_signal_table(const struct signals *signals, const struct pg_relation *relation)
{
    const char *name = signals->task->config->signal_table;
    size_t length = strlen(relation->schema);

    return strncmp(name, relation->schema, length) == 0 && name[length] == '.' && strcmp(name + length + 1, relation->name) == 0;
}

enum status signals_take_change(struct signals *signals, const struct pg_relation *relation, const struct debezium_event *event,
                                struct error *error)
{
    struct arena arena;
    struct signal signal;
    struct error why;
    enum status status = OK;

    if (!signals->from_source || !is_signal_table(signals, relation))
        return OK;
    arena_init(&arena, 1024);
    if (event->operation == OPERATION_CREATE && event->new->count >= 3) {
        const struct pg_value *values = event->new->values;

        if (signal_read(values[0].text, values[1].text, values[2].text, &arena, &signal, &why) == OK)
            status = obey(signals, &signal, values[2].text, event->source, error);
        else
            LOG_WARNING("%s connector=%s", why.message, signals->task->settings->connector);
    } else if (event->operation == OPERATION_DELETE && event->old != NULL && event->old->count > 0) {
        /* With the strategy INSERT_DELETE the opening row's end closes the window. */
        const char *id = arena_copy_string(&arena, event->old->values[0].text);

        status = incremental_close(signals->incremental, id == NULL ? "" : id, event->source, error);
    }
    arena_finish(&arena);
    return status;
}

void signals_seen(struct signals *signals, const struct debezium_output *records)
{
    for (size_t i = 0; i < records->count; i++)
        incremental_seen(signals->incremental, records->records[i].topic, records->records[i].key);
}

/* ---- The signal topic ---- */

int64_t signals_poll_ms(const struct signals *signals)
{
    return signals->from_topic ? signals->poll_ms : 0;
}

/* A record counts when its key is the connector's prefix. */
static enum status take_record(struct signals *signals, const struct record *record, struct error *error)
{
    struct arena arena;
    struct signal signal;
    struct error why;
    enum status status = OK;

    if (!slice_equal_string(record->key, signals->task->config->prefix))
        return OK;
    arena_init(&arena, 1024);
    if (signal_read_record(record->value, &arena, &signal, &why) == OK) {
        const char *data = signal_data_of_record(record->value, &arena);

        status = obey(signals, &signal, slice_from_string(data), NULL, error);
    } else {
        LOG_WARNING("%s connector=%s", why.message, signals->task->settings->connector);
    }
    arena_finish(&arena);
    return status;
}

static enum status take_batches(struct signals *signals, struct error *error)
{
    struct slice left = buffer_slice(&signals->batches);
    enum status status = OK;

    if (signals->decompressor == NULL)
        signals->decompressor = decompressor_create();
    while (status == OK && left.size > 0) {
        struct record_batch batch;
        struct record_iterator iterator;
        struct record record;

        status = record_batch_read(left, &batch, error);
        if (status == OK && !record_batch_is_control(&batch))
            status = record_iterator_init(&iterator, &batch, signals->decompressor, BATCH_BYTES_MAX, &signals->scratch, error);
        while (status == OK && !record_batch_is_control(&batch) && record_iterator_next(&iterator, &record)) {
            if (record.offset < signals->next_offset)
                continue;
            signals->next_offset = record.offset + 1;
            status = take_record(signals, &record, error);
        }
        if (status == OK)
            left = slice_from(left, batch.bytes.size);
    }
    return status;
}

enum status signals_poll(struct signals *signals, int64_t now_ms, struct error *error)
{
    int64_t start = 0;
    int64_t end = 0;
    int64_t next = 0;
    enum status status;

    if (!signals->from_topic || now_ms - signals->last_poll_ms < signals->poll_ms)
        return OK;
    signals->last_poll_ms = now_ms;
    if (log_topic_partitions(signals->task->log, signals->topic) == 0 ||
        log_bounds(signals->task->log, signals->topic, 0, &start, &end, NULL) != OK)
        return OK;
    if (signals->next_offset < start)
        signals->next_offset = start;
    if (signals->next_offset >= end)
        return OK;
    buffer_reset(&signals->batches);
    status = log_read(signals->task->log, signals->topic, 0, signals->next_offset, READ_BYTES, &signals->batches, &next, error);
    if (status == OK)
        status = take_batches(signals, error);
    if (status != OK && status != ERROR_CLOSED)
        error_context(error, "signal topic %s", signals->topic);
    return status;
}

int64_t signals_rest_ms(const struct signals *signals, int64_t now_ms)
{
    return incremental_rest_ms(signals->incremental, now_ms);
}

enum status signals_rested(struct signals *signals, int64_t now_ms, struct error *error)
{
    return incremental_rested(signals->incremental, now_ms, error);
}

/* ---- Blocking snapshots ---- */

bool signals_are_pending(const struct signals *signals)
{
    return signals->pending != NULL;
}

enum status signals_run_pending(struct signals *signals, const struct debezium_source *source, struct error *error)
{
    enum status status = OK;

    while (status == OK && signals->pending != NULL) {
        struct pending *pending = signals->pending;
        struct arena arena;
        struct signal signal;

        arena_init(&arena, 1024);
        status = signal_read(slice_from_string(pending->id), slice_from_string(pending->type), slice_from_string(pending->data), &arena,
                             &signal, error);
        if (status == OK)
            status = snapshot_run_blocking(signals->task, &signal, source, error);
        arena_finish(&arena);
        if (status == OK) {
            signals->pending = pending->next;
            pending_free(pending);
        }
    }
    return status;
}
