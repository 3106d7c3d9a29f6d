/*
 * agents/source_log.c: the log in-process. What was read is the position of the owner "agent/<name>", published together with
 * the records that came of it: exactly once, over any number of topics, without a transaction protocol.
 *
 * Position: {"topic":"t","offsets":[120,98],"told":[125,98]}, one offset per partition: the next one to read with the state as of the
 * last checkpoint, and the one up to which alerts and all else that comes of records is out already; no "told": the same.
 */
#include "agents/source_internal.h"
#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/logger.h"
#include "wire/json/scan.h"
#include "wire/json/text.h"
#include "wire/kafka/partitioner.h"
#include "wire/kafka/records.h"

#include <inttypes.h>

#define LOG_SUBSYSTEM "agents"

#define READ_BYTES ((size_t)1 << 20)
#define READ_BYTES_MAX ((size_t)128 << 20)
#define PLAIN_BYTES_MAX ((size_t)128 << 20) /* of one batch, decompressed */
#define OUT_BATCH_BYTES ((size_t)900 << 10) /* below max.message.bytes of any sane topic */
#define PARTITIONS_WAIT_MS 2 /* with several partitions the wait goes from one to the next */

/* Records on their way out to one partition. */
struct out {
    char *topic;
    int32_t partition;
    struct record_builder builder;
};

struct source_log {
    struct source source; /* first */
    struct log *log;
    struct log_writer *writer;
    char *agent, *owner, *topic, *state_topic;
    struct buffer stored; /* the position as it was when we opened */
    bool from_beginning;
    bool waited_for_topic;
    int32_t partitions;  /* 0: the topic is not there yet */
    int64_t *next;       /* per partition: after the last record that was given */
    int64_t *kept;       /* the same as of the last checkpoint */
    int64_t *told;       /* what came of the records before it is out, since before a restart; -1: of none */
    int32_t reading;     /* the partition whose batches are in `batches` */
    struct buffer batches, plain;
    struct slice rest;   /* batches not begun yet */
    struct record_iterator records;
    int64_t batch_end;   /* offset behind the batch that `records` goes through; -1: none is open */
    struct decompressor *decompressor;
    struct compressor *compressor; /* gzip: the one codec that every client reads */
    struct map outs;     /* "topic\0partition" -> struct out */
};

static struct source_log *of(struct source *source)
{
    return (struct source_log *)source;
}

/* ---- Position ---- */

static void offsets_write(const char *name, const int64_t *offsets, int32_t count, struct buffer *position)
{
    buffer_append_format(position, ",\"%s\":[", name);
    for (int32_t i = 0; i < count; i++)
        buffer_append_format(position, "%s%" PRId64, i == 0 ? "" : ",", offsets[i]);
    buffer_append_u8(position, ']');
}

/* told  NULL: the same as the offsets */
static void position_write(const struct source_log *source, const int64_t *offsets, const int64_t *told, struct buffer *position)
{
    buffer_append_string(position, "{\"topic\":");
    json_append_string(position, slice_from_string(source->topic));
    offsets_write("offsets", offsets, source->partitions, position);
    if (told != NULL)
        offsets_write("told", told, source->partitions, position);
    buffer_append_u8(position, '}');
}

/* The stored offset of a partition; -1 when the position says nothing of it. name  "offsets" or "told" */
static int64_t position_offset(struct slice position, const char *name, const char *topic, int32_t partition)
{
    struct arena arena;
    bool same;

    arena_init(&arena, 1024);
    same = slice_equal_string(json_member_text(position, "topic", &arena), topic);
    arena_finish(&arena);
    return same ? json_element_integer(json_scan_member(position, name), (size_t)partition, -1) : -1;
}

/* ---- Opening ---- */

/* What is there is not what was read, but another topic of its name: nothing of it is in the state, and nothing was told of it. */
static void made_anew(struct source_log *source, int32_t partition, int64_t start)
{
    source->next[partition] = source->kept[partition] = start;
    source->told[partition] = -1;
}

/* Notices a topic that came into being, and partitions that were added. */
static enum status partitions_refresh(struct source_log *source, struct error *error)
{
    int32_t count = log_topic_partitions(source->log, source->topic);
    enum status status = OK;

    if (count <= source->partitions)
        return OK;
    source->next = memory_resize(source->next, (size_t)count * sizeof(*source->next));
    source->kept = memory_resize(source->kept, (size_t)count * sizeof(*source->kept));
    source->told = memory_resize(source->told, (size_t)count * sizeof(*source->told));
    for (int32_t i = source->partitions; i < count && status == OK; i++) {
        int64_t start, end, stored = position_offset(buffer_slice(&source->stored), "offsets", source->topic, i);

        status = log_bounds(source->log, source->topic, i, &start, &end, error);
        /* A topic or partition that came later is read from its first record, or rows would be missed. */
        source->next[i] = stored >= 0 ? stored : source->from_beginning || source->waited_for_topic || source->partitions > 0 ? start : end;
        source->kept[i] = source->next[i];
        source->told[i] = position_offset(buffer_slice(&source->stored), "told", source->topic, i);
        if (status == OK && (stored > end || source->told[i] > end)) {
            LOG_WARNING("agent %s: topic %s, partition %d ends before what was read of it: it was made anew, and is read from offset %" PRId64, source->agent, source->topic, i, start);
            made_anew(source, i, start);
        }
    }
    if (status == OK)
        source->partitions = count;
    return status;
}

static void source_log_close(struct source *base)
{
    struct source_log *source = of(base);
    const struct map_entry *entry;
    size_t at = 0;

    log_writer_close(source->writer);
    while ((entry = map_next(&source->outs, &at)) != NULL) {
        struct out *out = entry->value;

        record_builder_finish(&out->builder);
        memory_free(out->topic);
        memory_free(out);
    }
    map_finish(&source->outs);
    decompressor_destroy(source->decompressor);
    compressor_destroy(source->compressor);
    buffer_finish(&source->batches);
    buffer_finish(&source->plain);
    memory_free(source->next);
    memory_free(source->kept);
    memory_free(source->told);
    buffer_finish(&source->stored);
    memory_free(source->agent);
    memory_free(source->owner);
    memory_free(source->topic);
    memory_free(source->state_topic);
    memory_free(source);
}

/* ---- Reading ---- */

/* Opens the next batch of `rest`; false when there is none. Skips what lies before the position. */
static enum status batch_open(struct source_log *source, bool *opened, struct error *error)
{
    struct record_batch batch;
    enum status status;

    *opened = false;
    if (source->rest.size == 0)
        return OK;
    status = record_batch_read(source->rest, &batch, error);
    if (status == OK && !record_batch_is_control(&batch))
        status = record_iterator_stream(&source->records, &batch, source->decompressor, PLAIN_BYTES_MAX, &source->plain, error);
    if (status != OK) {
        error_context(error, "topic %s, partition %d, offset %" PRId64, source->topic, source->reading, source->next[source->reading]);
        return status;
    }
    source->rest = slice_from(source->rest, batch.bytes.size);
    source->batch_end = record_batch_next_offset(&batch);
    if (record_batch_is_control(&batch)) {
        source->next[source->reading] = source->batch_end;
        source->batch_end = -1;
    }
    *opened = true;
    return OK;
}

/* What was to be read next is not there. */
static enum status gap_pass(struct source_log *source, int32_t partition, int64_t start, int64_t end, struct error *error)
{
    int64_t lost = source->next[partition];

    if (lost > end) {
        made_anew(source, partition, start);
        return error_set(error, ERROR_OFFSET_OUT_OF_RANGE, "topic %s, partition %d ends at offset %" PRId64 ", before the next one to read, %" PRId64 ": it was made anew, and is read from %" PRId64,
                         source->topic, partition, end, lost, start);
    }
    source->next[partition] = start;
    return error_set(error, ERROR_OFFSET_OUT_OF_RANGE,
                     "topic %s, partition %d: offsets %" PRId64 " to %" PRId64 " were deleted by retention before they were read; going on at %" PRId64,
                     source->topic, partition, lost, start - 1, start);
}

/* Reads ahead from the next partition that has something; false when none has. */
static enum status batches_read(struct source_log *source, bool *got, struct error *error)
{
    *got = false;
    for (int32_t i = 0; i < source->partitions && !*got; i++) {
        int32_t partition = (source->reading + 1 + i) % source->partitions;
        int64_t next_offset, start, end;
        enum status status;

        buffer_reset(&source->batches);
        status = log_read(source->log, source->topic, partition, source->next[partition], READ_BYTES, &source->batches, &next_offset, error);
        if (status == ERROR_OFFSET_OUT_OF_RANGE && log_bounds(source->log, source->topic, partition, &start, &end, NULL) == OK)
            return gap_pass(source, partition, start, end, error);
        if (status != OK)
            return status;
        if (source->batches.size > 0) {
            source->reading = partition;
            source->rest = buffer_slice(&source->batches);
            *got = true;
            log_passed(source->log, LOG_READER_AGENT, source->agent, source->topic, partition, next_offset);
        }
    }
    return OK;
}

static enum status record_take(struct source_log *source, struct source_record *given, bool *got, struct error *error)
{
    struct record record;

    *got = false;
    while (source->batch_end >= 0 && record_iterator_next(&source->records, &record)) {
        if (record.offset < source->next[source->reading])
            continue;
        *given = (struct source_record){source->reading, record.offset, record.timestamp_ms, record.key, record.value, {slice_null(), slice_null()}, .is_told = record.offset < source->told[source->reading]};
        if (record.header_count > 0)
            given->trace = trace_context_of(&record);
        source->next[source->reading] = record.offset + 1;
        *got = true;
        return OK;
    }
    if (source->batch_end >= 0 && source->records.failed)
        return error_set(error, ERROR_CORRUPT_MESSAGE, "topic %s, partition %d, offset %" PRId64 ": the records of its batch cannot be read", source->topic,
                         source->reading, source->next[source->reading]);
    if (source->batch_end >= 0) {
        if (source->batch_end > source->next[source->reading]) /* compacted away at its end */
            source->next[source->reading] = source->batch_end;
        source->batch_end = -1;
        log_passed(source->log, LOG_READER_SCORED, source->agent, source->topic, source->reading, source->next[source->reading]);
    }
    return OK;
}

/* What is there without waiting. */
static enum status record_next(struct source_log *source, struct source_record *record, bool *got, struct error *error)
{
    bool more = true;
    enum status status = record_take(source, record, got, error);

    while (!*got && more && status == OK) {
        status = batch_open(source, &more, error);
        if (status == OK && !more)
            status = batches_read(source, &more, error);
        if (status == OK && more)
            status = record_take(source, record, got, error);
    }
    return status;
}

static enum status source_log_next(struct source *base, int64_t timeout_ms, struct source_record *record, bool *got, struct error *error)
{
    struct source_log *source = of(base);
    enum status status = record_next(source, record, got, error);

    if (status == OK && !*got && timeout_ms > 0) {
        int64_t wait_ms = source->partitions > 1 && timeout_ms > PARTITIONS_WAIT_MS ? PARTITIONS_WAIT_MS : timeout_ms;

        source->waited_for_topic = source->waited_for_topic || source->partitions == 0;
        status = partitions_refresh(source, error);
        for (int64_t waited_ms = 0; waited_ms < timeout_ms && status == OK && !*got; waited_ms += wait_ms) {
            int32_t partition = source->partitions > 0 ? (source->reading + 1) % source->partitions : 0;

            (void)log_wait(source->log, source->topic, partition, source->partitions > 0 ? source->next[partition] : 0, wait_ms);
            source->reading = partition;
            status = partitions_refresh(source, error);
            if (source->partitions == 0 || status != OK)
                continue;
            status = record_next(source, record, got, error);
        }
    }
    return status;
}

static uint64_t source_log_generation(struct source *base)
{
    (void)base;
    return 1;
}

static bool source_log_is_drained(struct source *base)
{
    struct source_log *source = of(base);

    if (source->rest.size > 0 || (source->batch_end >= 0 && source->records.left > 0))
        return false;
    return source_lag(base) == 0;
}

static bool source_log_is_ready(struct source *base)
{
    return of(base)->partitions > 0;
}

static int64_t source_log_lag(struct source *base)
{
    struct source_log *source = of(base);
    int64_t lag = 0, start, end;

    for (int32_t i = 0; i < source->partitions; i++) {
        if (log_bounds(source->log, source->topic, i, &start, &end, NULL) == OK && end > source->next[i])
            lag += end - source->next[i];
    }
    return lag;
}

/* ---- State ---- */

static enum status source_log_topic_ensure(struct source *base, const char *topic, int32_t partitions, const char *const *settings, struct error *error)
{
    struct properties config;
    struct log_topic_spec spec = {topic, partitions, &config};
    enum status status;

    properties_init(&config);
    for (; settings != NULL && *settings != NULL; settings++)
        (void)properties_set_assignment(&config, *settings, NULL);
    status = log_topic_ensure(of(base)->log, &spec, error);
    properties_finish(&config);
    return status;
}

static enum status state_batch_load(struct source_log *source, const struct record_batch *batch, source_state *take, void *context,
                                    struct error *error)
{
    struct record record;
    enum status status;

    if (record_batch_is_control(batch))
        return OK;
    status = record_iterator_init(&source->records, batch, source->decompressor, PLAIN_BYTES_MAX, &source->plain, error);
    while (status == OK && record_iterator_next(&source->records, &record))
        take(context, record.key, record.value);
    return status;
}

static enum status source_log_load(struct source *base, source_state *take, void *context, struct error *error)
{
    struct source_log *source = of(base);
    int64_t at, end;
    enum status status = log_bounds(source->log, source->state_topic, 0, &at, &end, error);

    while (status == OK && at < end) {
        struct record_batch batch;

        buffer_reset(&source->batches);
        status = log_read(source->log, source->state_topic, 0, at, READ_BYTES, &source->batches, &at, error);
        source->rest = buffer_slice(&source->batches);
        while (status == OK && source->rest.size > 0) {
            status = record_batch_read(source->rest, &batch, error);
            if (status == OK)
                status = state_batch_load(source, &batch, take, context, error);
            source->rest = slice_from(source->rest, status == OK ? batch.bytes.size : 0);
        }
    }
    source->rest = slice_null();
    source->batch_end = -1;
    if (status != OK)
        error_context(error, "load the state of agent %s from topic %s", source->agent, source->state_topic);
    return status;
}

/* ---- Writing ---- */

static enum status out_send(struct source_log *source, struct out *out, struct error *error)
{
    struct record_batch_spec spec = record_batch_spec_plain();
    enum status status = log_append(source->writer, out->topic, out->partition, record_builder_seal(&out->builder, &spec, source->compressor), error);

    record_builder_reset(&out->builder);
    return status;
}

static struct out *out_find(struct source_log *source, const char *topic, int32_t partition)
{
    char key[300];
    int size = snprintf(key, sizeof(key), "%s/%d", topic, partition);
    struct slice name = slice_of(key, size < 0 ? 0 : (size_t)size);
    struct out *out = map_get(&source->outs, name);

    if (out == NULL) {
        out = memory_new(sizeof(*out));
        out->topic = memory_copy_string(topic);
        out->partition = partition;
        record_builder_init(&out->builder, OUT_BATCH_BYTES);
        (void)map_put(&source->outs, name, out);
    }
    return out;
}

static enum status source_log_write(struct source *base, const char *topic, int32_t partition, const struct log_record *record,
                                    struct error *error)
{
    struct source_log *source = of(base);
    int64_t timestamp_ms = record->timestamp_ms < 0 ? clock_now_ms() : record->timestamp_ms;
    struct out *out;
    enum status status = OK;

    if (partition < 0) {
        int32_t count = log_topic_partitions(source->log, topic);
        partition = count <= 1 || slice_is_null(record->key) ? 0 : kafka_partition_for_key(record->key, count);
    }
    out = out_find(source, topic, partition);
    if (record_builder_append(&out->builder, timestamp_ms, record->key, record->value, record->headers, record->header_count))
        return OK;
    if (record_builder_count(&out->builder) > 0)
        status = out_send(source, out, error);
    if (status == OK && !record_builder_append(&out->builder, timestamp_ms, record->key, record->value, record->headers,
                                               record->header_count))
        status = error_set(error, ERROR_MESSAGE_TOO_LARGE, "a record of %zu bytes does not fit into a batch of topic %s",
                           record->key.size + record->value.size, topic);
    return status;
}

/* Hands over what was written together with the position. */
static enum status publish(struct source_log *source, const int64_t *offsets, const int64_t *told, struct error *error)
{
    const struct map_entry *entry;
    struct buffer position;
    uint64_t ticket;
    size_t at = 0;
    enum status status = OK;

    while ((entry = map_next(&source->outs, &at)) != NULL && status == OK) {
        struct out *out = entry->value;

        if (record_builder_count(&out->builder) > 0)
            status = out_send(source, out, error);
    }
    buffer_init(&position, 1 << 20);
    position_write(source, offsets, told, &position);
    log_writer_stamp(source->writer, &(struct log_stamp){0});
    if (status == OK)
        status = log_publish(source->writer, buffer_slice(&position), &ticket, error);
    buffer_finish(&position);
    return status;
}

/* What was told before a restart is passed when all of it has been read again; until then the position goes on saying it. */
static bool told_is_passed(const struct source_log *source)
{
    for (int32_t i = 0; i < source->partitions; i++) {
        if (source->told[i] > source->next[i])
            return false;
    }
    return true;
}

/* Up to where is told what came of the records: what was read, or further, before a restart. */
static const int64_t *told_now(struct source_log *source)
{
    for (int32_t i = 0; i < source->partitions; i++)
        source->told[i] = source->told[i] > source->next[i] ? source->told[i] : source->next[i];
    return source->told;
}

static enum status source_log_checkpoint(struct source *base, struct error *error)
{
    struct source_log *source = of(base);
    enum status status = publish(source, source->next, told_is_passed(source) ? NULL : told_now(source), error);

    if (status == OK)
        status = log_flush(source->writer, error);
    if (status == OK && source->partitions > 0)
        memcpy(source->kept, source->next, (size_t)source->partitions * sizeof(*source->kept));
    return status;
}

static enum status source_log_send(struct source *base, struct error *error)
{
    struct source_log *source = of(base);

    return publish(source, source->kept, told_now(source), error);
}

static const struct source_kind kind = {
    .close = source_log_close,
    .next = source_log_next,
    .generation = source_log_generation,
    .is_drained = source_log_is_drained,
    .is_at_end = source_log_is_drained,
    .is_ready = source_log_is_ready,
    .lag = source_log_lag,
    .topic_ensure = source_log_topic_ensure,
    .load = source_log_load,
    .write = source_log_write,
    .checkpoint = source_log_checkpoint,
    .send = source_log_send,
};

enum status source_log_open(const struct source_spec *spec, struct source **opened, struct error *error)
{
    struct source_log *source = memory_new(sizeof(*source));
    enum status status;

    *source = (struct source_log){.source = {&kind}, .log = spec->log, .from_beginning = spec->from_beginning, .batch_end = -1};
    source->agent = memory_copy_string(spec->agent);
    source->owner = memory_format("agent/%s", spec->agent);
    source->topic = memory_copy_string(spec->topic);
    source->state_topic = memory_copy_string(spec->state_topic);
    source->decompressor = decompressor_create();
    source->compressor = compressor_create(COMPRESSION_GZIP);
    map_init(&source->outs);
    buffer_init(&source->batches, READ_BYTES_MAX);
    buffer_init(&source->plain, PLAIN_BYTES_MAX);
    buffer_init(&source->stored, 1 << 20);
    status = log_writer_open(spec->log, source->owner, &source->writer, &source->stored, error);
    if (status == OK)
        status = partitions_refresh(source, error);
    if (status == OK) {
        *opened = &source->source;
    } else {
        error_context(error, "open agent %s", spec->agent);
        source_log_close(&source->source);
    }
    return status;
}
