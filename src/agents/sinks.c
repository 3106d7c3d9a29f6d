#include "agents/sink.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/logger.h"
#include "os/stop.h"
#include "os/thread.h"
#include "wire/json/text.h"
#include "wire/kafka/records.h"

#include <inttypes.h>
#include <pthread.h>

#define LOG_SUBSYSTEM "sinks"

#define SINKS_MAX 32
#define NAME_BYTES_MAX 100
#define READ_BYTES ((size_t)256 << 10)
#define PLAIN_BYTES_MAX ((size_t)64 << 20)
#define DELIVERIES_MAX 100 /* handed to a sink at once */
#define WAIT_MS 200
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 60000

struct sink {
    char name[NAME_BYTES_MAX + 1];
    const struct sink_kind *kind;
    void *sink;
    char *owner, *topic;
    int severity_least;
    bool from_beginning;
    struct log *log;
    struct thread *thread;
    struct stop stop;
    int64_t next; /* offset of the alert to deliver next */
    struct buffer batches, plain;
    struct decompressor *decompressor;
    struct arena arena;
    pthread_mutex_t lock; /* guards the rest */
    int64_t delivered, skipped, tries, retry_at_ms;
    struct error error; /* of the last try; OK when it went through */
};

struct sinks {
    struct sink *items[SINKS_MAX];
    size_t count;
};

static const struct sink_kind *const kinds[] = {&sink_webhook, &sink_postgres, &sink_file, &sink_smtp};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- Settings ---- */

static int severity_rank(const char *severity)
{
    static const char *const names[] = {"info", "warn", "crit"};

    for (int i = 0; i < 3; i++) {
        if (severity != NULL && strcmp(severity, names[i]) == 0)
            return i;
    }
    return -1;
}

/* The common ones and those of the kind, ending with NULL. */
static const char **keys_known(const struct sink_kind *kind, struct arena *arena)
{
    static const char *const own[] = {"kind", "topic", "severity", "from"};
    size_t count = sizeof(own) / sizeof(own[0]);
    const char **known;

    for (size_t i = 0; kind->keys[i] != NULL; i++)
        count++;
    known = arena_new_array(arena, count + 1, sizeof(*known));
    for (size_t i = 0; i < count; i++)
        known[i] = i < sizeof(own) / sizeof(own[0]) ? own[i] : kind->keys[i - sizeof(own) / sizeof(own[0])];
    return known;
}

static enum status keys_check(struct sink *sink, const struct properties *settings, struct error *error)
{
    const char **known = keys_known(sink->kind, &sink->arena);

    for (size_t i = 0; i < settings->count; i++) {
        size_t row = 0;

        while (known[row] != NULL && strcmp(known[row], settings->items[i].key) != 0)
            row++;
        if (known[row] == NULL)
            return properties_unknown("sinks.", sink->name, settings->items[i].key, known, error);
    }
    return OK;
}

static enum status kind_find(const char *name, const char *sink, const struct sink_kind **kind, struct error *error)
{
    for (size_t i = 0; i < KINDS && name != NULL; i++) {
        if (strcmp(kinds[i]->name, name) == 0) {
            *kind = kinds[i];
            return OK;
        }
    }
    return error_set(error, ERROR_BAD_INPUT, "setting sinks.%s.kind is %s%s: it has to be webhook, postgres, file or smtp", sink,
                     name == NULL ? "missing" : "", name == NULL ? "" : name);
}

/* Takes the common settings out of `settings`, so that the kind's own are left. */
static enum status common_read(struct sink *sink, struct properties *settings, struct error *error)
{
    const char *severity = properties_get(settings, "severity");
    const char *from = properties_get(settings, "from");

    sink->topic = memory_copy_string(properties_get(settings, "topic"));
    sink->severity_least = severity == NULL ? 0 : severity_rank(severity);
    sink->from_beginning = from != NULL && strcmp(from, "beginning") == 0;
    if (sink->topic == NULL)
        return error_set(error, ERROR_BAD_INPUT, "setting sinks.%s.topic is missing: which alerts are to be sent?", sink->name);
    if (sink->severity_least < 0)
        return error_set(error, ERROR_BAD_INPUT, "setting sinks.%s.severity=%s: it has to be info, warn or crit", sink->name, severity);
    if (from != NULL && !sink->from_beginning && strcmp(from, "end") != 0)
        return error_set(error, ERROR_BAD_INPUT, "setting sinks.%s.from=%s: it has to be beginning or end", sink->name, from);
    (void)properties_remove(settings, "topic");
    (void)properties_remove(settings, "severity");
    (void)properties_remove(settings, "from");
    (void)properties_remove(settings, "kind");
    return OK;
}

static void sink_destroy(struct sink *sink)
{
    if (sink == NULL)
        return;
    if (sink->sink != NULL)
        sink->kind->destroy(sink->sink);
    memory_free(sink->owner);
    memory_free(sink->topic);
    buffer_finish(&sink->batches);
    buffer_finish(&sink->plain);
    decompressor_destroy(sink->decompressor);
    arena_finish(&sink->arena);
    stop_finish(&sink->stop);
    (void)pthread_mutex_destroy(&sink->lock);
    memory_free(sink);
}

static enum status sink_create(const struct properties *values, struct slice name, struct log *log, struct sink **created, struct error *error)
{
    struct sink *sink;
    struct properties settings;
    enum status status;

    if (name.size > NAME_BYTES_MAX)
        return error_set(error, ERROR_BAD_INPUT, "the name of a sink has more than %d bytes: %.*s", NAME_BYTES_MAX, (int)name.size, (const char *)name.data);
    sink = memory_new(sizeof(*sink));
    (void)snprintf(sink->name, sizeof(sink->name), "%.*s", (int)name.size, (const char *)name.data);
    sink->owner = memory_format("sink/%s", sink->name);
    stop_init(&sink->stop);
    sink->log = log;
    sink->decompressor = decompressor_create();
    buffer_init(&sink->batches, PLAIN_BYTES_MAX);
    buffer_init(&sink->plain, PLAIN_BYTES_MAX + 1024);
    arena_init(&sink->arena, 64 << 10);
    (void)pthread_mutex_init(&sink->lock, NULL);
    properties_take(values, "sinks.", sink->name, &settings);
    status = kind_find(properties_get(&settings, "kind"), sink->name, &sink->kind, error);
    if (status == OK)
        status = keys_check(sink, &settings, error);
    if (status == OK)
        status = common_read(sink, &settings, error);
    if (status == OK) {
        status = sink->kind->create(&settings, &sink->sink, error);
        if (status != OK)
            error_context(error, "sink %s", sink->name);
    }
    properties_finish(&settings);
    if (status == OK)
        *created = sink;
    else
        sink_destroy(sink);
    return status;
}

/* ---- Position ---- */

/* The position is the offset as text. False: the topic is not there. */
static bool position_load(struct sink *sink)
{
    struct buffer position;
    int64_t start, end;
    bool known;

    if (log_bounds(sink->log, sink->topic, 0, &start, &end, NULL) != OK)
        return false;
    buffer_init(&position, 64);
    known = log_position(sink->log, sink->owner, &position) && text_parse_int64(buffer_slice(&position), &sink->next);
    if (!known)
        sink->next = sink->from_beginning ? start : end;
    if (sink->next < start) {
        LOG_ERROR("sink %s: alerts %" PRId64 " to %" PRId64 " of topic %s were deleted by retention before they were delivered", sink->name, sink->next, start - 1,
                  sink->topic);
        sink->next = start;
    }
    buffer_finish(&position);
    return true;
}

static enum status position_store(struct sink *sink, int64_t next, struct error *error)
{
    char text[24];
    int size = snprintf(text, sizeof(text), "%" PRId64, next);
    enum status status = log_position_set(sink->log, sink->owner, slice_of(text, (size_t)size), error);

    if (status == OK) {
        sink->next = next;
        log_passed(sink->log, LOG_READER_SINK, sink->name, sink->topic, 0, next);
    }
    return status;
}

/* ---- Delivering ---- */

struct chunk {
    struct delivery deliveries[DELIVERIES_MAX];
    int64_t offsets[DELIVERIES_MAX];
    size_t count;
    int64_t end; /* behind the last record that was looked at */
};

static void record_take(struct sink *sink, const struct record *record, struct chunk *chunk)
{
    struct alert *alert;
    struct error error;

    chunk->end = record->offset + 1;
    if (slice_is_null(record->value))
        return;
    alert = arena_new(&sink->arena, sizeof(*alert));
    if (alert_read(record->value, &sink->arena, alert, &error) != OK) {
        LOG_WARNING("sink %s leaves out offset %" PRId64 " of topic %s: %s", sink->name, record->offset, sink->topic, error.message);
        return;
    }
    if (severity_rank(alert->severity) < sink->severity_least)
        return;
    chunk->offsets[chunk->count] = record->offset;
    chunk->deliveries[chunk->count++] = (struct delivery){alert->id, arena_copy(&sink->arena, record->value), alert};
}

/* Reads up to DELIVERIES_MAX alerts from the position on. */
static enum status chunk_read(struct sink *sink, struct chunk *chunk, struct error *error)
{
    int64_t next;
    enum status status;

    chunk->count = 0;
    chunk->end = sink->next;
    arena_reset(&sink->arena);
    buffer_reset(&sink->batches);
    status = log_read(sink->log, sink->topic, 0, sink->next, READ_BYTES, &sink->batches, &next, error);
    for (struct slice rest = buffer_slice(&sink->batches); status == OK && rest.size > 0 && chunk->count < DELIVERIES_MAX;) {
        struct record_iterator records;
        struct record_batch batch;
        struct record record;

        status = record_batch_read(rest, &batch, error);
        if (status == OK && !record_batch_is_control(&batch)) {
            status = record_iterator_init(&records, &batch, sink->decompressor, PLAIN_BYTES_MAX, &sink->plain, error);
            while (status == OK && chunk->count < DELIVERIES_MAX && record_iterator_next(&records, &record)) {
                if (record.offset >= sink->next)
                    record_take(sink, &record, chunk);
            }
        }
        rest = slice_from(rest, status == OK ? batch.bytes.size : rest.size);
        if (status == OK && chunk->count < DELIVERIES_MAX && record_batch_next_offset(&batch) > chunk->end)
            chunk->end = record_batch_next_offset(&batch);
    }
    return status;
}

static void state_set(struct sink *sink, size_t delivered, const struct error *error, int64_t retry_at_ms)
{
    (void)pthread_mutex_lock(&sink->lock);
    sink->delivered += (int64_t)delivered;
    sink->tries = error == NULL ? 0 : sink->tries + 1;
    sink->retry_at_ms = retry_at_ms;
    if (error == NULL)
        sink->error.status = OK;
    else
        sink->error = *error;
    (void)pthread_mutex_unlock(&sink->lock);
}

static enum status chunk_deliver(struct sink *sink, const struct chunk *chunk, size_t *delivered, struct error *error)
{
    enum status status = OK, stored;

    *delivered = 0;
    if (chunk->count > 0)
        status = sink->kind->deliver(sink->sink, chunk->deliveries, chunk->count, delivered, error);
    if (status == OK)
        return position_store(sink, chunk->end, error);
    if (*delivered > 0) {
        struct error failure;

        stored = position_store(sink, chunk->offsets[*delivered], &failure);
        if (stored != OK) {
            *error = failure;
            return stored;
        }
    }
    return status;
}

static void thread_main(void *context)
{
    struct sink *sink = context;
    struct chunk *chunk = memory_new(sizeof(*chunk));
    int64_t retry_ms = RETRY_FIRST_MS;
    bool positioned = false;

    while (!sink->stop.asked) {
        struct error error;
        size_t delivered = 0;
        enum status status;

        positioned = positioned || position_load(sink);
        if (!positioned || !log_wait(sink->log, sink->topic, 0, sink->next, WAIT_MS)) {
            if (!positioned)
                (void)stop_wait(&sink->stop, WAIT_MS);
            continue;
        }
        status = chunk_read(sink, chunk, &error);
        if (status == OK)
            status = chunk_deliver(sink, chunk, &delivered, &error);
        if (status == OK) {
            state_set(sink, chunk->count, NULL, 0);
            retry_ms = RETRY_FIRST_MS;
            continue;
        }
        LOG_WARNING("sink %s: %s; trying again in %" PRId64 " ms, alerts wait", sink->name, error.message, retry_ms);
        state_set(sink, delivered, &error, clock_now_ms() + retry_ms);
        positioned = status != ERROR_OFFSET_OUT_OF_RANGE && status != ERROR_UNKNOWN_TOPIC_OR_PARTITION;
        (void)stop_wait(&sink->stop, retry_ms);
        retry_ms = retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : retry_ms * 2;
    }
    memory_free(chunk);
}

/* ---- All of them ---- */

enum status sinks_start(const struct properties *values, struct log *log, struct sinks **started, struct error *error)
{
    struct sinks *sinks = memory_new(sizeof(*sinks));
    struct slice name;
    size_t at = 0;
    enum status status = OK;

    while (status == OK && properties_next_name(values, "sinks.", &at, &name)) {
        if (sinks->count == SINKS_MAX)
            status = error_set(error, ERROR_LIMIT, "more than %d sinks", SINKS_MAX);
        else
            status = sink_create(values, name, log, &sinks->items[sinks->count], error);
        if (status == OK)
            sinks->count++;
    }
    for (size_t i = 0; i < sinks->count && status == OK; i++) {
        char thread[NAME_BYTES_MAX + 8];

        (void)snprintf(thread, sizeof(thread), "sink:%s", sinks->items[i]->name);
        status = thread_start(&sinks->items[i]->thread, thread, thread_main, sinks->items[i], error);
    }
    if (status == OK)
        *started = sinks;
    else
        sinks_stop(sinks);
    return status;
}

void sinks_stop(struct sinks *sinks)
{
    if (sinks == NULL)
        return;
    for (size_t i = 0; i < sinks->count; i++)
        stop_ask(&sinks->items[i]->stop);
    for (size_t i = 0; i < sinks->count; i++) {
        thread_join(sinks->items[i]->thread);
        sink_destroy(sinks->items[i]);
    }
    memory_free(sinks);
}

static void describe(struct sink *sink, struct buffer *json)
{
    int64_t start, end = 0;
    bool known = log_bounds(sink->log, sink->topic, 0, &start, &end, NULL) == OK;

    (void)pthread_mutex_lock(&sink->lock);
    buffer_append_string(json, "{\"name\":");
    json_append_string(json, slice_from_string(sink->name));
    buffer_append_format(json, ",\"kind\":\"%s\",\"topic\":", sink->kind->name);
    json_append_string(json, slice_from_string(sink->topic));
    buffer_append_format(json, ",\"state\":\"%s\",\"delivered\":%" PRId64 ",\"waiting\":%" PRId64 ",\"tries\":%" PRId64 ",\"retry_at_ms\":%" PRId64 ",\"error\":",
                         !known ? "waiting_for_topic" : sink->error.status != OK ? "retrying" : "ok", sink->delivered, end > sink->next ? end - sink->next : 0,
                         sink->tries, sink->retry_at_ms);
    if (sink->error.status == OK)
        buffer_append_string(json, "null");
    else
        json_append_string(json, slice_from_string(sink->error.message));
    buffer_append_u8(json, '}');
    (void)pthread_mutex_unlock(&sink->lock);
}

void sinks_describe(const struct sinks *sinks, struct buffer *json)
{
    buffer_append_u8(json, '[');
    for (size_t i = 0; i < sinks->count; i++) {
        if (i > 0)
            buffer_append_u8(json, ',');
        describe(sinks->items[i], json);
    }
    buffer_append_u8(json, ']');
}
