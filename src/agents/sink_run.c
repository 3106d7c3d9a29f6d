/*
 * agents/sink_run.c: a sink's thread: reads alerts from its positions on, hands them to the receiver, and publishes what came of
 * each together with how far it is. When that cannot be written (a full disk), nothing more is sent until it can: otherwise every
 * try would send the same ones again.
 *
 * Position of the owner "sink/<name>": {"<topic>":[offset per partition],…}
 */
#include "agents/sink_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/logger.h"
#include "wire/json/scan.h"
#include "wire/json/text.h"

#include <inttypes.h>

#define LOG_SUBSYSTEM "sinks"

#define DELIVERIES_MAX 100 /* handed to a receiver at once */
#define SCANNED_MAX 1000   /* records looked at for them: others are too mild, or muted */
#define WAIT_MS 200
#define WAIT_SEVERAL_MS 20 /* with several partitions, of which one is waited for */
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 60000
#define RESULT_BYTES_MAX 4096

/* What one look at a partition gave. */
struct chunk {
    struct sink_input *input;
    int32_t partition;
    struct delivery deliveries[DELIVERIES_MAX];
    int64_t offsets[DELIVERIES_MAX];
    size_t count;
    int64_t end; /* behind the last record that was looked at */
    int64_t read_us;
};

/* ---- Positions ---- */

/* The stored offset of a partition; -1 when there is none. */
static int64_t stored_offset(const struct sink *sink, const char *topic, int32_t partition)
{
    return sink->stored.size == 0 ? -1 : json_element_integer(json_scan_member(buffer_slice(&sink->stored), topic), (size_t)partition, -1);
}

/* Where to begin in a partition that this run has not seen yet. is_new: the topic came while we ran, so nothing of it is old. */
static int64_t first_offset(const struct sink *sink, const char *topic, int32_t partition, bool is_new)
{
    int64_t start = 0, end = 0, stored = stored_offset(sink, topic, partition);

    (void)log_bounds(sink->log, topic, partition, &start, &end, NULL);
    if (stored < 0)
        return sink->from_beginning || is_new ? start : end;
    if (stored < start)
        LOG_ERROR("sink %s: alerts %" PRId64 " to %" PRId64 " of topic %s were deleted by retention before they were delivered", sink->name, stored, start - 1, topic);
    return stored < start ? start : stored > end ? end : stored;
}

/* Notices topics and partitions that came into being. */
static void inputs_refresh(struct sink *sink)
{
    for (size_t i = 0; i < sink->input_count; i++) {
        struct sink_input *input = &sink->inputs[i];
        int32_t count = log_topic_partitions(sink->log, input->topic);

        if (count <= input->partitions)
            continue;
        (void)pthread_mutex_lock(&sink->lock);
        input->next = memory_resize(input->next, (size_t)count * sizeof(*input->next));
        for (int32_t partition = input->partitions; partition < count; partition++)
            input->next[partition] = first_offset(sink, input->topic, partition, sink->positioned);
        input->partitions = count;
        (void)pthread_mutex_unlock(&sink->lock);
    }
    sink->positioned = true;
}

static void position_write(const struct sink *sink, struct buffer *position)
{
    buffer_append_u8(position, '{');
    for (size_t i = 0; i < sink->input_count; i++) {
        const struct sink_input *input = &sink->inputs[i];

        if (i > 0)
            buffer_append_u8(position, ',');
        json_append_string(position, slice_from_string(input->topic));
        buffer_append_string(position, ":[");
        for (int32_t partition = 0; partition < input->partitions; partition++)
            buffer_append_format(position, "%s%" PRId64, partition == 0 ? "" : ",", input->next[partition]);
        buffer_append_u8(position, ']');
    }
    buffer_append_u8(position, '}');
}

/* ---- What came of it ---- */

static enum status writer_open(struct sink *sink, struct error *error)
{
    struct properties config;
    struct log_topic_spec topic = {DELIVERIES_TOPIC, 1, &config};
    struct buffer *position = &sink->stored, unused;
    enum status status;

    properties_init(&config);
    properties_set(&config, "cleanup.policy", "compact,delete");
    properties_set(&config, "retention.ms", ALERTS_KEPT_MS);
    buffer_init(&unused, 1 << 20);
    status = log_topic_ensure(sink->log, &topic, error);
    if (status == OK)
        status = log_writer_open(sink->log, sink->owner, &sink->writer, sink->positioned ? &unused : position, error);
    buffer_finish(&unused);
    properties_finish(&config);
    return status;
}

/* Publishes results and positions; what fails is tried again with a new writer. */
static enum status save(struct sink *sink, struct error *error)
{
    struct record_batch_spec plain = record_batch_spec_plain();
    struct buffer position;
    uint64_t ticket;
    enum status status = OK;

    buffer_init(&position, 1 << 20);
    position_write(sink, &position);
    if (record_builder_count(&sink->results) > 0)
        status = log_append(sink->writer, DELIVERIES_TOPIC, 0, record_builder_seal(&sink->results, &plain, NULL), error);
    if (status == OK)
        status = log_publish(sink->writer, buffer_slice(&position), &ticket, error);
    if (status == OK)
        status = log_flush(sink->writer, error);
    buffer_finish(&position);
    if (status == OK) {
        record_builder_reset(&sink->results);
        sink->unsaved = false;
    } else {
        error_context(error, "keep what was delivered");
        log_writer_close(sink->writer);
        sink->writer = NULL;
    }
    return status;
}

struct result {
    const char *state;
    const char *mute;          /* its id, when that is why */
    const struct error *error; /* NULL: none */
    int64_t tries, read_us, first_us, at_us, took_us, next_ms;
};

static void text_append(struct buffer *json, const char *text)
{
    if (text == NULL || *text == '\0')
        buffer_append_string(json, "null");
    else
        json_append_string(json, slice_from_string(text));
}

static void result_add(struct sink *sink, const struct delivery *delivery, const struct result *result)
{
    struct buffer json;
    char *key = memory_format("%s/%s", delivery->id, sink->name);

    buffer_init(&json, RESULT_BYTES_MAX);
    buffer_append_string(&json, "{\"id\":");
    text_append(&json, delivery->id);
    buffer_append_string(&json, ",\"sink\":");
    text_append(&json, sink->name);
    buffer_append_format(&json, ",\"kind\":\"%s\",\"state\":\"%s\",\"answer\":", sink->kind->name, result->state);
    text_append(&json, delivery->answer);
    buffer_append_string(&json, ",\"error\":");
    text_append(&json, result->error == NULL ? NULL : result->error->message);
    buffer_append_format(&json, ",\"tries\":%" PRId64 ",\"read_us\":%" PRId64 ",\"first_us\":%" PRId64 ",\"at_us\":%" PRId64 ",\"took_us\":%" PRId64 ",\"next_ms\":",
                         result->tries, result->read_us, result->first_us, result->at_us, result->took_us);
    if (result->next_ms == 0)
        buffer_append_string(&json, "null");
    else
        buffer_append_decimal(&json, result->next_ms);
    buffer_append_string(&json, ",\"mute\":");
    text_append(&json, result->mute);
    buffer_append_u8(&json, '}');
    if (!json.failed)
        (void)record_builder_append(&sink->results, clock_now_ms(), slice_from_string(key), buffer_slice(&json), NULL, 0);
    buffer_finish(&json);
    memory_free(key);
    sink->unsaved = true;
}

/* ---- Reading ---- */

/* An alert of the record, or false: none, or one that this sink does not send. */
static bool record_take(struct sink *sink, const char *topic, const struct record *record, bool whatever, struct delivery *delivery)
{
    struct alert *alert;
    struct error error;

    if (slice_is_null(record->value))
        return false;
    alert = arena_new(&sink->arena, sizeof(*alert));
    if (alert_read(record->value, &sink->arena, alert, &error) != OK) {
        LOG_WARNING("sink %s leaves out offset %" PRId64 " of topic %s: %s", sink->name, record->offset, topic, error.message);
        return false;
    }
    *delivery = (struct delivery){.id = alert->id, .json = arena_copy(&sink->arena, record->value), .alert = alert};
    return whatever || severity_rank(alert->severity) >= sink->severity_least;
}

static bool is_muted(struct sink *sink, const struct chunk *chunk, const struct delivery *delivery)
{
    const char *mute = mutes_cover(sink->mutes, delivery->alert);
    const struct result result = {.state = "muted", .mute = mute, .read_us = chunk->read_us, .at_us = clock_now_us()};

    if (mute == NULL)
        return false;
    result_add(sink, delivery, &result);
    (void)pthread_mutex_lock(&sink->lock);
    sink->muted++;
    (void)pthread_mutex_unlock(&sink->lock);
    return true;
}

/* Takes what is to be sent from the position of the chunk's partition on. */
static enum status chunk_read(struct sink *sink, struct chunk *chunk, struct error *error)
{
    int64_t start, end, from = chunk->input->next[chunk->partition];
    struct record_batch batch;
    struct record record;
    enum scan_result got = SCAN_RECORD;
    enum status status = mutes_refresh(sink->mutes, error);

    chunk->count = 0;
    chunk->end = from;
    chunk->read_us = clock_now_us();
    arena_reset(&sink->arena);
    if (status == OK)
        status = log_bounds(sink->log, chunk->input->topic, chunk->partition, &start, &end, error);
    if (status != OK)
        return status;
    if (from < start)
        return error_set(error, ERROR_OFFSET_OUT_OF_RANGE, "alerts %" PRId64 " to %" PRId64 " of topic %s were deleted before they were delivered", from, start - 1,
                         chunk->input->topic);
    scan_seek(sink->scan, chunk->input->topic, chunk->partition, from, end);
    for (int looked = 0; looked < SCANNED_MAX && chunk->count < DELIVERIES_MAX && (got = scan_next(sink->scan, &record, &batch, error)) == SCAN_RECORD; looked++) {
        struct delivery *delivery = &chunk->deliveries[chunk->count];

        chunk->end = record.offset + 1;
        if (!record_take(sink, chunk->input->topic, &record, false, delivery) || is_muted(sink, chunk, delivery))
            continue;
        chunk->offsets[chunk->count++] = record.offset;
    }
    if (got == SCAN_END)
        chunk->end = end; /* what compaction or a control record left is passed over */
    return got == SCAN_FAILED ? error->status : OK;
}

/* ---- Delivering ---- */

/* Hands them over and notes what came of each; the one that failed, if any, is number *delivered. */
static enum status hand_over(struct sink *sink, struct delivery *deliveries, size_t count, int64_t read_us, bool again, size_t *delivered, struct error *error)
{
    int64_t began_us = clock_now_us(), began_ns = clock_monotonic_ns(), took_us;
    enum status status = sink->kind->deliver(sink->sink, deliveries, count, delivered, error);

    took_us = (clock_monotonic_ns() - began_ns) / 1000;
    for (size_t i = 0; i < *delivered; i++) {
        bool repeated = !again && strcmp(sink->trying, deliveries[i].id) == 0;
        const struct result result = {.state = deliveries[i].refused ? "refused" : "delivered",
                                      .tries = repeated ? sink->tries + 1 : 1,
                                      .read_us = read_us,
                                      .first_us = repeated ? sink->trying_first_us : began_us,
                                      .at_us = clock_now_us(),
                                      .took_us = deliveries[i].took_us != 0 ? deliveries[i].took_us : took_us};

        result_add(sink, &deliveries[i], &result);
        (void)pthread_mutex_lock(&sink->lock);
        sink->delivered += !deliveries[i].refused;
        sink->refused += deliveries[i].refused;
        if (!again)
            sink->tries = 0;
        (void)pthread_mutex_unlock(&sink->lock);
    }
    return status;
}

static void failure_note(struct sink *sink, const struct delivery *delivery, int64_t read_us, int64_t took_us, const struct error *error)
{
    struct result result = {.state = "retrying", .error = error, .read_us = read_us, .at_us = clock_now_us(), .took_us = took_us};

    if (strcmp(sink->trying, delivery->id) != 0) {
        (void)snprintf(sink->trying, sizeof(sink->trying), "%s", delivery->id);
        sink->trying_first_us = result.at_us - took_us;
        sink->tries = 0;
    }
    (void)pthread_mutex_lock(&sink->lock);
    result.tries = ++sink->tries;
    (void)pthread_mutex_unlock(&sink->lock);
    result.first_us = sink->trying_first_us;
    result.next_ms = clock_now_ms() + sink->retry_ms;
    result_add(sink, delivery, &result);
}

static enum status chunk_deliver(struct sink *sink, struct chunk *chunk, struct error *error)
{
    int64_t began_ns = clock_monotonic_ns();
    size_t delivered = 0;
    enum status status = OK;

    if (chunk->count > 0)
        status = hand_over(sink, chunk->deliveries, chunk->count, chunk->read_us, false, &delivered, error);
    (void)pthread_mutex_lock(&sink->lock);
    chunk->input->next[chunk->partition] = status == OK ? chunk->end : chunk->offsets[delivered];
    (void)pthread_mutex_unlock(&sink->lock);
    sink->unsaved = sink->unsaved || status == OK || delivered > 0;
    if (status != OK && !sink->stop.asked)
        failure_note(sink, &chunk->deliveries[delivered], chunk->read_us, (clock_monotonic_ns() - began_ns) / 1000, error);
    return status;
}

/* ---- Sending again ---- */

static bool again_take(struct sink *sink, struct sink_again *again)
{
    bool taken;

    (void)pthread_mutex_lock(&sink->lock);
    taken = sink->again_count > 0;
    if (taken) {
        *again = sink->again[0];
        memmove(sink->again, sink->again + 1, --sink->again_count * sizeof(sink->again[0]));
    }
    (void)pthread_mutex_unlock(&sink->lock);
    return taken;
}

/* One try, on somebody's wish; it changes no position. */
static void again_deliver(struct sink *sink, const struct sink_again *again)
{
    struct delivery delivery;
    struct record record;
    struct record_batch batch;
    struct error error;
    int64_t began_us = clock_now_us();
    size_t delivered = 0;

    arena_reset(&sink->arena);
    scan_seek(sink->scan, again->topic, again->partition, again->offset, again->offset + 1);
    if (scan_next(sink->scan, &record, &batch, &error) != SCAN_RECORD || !record_take(sink, again->topic, &record, true, &delivery)) {
        LOG_WARNING("sink %s: the alert at offset %" PRId64 " of topic %s is gone, so it is not sent again", sink->name, again->offset, again->topic);
        return;
    }
    if (hand_over(sink, &delivery, 1, began_us, true, &delivered, &error) != OK) {
        const struct result result = {.state = "failed", .error = &error, .tries = 1, .read_us = began_us, .first_us = began_us, .at_us = clock_now_us(),
                                      .took_us = clock_now_us() - began_us};

        LOG_WARNING("sink %s: alert %s could not be sent again: %s", sink->name, delivery.id, error.message);
        result_add(sink, &delivery, &result);
    }
}

/* ---- The thread ---- */

/* The next partition with something to look at; false when there is none. */
static bool work_find(struct sink *sink, struct chunk *chunk)
{
    for (size_t i = 0; i < sink->input_count; i++) {
        struct sink_input *input = &sink->inputs[(sink->turn + i) % sink->input_count];

        for (int32_t partition = 0; partition < input->partitions; partition++) {
            int64_t start, end;

            if (log_bounds(sink->log, input->topic, partition, &start, &end, NULL) != OK || end <= input->next[partition])
                continue;
            chunk->input = input;
            chunk->partition = partition;
            sink->turn = (sink->turn + i + 1) % sink->input_count; /* another one next time */
            return true;
        }
    }
    return false;
}

/* For the first topic that is there; others are looked at in between. */
static void work_wait(struct sink *sink)
{
    const struct sink_input *input = NULL;
    bool several = sink->input_count > 1;

    for (size_t i = 0; i < sink->input_count; i++) {
        if (input == NULL && sink->inputs[i].partitions > 0)
            input = &sink->inputs[i];
        several = several || sink->inputs[i].partitions > 1;
    }
    if (input == NULL)
        (void)stop_wait(&sink->stop, WAIT_MS);
    else
        (void)log_wait(sink->log, input->topic, 0, input->next[0], several ? WAIT_SEVERAL_MS : WAIT_MS);
}

/* Behind what retention deleted, or to a topic that was made anew. */
static void positions_mend(struct sink *sink, const struct chunk *chunk)
{
    int64_t start, end, *next = &chunk->input->next[chunk->partition];

    if (log_bounds(sink->log, chunk->input->topic, chunk->partition, &start, &end, NULL) != OK)
        return;
    (void)pthread_mutex_lock(&sink->lock);
    *next = *next < start ? start : *next > end ? end : *next;
    (void)pthread_mutex_unlock(&sink->lock);
}

static enum status step(struct sink *sink, struct chunk *chunk, struct error *error)
{
    struct sink_again again;
    enum status status = sink->writer == NULL ? writer_open(sink, error) : OK;

    if (status == OK)
        inputs_refresh(sink);
    if (status == OK && sink->unsaved)
        status = save(sink, error);
    while (status == OK && again_take(sink, &again)) {
        again_deliver(sink, &again);
        status = sink->unsaved ? save(sink, error) : OK;
    }
    if (status != OK || clock_monotonic_ms() < sink->retry_at_monotonic_ms)
        return status;
    if (!work_find(sink, chunk)) {
        work_wait(sink);
        return OK;
    }
    status = chunk_read(sink, chunk, error);
    if (status == ERROR_OFFSET_OUT_OF_RANGE)
        positions_mend(sink, chunk);
    if (status == OK)
        status = chunk_deliver(sink, chunk, error);
    if (status == OK)
        sink->retry_ms = RETRY_FIRST_MS;
    return status;
}

static void failed(struct sink *sink, const struct error *error)
{
    LOG_WARNING("sink %s: %s; trying again in %" PRId64 " ms, alerts wait", sink->name, error->message, sink->retry_ms);
    (void)pthread_mutex_lock(&sink->lock);
    sink->error = *error;
    sink->retry_at_ms = clock_now_ms() + sink->retry_ms;
    (void)pthread_mutex_unlock(&sink->lock);
    sink->retry_at_monotonic_ms = clock_monotonic_ms() + sink->retry_ms;
    sink->retry_ms = sink->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : sink->retry_ms * 2;
}

static void went_through(struct sink *sink)
{
    (void)pthread_mutex_lock(&sink->lock);
    sink->error.status = OK;
    sink->retry_at_ms = 0;
    (void)pthread_mutex_unlock(&sink->lock);
}

void sink_run(void *context)
{
    struct sink *sink = context;
    struct chunk *chunk = memory_new(sizeof(*chunk));

    sink->retry_ms = RETRY_FIRST_MS;
    while (!sink->stop.asked) {
        int64_t left_ms = sink->retry_at_monotonic_ms - clock_monotonic_ms();
        struct error error;

        if (left_ms > 0)
            (void)stop_wait(&sink->stop, left_ms);
        if (sink->stop.asked)
            break;
        left_ms = sink->retry_at_monotonic_ms - clock_monotonic_ms();
        if (step(sink, chunk, &error) != OK) {
            struct error unsaved;

            if (sink->unsaved && sink->writer != NULL) /* what is known of the failed try; tried again with the next step */
                (void)save(sink, &unsaved);
            failed(sink, &error);
        } else if (left_ms <= 0 && sink->error.status != OK) {
            went_through(sink);
        }
    }
    if (sink->unsaved && sink->writer != NULL) {
        struct error error;

        if (save(sink, &error) != OK)
            LOG_WARNING("sink %s: %s; the last alerts are sent once more after the start", sink->name, error.message);
    }
    log_writer_close(sink->writer);
    sink->writer = NULL;
    memory_free(chunk);
}
