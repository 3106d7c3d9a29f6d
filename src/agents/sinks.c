#include "agents/sink_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/thread.h"
#include "wire/json/text.h"

#include <inttypes.h>

#define SINKS_MAX 32
#define RESULTS_BYTES_MAX ((size_t)512 << 10)

struct sinks {
    struct sink *items[SINKS_MAX];
    size_t count;
};

static const struct sink_kind *const kinds[] = {&sink_webhook, &sink_postgres, &sink_file, &sink_smtp};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- Settings ---- */

int severity_rank(const char *severity)
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

static enum status topics_read(struct sink *sink, const char *topics, struct error *error)
{
    struct slice rest = slice_from_string(topics), field;

    while (text_next_field(&rest, ',', &field)) {
        struct slice topic = text_trim(field);

        if (topic.size == 0)
            continue;
        if (sink->input_count == SINK_TOPICS_MAX)
            return error_set(error, ERROR_BAD_INPUT, "setting sinks.%s.topic names more than %d topics", sink->name, SINK_TOPICS_MAX);
        sink->inputs[sink->input_count++].topic = memory_copy_bytes(topic.data, topic.size);
    }
    if (sink->input_count == 0)
        return error_set(error, ERROR_BAD_INPUT, "setting sinks.%s.topic is missing: which alerts are to be sent?", sink->name);
    return OK;
}

/* Takes the common settings out of `settings`, so that the kind's own are left. */
static enum status common_read(struct sink *sink, struct properties *settings, struct error *error)
{
    const char *severity = properties_get(settings, "severity");
    const char *from = properties_get(settings, "from");
    enum status status = topics_read(sink, properties_get(settings, "topic"), error);

    sink->severity_least = severity == NULL ? 0 : severity_rank(severity);
    sink->from_beginning = from != NULL && strcmp(from, "beginning") == 0;
    if (status == OK && sink->severity_least < 0)
        status = error_set(error, ERROR_BAD_INPUT, "setting sinks.%s.severity=%s: it has to be info, warn or crit", sink->name, severity);
    if (status == OK && from != NULL && !sink->from_beginning && strcmp(from, "end") != 0)
        status = error_set(error, ERROR_BAD_INPUT, "setting sinks.%s.from=%s: it has to be beginning or end", sink->name, from);
    (void)properties_remove(settings, "topic");
    (void)properties_remove(settings, "severity");
    (void)properties_remove(settings, "from");
    (void)properties_remove(settings, "kind");
    return status;
}

/* ---- Life ---- */

static void sink_destroy(struct sink *sink)
{
    if (sink == NULL)
        return;
    if (sink->sink != NULL)
        sink->kind->destroy(sink->sink);
    for (size_t i = 0; i < sink->input_count; i++) {
        memory_free(sink->inputs[i].topic);
        memory_free(sink->inputs[i].next);
    }
    memory_free(sink->owner);
    log_writer_close(sink->writer);
    buffer_finish(&sink->stored);
    record_builder_finish(&sink->results);
    scan_destroy(sink->scan);
    mutes_destroy(sink->mutes);
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

    if (name.size > SINK_NAME_MAX)
        return error_set(error, ERROR_BAD_INPUT, "the name of a sink has more than %d bytes: %.*s", SINK_NAME_MAX, (int)name.size, (const char *)name.data);
    sink = memory_new(sizeof(*sink));
    (void)snprintf(sink->name, sizeof(sink->name), "%.*s", (int)name.size, (const char *)name.data);
    sink->owner = memory_format("sink/%s", sink->name);
    sink->log = log;
    sink->scan = scan_create(log);
    sink->mutes = mutes_create(log);
    buffer_init(&sink->stored, 1 << 20);
    record_builder_init(&sink->results, RESULTS_BYTES_MAX);
    arena_init(&sink->arena, 64 << 10);
    stop_init(&sink->stop);
    (void)pthread_mutex_init(&sink->lock, NULL);
    properties_take(values, "sinks.", sink->name, &settings);
    status = kind_find(properties_get(&settings, "kind"), sink->name, &sink->kind, error);
    if (status == OK)
        status = keys_check(sink, &settings, error);
    if (status == OK)
        status = common_read(sink, &settings, error);
    if (status == OK) {
        status = sink->kind->create(&settings, &sink->stop, &sink->sink, error);
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
        char thread[SINK_NAME_MAX + 8];

        (void)snprintf(thread, sizeof(thread), "sink:%s", sinks->items[i]->name);
        status = thread_start(&sinks->items[i]->thread, thread, sink_run, sinks->items[i], error);
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

enum status sinks_send_again(struct sinks *sinks, const char *name, const char *topic, int32_t partition, int64_t offset, struct error *error)
{
    enum status status = OK;
    size_t at = 0;

    while (at < sinks->count && strcmp(sinks->items[at]->name, name) != 0)
        at++;
    if (at == sinks->count)
        return error_set(error, ERROR_NOT_FOUND, "there is no sink %s", name);
    (void)pthread_mutex_lock(&sinks->items[at]->lock);
    if (sinks->items[at]->again_count == SINK_AGAIN_MAX) {
        status = error_set(error, ERROR_LIMIT, "%d alerts wait to be sent again to %s already", SINK_AGAIN_MAX, name);
    } else {
        struct sink_again *again = &sinks->items[at]->again[sinks->items[at]->again_count++];

        *again = (struct sink_again){.partition = partition, .offset = offset};
        (void)snprintf(again->topic, sizeof(again->topic), "%s", topic);
    }
    (void)pthread_mutex_unlock(&sinks->items[at]->lock);
    stop_wake(&sinks->items[at]->stop);
    return status;
}

/* ---- Describing ---- */

/* How many alerts wait in all inputs, lock held; *ready: is any of the topics there? */
static int64_t waiting_count(const struct sink *sink, bool *ready)
{
    int64_t waiting = 0;

    *ready = false;
    for (size_t i = 0; i < sink->input_count; i++) {
        const struct sink_input *input = &sink->inputs[i];

        for (int32_t partition = 0; partition < input->partitions; partition++) {
            int64_t start, end;

            if (log_bounds(sink->log, input->topic, partition, &start, &end, NULL) != OK)
                continue;
            *ready = true;
            waiting += end > input->next[partition] ? end - input->next[partition] : 0;
        }
    }
    return waiting;
}

static void topics_describe(const struct sink *sink, struct buffer *json)
{
    buffer_append_string(json, ",\"topics\":[");
    for (size_t i = 0; i < sink->input_count; i++) {
        if (i > 0)
            buffer_append_u8(json, ',');
        json_append_string(json, slice_from_string(sink->inputs[i].topic));
    }
    buffer_append_u8(json, ']');
}

static void describe(struct sink *sink, struct buffer *json)
{
    int64_t waiting;
    bool ready;

    (void)pthread_mutex_lock(&sink->lock);
    waiting = waiting_count(sink, &ready);
    buffer_append_string(json, "{\"name\":");
    json_append_string(json, slice_from_string(sink->name));
    buffer_append_format(json, ",\"kind\":\"%s\",\"topic\":", sink->kind->name);
    json_append_string(json, slice_from_string(sink->inputs[0].topic));
    topics_describe(sink, json);
    buffer_append_format(json,
                         ",\"state\":\"%s\",\"delivered\":%" PRId64 ",\"refused\":%" PRId64 ",\"muted\":%" PRId64 ",\"waiting\":%" PRId64 ",\"tries\":%" PRId64
                         ",\"retry_at_ms\":%" PRId64 ",\"failing\":%s,\"error\":",
                         sink->error.status != OK ? "retrying" : ready ? "ok" : "waiting_for_topic", sink->delivered, sink->refused, sink->muted, waiting, sink->tries,
                         sink->retry_at_ms, sink->error.status != OK ? "true" : "false");
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
