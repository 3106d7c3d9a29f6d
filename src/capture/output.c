#include "capture/output.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/latency.h"
#include "capture/topics.h"
#include "os/clock.h"
#include "wire/kafka/partitioner.h"
#include "wire/kafka/records.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * A batch ends at this many bytes uncompressed, so that with any codec it stays below Kafka's default max.message.bytes
 * (1048588). A single larger record gets a batch of its own.
 */
#define BATCH_BYTES 1000000
#define RECORD_OVERHEAD_MAX 1024 /* of a batch with one record: its header and the record's lengths */
#define RECORD_BYTES_MAX (1024 * 1024 * 1024)
#define SPARE_BUILDERS 8         /* kept with their memory between batches */
#define POSITION_BYTES_MAX 65536 /* the log's */
#define REFRESH_MS 5000          /* how often more partitions of a topic are noticed */
#define UNDER_WAY_MAX 1024       /* publishes remembered; the log lets through far fewer */

struct output_topic;

/* One partition of a topic; it has a builder while there is something to publish. */
struct place {
    struct output_topic *topic;
    int32_t partition;
    struct record_builder *builder; /* NULL when all is with the log */
    bool is_open;                   /* in the list of places that were added to since the last publish */
    struct place *next_open;
};

struct output_topic {
    char *name;
    int32_t partitions;
    int32_t sticky; /* where records without a key go; the next partition after every batch, as Kafka's clients do */
    struct place *places;
    int64_t unpublished;       /* records since the last publish */
    struct topic_count *count; /* NULL: not counted */
};

/* A publish that is not known to be durable. */
struct under_way {
    uint64_t ticket;
    uint64_t resume_lsn;
    uint64_t time_us;
    int64_t oldest_us; /* commit time of its first row; 0: none was streamed */
    struct output_way way;
};

struct output {
    struct log *log;
    struct log_writer *writer;
    struct topic_rules *rules;
    struct compressor *compressor;
    struct map topics; /* name -> struct output_topic */
    const char *last_name;
    struct output_topic *last_topic;
    struct place *open; /* places that have a builder, the oldest first */
    struct place **open_end;
    struct record_builder *spare[SPARE_BUILDERS];
    size_t spare_count;
    size_t bytes;        /* uncompressed, since the last publish */
    size_t sealed_bytes; /* handed to the log since then */
    size_t open_bytes;   /* in builders */
    bool has_records;
    int64_t last_refresh_ms;
    struct buffer position;
    struct under_way ring[UNDER_WAY_MAX];
    size_t ring_first, ring_count;
    struct output_durable durable;
    struct log_stamp stamp; /* of the next publish */
    struct output_way way;
    struct latency latency;
    struct topic_counts *counts;
};

/* ---- Counting ---- */

struct topic_count {
    char *name;
    _Atomic int64_t records;
    struct topic_count *next;
};

struct topic_counts {
    pthread_mutex_t lock; /* guards the list, not the numbers; a leaf */
    struct topic_count *first;
};

struct topic_counts *topic_counts_create(void)
{
    struct topic_counts *counts = memory_new(sizeof(*counts));

    (void)pthread_mutex_init(&counts->lock, NULL);
    return counts;
}

void topic_counts_destroy(struct topic_counts *counts)
{
    if (counts == NULL)
        return;
    while (counts->first != NULL) {
        struct topic_count *next = counts->first->next;

        memory_free(counts->first->name);
        memory_free(counts->first);
        counts->first = next;
    }
    (void)pthread_mutex_destroy(&counts->lock);
    memory_free(counts);
}

void topic_counts_visit(struct topic_counts *counts, void (*visit)(void *context, const char *topic, int64_t records), void *context)
{
    pthread_mutex_lock(&counts->lock);
    for (struct topic_count *count = counts->first; count != NULL; count = count->next) {
        int64_t records = atomic_load_explicit(&count->records, memory_order_relaxed);

        if (records > 0)
            visit(context, count->name, records);
    }
    pthread_mutex_unlock(&counts->lock);
}

static struct topic_count *count_of(struct topic_counts *counts, const char *name)
{
    struct topic_count *count;

    pthread_mutex_lock(&counts->lock);
    for (count = counts->first; count != NULL && strcmp(count->name, name) != 0; count = count->next)
        ;
    if (count == NULL) {
        count = memory_new(sizeof(*count));
        count->name = memory_copy_string(name);
        count->next = counts->first;
        counts->first = count;
    }
    pthread_mutex_unlock(&counts->lock);
    return count;
}

void output_count_topics(struct output *output, struct topic_counts *counts)
{
    output->counts = counts;
}

/* ---- Opening ---- */

enum status output_open(const struct capture_settings *settings, struct log *log, struct output **opened, struct buffer *position,
                        struct error *error)
{
    struct output *output = memory_new(sizeof(*output));
    char *owner = memory_format("connector/%s", settings->connector);
    enum compression codec = COMPRESSION_GZIP;
    enum status status;

    output->log = log;
    output->open_end = &output->open;
    map_init(&output->topics);
    buffer_init(&output->position, POSITION_BYTES_MAX);
    (void)compression_from_name(slice_from_string(settings->compression), &codec);
    output->compressor = codec == COMPRESSION_NONE ? NULL : compressor_create(codec);
    status = topic_rules_create(&settings->values, &output->rules, error);
    if (status == OK)
        status = log_writer_open(log, owner, &output->writer, position, error);
    memory_free(owner);
    if (status == OK)
        *opened = output;
    else
        output_close(output);
    return status;
}

static void builder_free(struct record_builder *builder)
{
    if (builder != NULL)
        record_builder_finish(builder);
    memory_free(builder);
}

static void topic_free(struct output_topic *topic)
{
    for (int32_t i = 0; i < topic->partitions; i++)
        builder_free(topic->places[i].builder);
    memory_free(topic->places);
    memory_free(topic->name);
    memory_free(topic);
}

void output_close(struct output *output)
{
    const struct map_entry *entry;
    size_t at = 0;

    if (output == NULL)
        return;
    log_writer_close(output->writer);
    while ((entry = map_next(&output->topics, &at)) != NULL)
        topic_free(entry->value);
    for (size_t i = 0; i < output->spare_count; i++)
        builder_free(output->spare[i]);
    map_finish(&output->topics);
    buffer_finish(&output->position);
    compressor_destroy(output->compressor);
    topic_rules_destroy(output->rules);
    memory_free(output);
}

/* ---- Adding ---- */

static void topic_resize(struct output_topic *topic, int32_t partitions)
{
    topic->places = memory_resize(topic->places, (size_t)partitions * sizeof(*topic->places));
    for (int32_t i = topic->partitions; i < partitions; i++)
        topic->places[i] = (struct place){.topic = topic, .partition = i};
    topic->partitions = partitions;
}

static enum status topic_find(struct output *output, const char *name, struct output_topic **found, struct error *error)
{
    struct output_topic *topic;
    struct log_topic_spec spec = {.name = name};
    enum status status;

    /* Records of one table come in runs, and their topic is the same pointer. */
    if (name == output->last_name && strcmp(name, output->last_topic->name) == 0) {
        *found = output->last_topic;
        return OK;
    }
    topic = map_get_string(&output->topics, name);
    if (topic == NULL) {
        topic_rules_find(output->rules, name, &spec.partitions, &spec.config);
        status = log_topic_ensure(output->log, &spec, error);
        if (status != OK) {
            error_context(error, "create topic %s", name);
            return status;
        }
        topic = memory_new(sizeof(*topic));
        topic->name = memory_copy_string(name);
        topic_resize(topic, log_topic_partitions(output->log, name));
        if (topic->partitions < 1)
            topic_resize(topic, 1);
        if (output->counts != NULL)
            topic->count = count_of(output->counts, name);
        (void)map_put_string(&output->topics, name, topic);
    }
    output->last_name = name;
    output->last_topic = topic;
    *found = topic;
    return OK;
}

/* Gives the place an empty builder and puts it into the list of those to publish. */
static void place_open(struct output *output, struct place *place, bool is_large)
{
    if (output->spare_count > 0 && !is_large) {
        place->builder = output->spare[--output->spare_count];
    } else {
        place->builder = memory_new(sizeof(*place->builder));
        record_builder_init(place->builder, is_large ? RECORD_BYTES_MAX : BATCH_BYTES);
    }
    if (place->is_open)
        return;
    place->is_open = true;
    place->next_open = NULL;
    *output->open_end = place;
    output->open_end = &place->next_open;
}

/* Hands the batch to the log; the place has no builder afterwards. */
static enum status place_seal(struct output *output, struct place *place, struct error *error)
{
    struct record_batch_spec spec = record_batch_spec_plain();
    struct record_builder *builder = place->builder;
    struct slice batch;
    bool is_ordinary = builder->plain.size_max == BATCH_BYTES;
    enum status status = OK;

    place->builder = NULL;
    output->open_bytes -= record_builder_bytes(builder) < output->open_bytes ? record_builder_bytes(builder) : output->open_bytes;
    if (record_builder_count(builder) > 0) {
        batch = record_builder_seal(builder, &spec, output->compressor);
        output->sealed_bytes += batch.size;
        status = log_append(output->writer, place->topic->name, place->partition, batch, error);
        if (status != OK)
            error_context(error, "append to topic %s, partition %d", place->topic->name, place->partition);
        if (status == ERROR_MESSAGE_TOO_LARGE)
            error_remedy(error, "raise max.message.bytes of topic %s: a record of this table is larger than it allows", place->topic->name);
        if (place->partition == place->topic->sticky)
            place->topic->sticky = (place->topic->sticky + 1) % place->topic->partitions;
    }
    if (is_ordinary && output->spare_count < SPARE_BUILDERS) {
        record_builder_reset(builder);
        output->spare[output->spare_count++] = builder;
    } else {
        builder_free(builder);
    }
    return status;
}

static int32_t partition_of(struct output_topic *topic, const struct debezium_record *record)
{
    if (record->partition >= 0 && record->partition < topic->partitions)
        return record->partition;
    if (topic->partitions == 1)
        return 0;
    if (slice_is_null(record->key))
        return topic->sticky;
    return kafka_partition_for_key(record->key, topic->partitions);
}

static bool append(struct place *place, int64_t timestamp_ms, const struct debezium_record *record)
{
    return record_builder_append_rendered(place->builder, timestamp_ms, record->key, record->value_head, record->value_body,
                                          record->headers);
}

static enum status add(struct output *output, const struct debezium_record *record, int64_t now_ms, struct error *error)
{
    int64_t timestamp_ms = record->timestamp_ms < 0 ? now_ms : record->timestamp_ms;
    size_t size = record->key.size + record->value_head.size + record->value_body.size + record->headers.size;
    struct output_topic *topic;
    struct place *place;
    bool is_large;
    enum status status = topic_find(output, record->topic, &topic, error);

    if (status != OK)
        return status;
    place = &topic->places[partition_of(topic, record)];
    is_large = size + RECORD_OVERHEAD_MAX >= BATCH_BYTES;
    if (place->builder == NULL)
        place_open(output, place, is_large);
    if (!append(place, timestamp_ms, record)) {
        status = place_seal(output, place, error);
        if (status != OK)
            return status;
        place_open(output, place, is_large);
        if (!append(place, timestamp_ms, record))
            return error_set(error, ERROR_MESSAGE_TOO_LARGE, "a record of %zu bytes for topic %s", size, topic->name);
    }
    output->bytes += size;
    output->open_bytes += size;
    if (is_large)
        status = place_seal(output, place, error);
    output->has_records = true;
    topic->unpublished++;
    return status;
}

enum status output_add(struct output *output, const struct debezium_output *records, int64_t now_ms, struct error *error)
{
    enum status status = OK;

    for (size_t i = 0; status == OK && i < records->count; i++)
        status = add(output, &records->records[i], now_ms, error);
    return status;
}

bool output_is_empty(const struct output *output)
{
    return !output->has_records;
}

size_t output_bytes(const struct output *output)
{
    return output->bytes;
}

size_t output_memory(const struct output *output)
{
    return output->sealed_bytes + output->open_bytes;
}

/* ---- Publishing ---- */

static enum status seal_all(struct output *output, struct error *error)
{
    enum status status = OK;

    for (struct place *place = output->open; status == OK && place != NULL; place = place->next_open) {
        struct output_topic *topic = place->topic;

        if (place->builder != NULL)
            status = place_seal(output, place, error);
        if (topic->count != NULL)
            atomic_fetch_add_explicit(&topic->count->records, topic->unpublished, memory_order_relaxed);
        topic->unpublished = 0;
        place->is_open = false;
    }
    output->open = NULL;
    output->open_end = &output->open;
    return status;
}

static void forget_durable(struct output *output)
{
    uint64_t ticket = log_published(output->writer);

    while (output->ring_count > 0 && output->ring[output->ring_first].ticket <= ticket) {
        const struct under_way *done = &output->ring[output->ring_first];

        output->durable.resume_lsn = done->resume_lsn;
        output->durable.time_us = done->time_us;
        if (done->oldest_us != 0) {
            output->way = done->way;
            output->way.durable_us = clock_now_us();
            latency_add(&output->latency, output->way.durable_us, output->way.durable_us - done->oldest_us);
        }
        output->ring_first = (output->ring_first + 1) % UNDER_WAY_MAX;
        output->ring_count--;
    }
}

/* A topic may have been given more partitions; nothing is open now, so the places may move. */
static void refresh_partitions(struct output *output)
{
    int64_t now_ms = clock_monotonic_ms();
    const struct map_entry *entry;
    size_t at = 0;

    if (now_ms - output->last_refresh_ms < REFRESH_MS)
        return;
    output->last_refresh_ms = now_ms;
    while ((entry = map_next(&output->topics, &at)) != NULL) {
        struct output_topic *topic = entry->value;
        int32_t count = log_topic_partitions(output->log, topic->name);

        if (count > topic->partitions)
            topic_resize(topic, count);
    }
}

void output_stamp(struct output *output, const struct log_stamp *stamp)
{
    output->stamp = *stamp;
    log_writer_stamp(output->writer, stamp);
}

/* Rows of a snapshot are as old as they are: their way is none. */
static void way_begin(struct output *output, const struct position *position, struct under_way *entry)
{
    bool is_streamed = output->stamp.first_committed_us != 0 && position->snapshot == POSITION_STREAMING;

    entry->oldest_us = is_streamed ? output->stamp.first_committed_us : 0;
    entry->way = (struct output_way){output->stamp.last_committed_us, output->stamp.last_received_us, clock_now_us(), 0};
    output->stamp = (struct log_stamp){0};
}

enum status output_publish(struct output *output, const struct position *position, struct error *error)
{
    struct under_way *entry;
    uint64_t ticket = 0;
    enum status status = seal_all(output, error);

    if (status == OK && output->ring_count == UNDER_WAY_MAX) {
        status = log_flush(output->writer, error);
        forget_durable(output);
    }
    if (status != OK)
        return status;
    buffer_reset(&output->position);
    position_write(position, &output->position);
    if (output->position.failed)
        return error_set(error, ERROR_BUG, "the position is longer than %d bytes", POSITION_BYTES_MAX);
    status = log_publish(output->writer, buffer_slice(&output->position), &ticket, error);
    if (status != OK)
        return status;
    entry = &output->ring[(output->ring_first + output->ring_count++) % UNDER_WAY_MAX];
    entry->ticket = ticket;
    entry->resume_lsn = position->resume_lsn;
    entry->time_us = position->time_us;
    way_begin(output, position, entry);
    output->bytes = output->sealed_bytes = output->open_bytes = 0;
    output->has_records = false;
    refresh_partitions(output);
    return OK;
}

size_t output_under_way(const struct output *output)
{
    return output->ring_count;
}

struct output_durable output_durable(struct output *output)
{
    forget_durable(output);
    return output->durable;
}

struct output_way output_way(const struct output *output)
{
    return output->way;
}

void output_latency(const struct output *output, int64_t *p50_us, int64_t *p99_us)
{
    latency_read(&output->latency, clock_now_us(), p50_us, p99_us);
}

enum status output_wake(struct output *output, struct error *error)
{
    size_t before = output->ring_count;

    log_writer_drain(output->writer);
    forget_durable(output);
    /* Woken without progress: a publish failed, and the flush says how. */
    return before > 0 && output->ring_count == before ? log_flush(output->writer, error) : OK;
}

int output_fd(const struct output *output)
{
    return log_writer_fd(output->writer);
}

enum status output_flush(struct output *output, struct error *error)
{
    return log_flush(output->writer, error);
}
