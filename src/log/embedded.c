#include "log/embedded.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/clock.h"
#include "wire/kafka/partitioner.h"
#include "wire/kafka/records.h"

#include <errno.h>
#include <stdatomic.h>

/* The partition of that name, with a reference to its topic. Errors: UNKNOWN_TOPIC_OR_PARTITION */
static enum status embedded_partition(struct embedded *embedded, const char *name, int32_t index, struct topic **topic, struct partition **partition,
                               struct error *error)
{
    *topic = store_topic_find(embedded->store, slice_from_string(name));
    *partition = *topic == NULL ? NULL : topic_partition(*topic, index);
    if (*partition != NULL)
        return OK;
    topic_release(*topic);
    return error_set(error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "there is no %s-%d in the log", name, index);
}

/* ---- Topics ---- */

static enum status topic_ensure(struct log *log, const struct log_topic_spec *spec, struct error *error)
{
    struct embedded *embedded = (struct embedded *)log;
    struct topic_spec wanted = {.name = spec->name, .partitions = spec->partitions, .config = spec->config};
    struct topic *topic = store_topic_find(embedded->store, slice_from_string(spec->name));
    enum status status = OK;

    if (topic == NULL)
        status = store_topic_create_wait(embedded->store, &wanted, error);
    topic_release(topic);
    return status == ERROR_TOPIC_ALREADY_EXISTS ? OK : status;
}

static int32_t topic_partitions(struct log *log, const char *name)
{
    struct topic *topic = store_topic_find(((struct embedded *)log)->store, slice_from_string(name));
    int32_t count = topic == NULL ? 0 : topic_partition_count(topic);

    topic_release(topic);
    return count;
}

/* ---- Positions without a writer ---- */

static bool position_get(struct log *log, const char *owner, struct buffer *position)
{
    return store_position(((struct embedded *)log)->store, owner, position);
}

static enum status position_set(struct log *log, const char *owner, struct slice position, struct error *error)
{
    struct log_writer *writer;
    struct buffer before;
    uint64_t ticket;
    enum status status;

    buffer_init(&before, (size_t)1 << 20);
    status = log_writer_open(log, owner, &writer, &before, error);
    buffer_finish(&before);
    if (status != OK)
        return status;
    status = log_publish(writer, position, &ticket, error);
    if (status == OK)
        status = log_flush(writer, error);
    log_writer_close(writer);
    return status;
}

/* ---- Waiting for an answer of the committer ---- */

struct answer {
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t given;
    bool done;
    enum status status;
    struct error error;
};

static void answer_init(struct answer *answer)
{
    *answer = (struct answer){0};
    (void)pthread_mutex_init(&answer->lock, NULL);
    (void)pthread_cond_init(&answer->given, NULL);
}

static void answer_give(void *context, enum status status, const char *message)
{
    struct answer *answer = context;

    (void)pthread_mutex_lock(&answer->lock);
    answer->done = true;
    answer->status = status;
    if (status != OK)
        (void)error_set(&answer->error, status, "%s", message);
    (void)pthread_cond_signal(&answer->given);
    (void)pthread_mutex_unlock(&answer->lock);
}

static enum status answer_wait(struct answer *answer, struct error *error)
{
    (void)pthread_mutex_lock(&answer->lock);
    while (!answer->done)
        (void)pthread_cond_wait(&answer->given, &answer->lock);
    (void)pthread_mutex_unlock(&answer->lock);
    (void)pthread_cond_destroy(&answer->given);
    (void)pthread_mutex_destroy(&answer->lock);
    if (answer->status != OK && error != NULL)
        *error = answer->error;
    return answer->status;
}

static enum status position_remove(struct log *log, const char *owner, struct error *error)
{
    struct answer answer;

    answer_init(&answer);
    store_position_remove(((struct embedded *)log)->store, owner, answer_give, &answer);
    return answer_wait(&answer, error);
}

/* ---- Writing without a position ---- */

static void append_done(struct append *append)
{
    answer_give(append->context, append->status, status_text(append->status));
}

/* All records as one batch in the builder. */
static enum status batch_build(struct record_builder *builder, const struct topic *topic, const struct log_record *records, size_t count,
                               struct error *error)
{
    int64_t now_ms = clock_now_ms();
    bool fits = true;

    for (size_t i = 0; i < count && fits; i++) {
        const struct log_record *record = &records[i];

        if (slice_is_null(record->key) && topic_is_compacted(topic))
            return error_set(error, ERROR_INVALID_RECORD, "Compacted topic cannot accept message without key in topic %s.", topic_name(topic));
        fits = record_builder_append(builder, record->timestamp_ms < 0 ? now_ms : record->timestamp_ms, record->key, record->value,
                                     record->headers, record->header_count);
    }
    if (!fits || count == 0)
        return error_set(error, ERROR_MESSAGE_TOO_LARGE, "%zu records for topic %s do not make a batch of at most %d bytes", count,
                         topic_name(topic), topic_batch_bytes_max(topic));
    return OK;
}

static int32_t partition_choose(struct embedded *embedded, const struct topic *topic, int32_t wanted, const struct log_record *records,
                                size_t count)
{
    int32_t partitions = topic_partition_count(topic);

    if (wanted >= 0 || partitions == 0)
        return wanted;
    if (count > 0 && !slice_is_null(records[0].key))
        return kafka_partition_for_key(records[0].key, partitions);
    return (int32_t)(atomic_fetch_add_explicit(&embedded->spread, 1, memory_order_relaxed) % (uint32_t)partitions);
}

static enum status write_records(struct log *log, const char *name, int32_t index, const struct log_record *records, size_t count, bool lazily,
                                 int64_t *first_offset, struct error *error)
{
    struct embedded *embedded = (struct embedded *)log;
    struct record_batch_spec spec = record_batch_spec_plain();
    struct topic *topic = store_topic_find(embedded->store, slice_from_string(name));
    struct append append = {.acks = -1, .lazy = lazily, .done = append_done};
    struct compressor *compressor = lazily ? compressor_create(COMPRESSION_GZIP) : NULL;
    struct record_builder builder;
    struct answer answer;
    enum status status;

    if (topic != NULL)
        append.partition = topic_partition(topic, partition_choose(embedded, topic, index, records, count));
    if (append.partition == NULL) {
        topic_release(topic);
        compressor_destroy(compressor);
        return error_set(error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "there is no %s-%d in the log", name, index);
    }
    record_builder_init(&builder, (size_t)topic_batch_bytes_max(topic));
    status = batch_build(&builder, topic, records, count, error);
    if (status == OK) {
        answer_init(&answer);
        append.batches = record_builder_seal(&builder, &spec, compressor);
        append.context = &answer;
        store_append(embedded->store, &append);
        status = answer_wait(&answer, error);
        if (status != OK)
            error_context(error, "write to %s-%d", name, partition_index(append.partition));
        else if (first_offset != NULL)
            *first_offset = append.first_offset;
    }
    record_builder_finish(&builder);
    compressor_destroy(compressor);
    topic_release(topic);
    return status;
}

/* ---- Reading ---- */

static enum status bounds(struct log *log, const char *name, int32_t index, int64_t *start, int64_t *end, struct error *error)
{
    struct partition *partition;
    struct topic *topic;
    enum status status = embedded_partition((struct embedded *)log, name, index, &topic, &partition, error);

    if (status != OK)
        return status;
    *start = partition_start(partition);
    *end = partition_end(partition);
    topic_release(topic);
    return OK;
}

static enum status read_batches(struct log *log, const char *name, int32_t index, int64_t offset, size_t bytes_max, struct buffer *batches,
                                int64_t *next_offset, struct error *error)
{
    struct partition *partition;
    struct topic *topic;
    struct range range;
    uint8_t *to;
    enum status status = embedded_partition((struct embedded *)log, name, index, &topic, &partition, error);

    if (status != OK)
        return status;
    status = partition_range(partition, offset, bytes_max, false, &range, error);
    if (status == OK && range.size > 0) {
        to = buffer_reserve(batches, range.size);
        if (to == NULL)
            status = error_set(error, ERROR_LIMIT, "a batch of %zu bytes at offset %lld of %s-%d does not fit the reader's buffer", range.size,
                               (long long)offset, name, index);
        else
            status = range_read(&range, to, error);
        if (status == OK)
            batches->size += range.size;
    }
    if (status == OK)
        *next_offset = range.next_offset;
    range_release(&range);
    topic_release(topic);
    return status;
}

static void moved(void *context, struct partition *const *partitions, size_t count)
{
    struct embedded *embedded = context;

    (void)partitions;
    (void)count;
    (void)pthread_mutex_lock(&embedded->moved_lock);
    if (embedded->waiting > 0)
        (void)pthread_cond_broadcast(&embedded->moved);
    (void)pthread_mutex_unlock(&embedded->moved_lock);
}

static bool has_more(struct embedded *embedded, const char *name, int32_t index, int64_t offset)
{
    struct partition *partition;
    struct topic *topic;
    bool more = false;

    if (embedded_partition(embedded, name, index, &topic, &partition, NULL) == OK) {
        more = partition_end(partition) > offset;
        topic_release(topic);
    }
    return more;
}

static bool wait_for(struct log *log, const char *name, int32_t index, int64_t offset, int64_t timeout_ms)
{
    struct embedded *embedded = (struct embedded *)log;
    int64_t at_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
    struct timespec deadline = {.tv_sec = at_ns / NS_PER_SECOND, .tv_nsec = at_ns % NS_PER_SECOND};
    int result = 0;
    bool more;

    (void)pthread_mutex_lock(&embedded->moved_lock);
    embedded->waiting++;
    while (!(more = has_more(embedded, name, index, offset)) && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&embedded->moved, &embedded->moved_lock, &deadline);
    embedded->waiting--;
    (void)pthread_mutex_unlock(&embedded->moved_lock);
    return more;
}

/* ---- Life ---- */

static void close_embedded(struct log *log)
{
    struct embedded *embedded = (struct embedded *)log;

    store_unlisten(embedded->store, moved, embedded);
    (void)pthread_cond_destroy(&embedded->moved);
    (void)pthread_mutex_destroy(&embedded->moved_lock);
    (void)pthread_mutex_destroy(&embedded->writers_lock);
    memory_free(embedded);
}

static const struct log_operations operations = {
    .close = close_embedded,
    .topic_ensure = topic_ensure,
    .topic_partitions = topic_partitions,
    .writer_open = embedded_writer_open,
    .position = position_get,
    .position_set = position_set,
    .position_remove = position_remove,
    .write = write_records,
    .bounds = bounds,
    .read = read_batches,
    .wait = wait_for,
};

struct log *log_open_embedded(struct store *store)
{
    struct embedded *embedded = memory_new(sizeof(*embedded));
    pthread_condattr_t attributes;

    embedded->log.operations = &operations;
    embedded->store = store;
    (void)pthread_mutex_init(&embedded->writers_lock, NULL);
    (void)pthread_mutex_init(&embedded->moved_lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&embedded->moved, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    store_listen(store, moved, embedded);
    return &embedded->log;
}
