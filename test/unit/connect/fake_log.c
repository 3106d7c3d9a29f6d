#include "fake_log.h"

#include "base/memory.h"
#include "os/clock.h"
#include "wire/kafka/partitioner.h"
#include "wire/kafka/records.h"

#include <pthread.h>
#include <stdio.h>

enum { TOPICS_MAX = 16, RECORDS_MAX = 4096, POSITIONS_MAX = 64 };

struct entry {
    int32_t partition;
    int64_t offset;
    struct buffer batch;
    char text[1024];
};

struct topic {
    char name[256];
    int32_t partitions;
    struct entry *entries;
    size_t count;
};

struct position {
    char owner[300];
    struct buffer bytes;
};

struct log {
    pthread_mutex_t lock; /* guards all below */
    struct topic topics[TOPICS_MAX];
    struct position positions[POSITIONS_MAX];
    enum status fails_with;
};

struct log_writer {
    struct log *log;
    char owner[300];
    uint64_t ticket;
};

struct log *fake_log_create(void)
{
    struct log *log = memory_new(sizeof(*log));

    pthread_mutex_init(&log->lock, NULL);
    return log;
}

void fake_log_destroy(struct log *log)
{
    for (int t = 0; t < TOPICS_MAX; t++) {
        for (size_t i = 0; i < log->topics[t].count; i++)
            buffer_finish(&log->topics[t].entries[i].batch);
        memory_free(log->topics[t].entries);
    }
    for (int i = 0; i < POSITIONS_MAX; i++)
        buffer_finish(&log->positions[i].bytes);
    pthread_mutex_destroy(&log->lock);
    memory_free(log);
}

void fake_log_fail_with(struct log *log, enum status status)
{
    pthread_mutex_lock(&log->lock);
    log->fails_with = status;
    pthread_mutex_unlock(&log->lock);
}

static struct topic *topic_find(struct log *log, const char *name)
{
    for (int t = 0; t < TOPICS_MAX; t++) {
        if (log->topics[t].partitions > 0 && strcmp(log->topics[t].name, name) == 0)
            return &log->topics[t];
    }
    return NULL;
}

enum status log_topic_ensure(struct log *log, const struct log_topic_spec *spec, struct error *error)
{
    (void)error;
    pthread_mutex_lock(&log->lock);
    for (int t = 0; topic_find(log, spec->name) == NULL && t < TOPICS_MAX; t++) {
        if (log->topics[t].partitions == 0) {
            (void)snprintf(log->topics[t].name, sizeof(log->topics[t].name), "%s", spec->name);
            log->topics[t].partitions = spec->partitions;
            log->topics[t].entries = memory_new_array(RECORDS_MAX, sizeof(struct entry));
        }
    }
    pthread_mutex_unlock(&log->lock);
    return OK;
}

int32_t log_topic_partitions(struct log *log, const char *name)
{
    struct topic *topic = topic_find(log, name);

    return topic == NULL ? 0 : topic->partitions;
}

enum status log_write(struct log *log, const char *name, int32_t partition, const struct log_record *records, size_t count,
                      int64_t *first_offset, struct error *error)
{
    struct record_batch_spec spec = record_batch_spec_plain();
    struct record_builder builder;
    struct topic *topic;

    pthread_mutex_lock(&log->lock);
    topic = topic_find(log, name);
    if (log->fails_with != OK || topic == NULL) {
        enum status status = topic == NULL ? ERROR_UNKNOWN_TOPIC_OR_PARTITION : log->fails_with;

        pthread_mutex_unlock(&log->lock);
        return error_set(error, status, "the fake log was told to fail");
    }
    if (partition < 0)
        partition = kafka_partition_for_key(records[0].key, topic->partitions);
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = &topic->entries[topic->count];
        int64_t offset = 0;
        struct slice sealed;

        for (size_t k = 0; k < topic->count; k++)
            offset += topic->entries[k].partition == partition;
        record_builder_init(&builder, 1 << 20);
        (void)record_builder_append(&builder, clock_now_ms(), records[i].key, records[i].value, NULL, 0);
        sealed = record_builder_seal(&builder, &spec, NULL);
        buffer_init(&entry->batch, 1 << 20);
        buffer_append_slice(&entry->batch, sealed);
        record_batch_set_offset(entry->batch.data, offset, 0);
        record_builder_finish(&builder);
        entry->partition = partition;
        entry->offset = offset;
        if (i == 0 && first_offset != NULL)
            *first_offset = offset;
        (void)snprintf(entry->text, sizeof(entry->text), "%.*s=%.*s", (int)records[i].key.size, (const char *)records[i].key.data,
                       records[i].value.data == NULL ? 4 : (int)records[i].value.size,
                       records[i].value.data == NULL ? "null" : (const char *)records[i].value.data);
        topic->count++;
    }
    pthread_mutex_unlock(&log->lock);
    return OK;
}

enum status log_bounds(struct log *log, const char *name, int32_t partition, int64_t *start, int64_t *end, struct error *error)
{
    struct topic *topic;

    pthread_mutex_lock(&log->lock);
    topic = topic_find(log, name);
    *start = 0;
    *end = 0;
    for (size_t k = 0; topic != NULL && k < topic->count; k++)
        *end += topic->entries[k].partition == partition;
    pthread_mutex_unlock(&log->lock);
    return topic == NULL ? error_set(error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "%s", name) : OK;
}

enum status log_read(struct log *log, const char *name, int32_t partition, int64_t offset, size_t bytes_max, struct buffer *batches,
                     int64_t *next_offset, struct error *error)
{
    struct topic *topic;

    (void)bytes_max;
    (void)error;
    pthread_mutex_lock(&log->lock);
    topic = topic_find(log, name);
    *next_offset = offset;
    for (size_t k = 0, taken = 0; k < topic->count && taken < 3; k++) { /* a few at a time, so that callers have to go on */
        if (topic->entries[k].partition == partition && topic->entries[k].offset >= offset) {
            buffer_append_slice(batches, buffer_slice(&topic->entries[k].batch));
            *next_offset = topic->entries[k].offset + 1;
            taken++;
        }
    }
    pthread_mutex_unlock(&log->lock);
    return OK;
}

bool log_wait(struct log *log, const char *topic, int32_t partition, int64_t offset, int64_t timeout_ms)
{
    (void)log, (void)topic, (void)partition, (void)offset, (void)timeout_ms;
    return false;
}

/* ---- Positions ---- */

static struct position *position_find(struct log *log, const char *owner, bool make)
{
    for (int i = 0; i < POSITIONS_MAX; i++) {
        if (strcmp(log->positions[i].owner, owner) == 0)
            return &log->positions[i];
    }
    for (int i = 0; make && i < POSITIONS_MAX; i++) {
        if (log->positions[i].owner[0] == '\0') {
            (void)snprintf(log->positions[i].owner, sizeof(log->positions[i].owner), "%s", owner);
            buffer_init(&log->positions[i].bytes, 65536);
            return &log->positions[i];
        }
    }
    return NULL;
}

bool log_position(struct log *log, const char *owner, struct buffer *position)
{
    struct position *found;

    pthread_mutex_lock(&log->lock);
    found = position_find(log, owner, false);
    if (found != NULL)
        buffer_append_slice(position, buffer_slice(&found->bytes));
    pthread_mutex_unlock(&log->lock);
    return found != NULL;
}

enum status log_position_set(struct log *log, const char *owner, struct slice position, struct error *error)
{
    struct position *found;

    (void)error;
    pthread_mutex_lock(&log->lock);
    found = position_find(log, owner, true);
    buffer_reset(&found->bytes);
    buffer_append_slice(&found->bytes, position);
    pthread_mutex_unlock(&log->lock);
    return OK;
}

enum status log_position_remove(struct log *log, const char *owner, struct error *error)
{
    struct position *found;

    (void)error;
    pthread_mutex_lock(&log->lock);
    found = position_find(log, owner, false);
    if (found != NULL) {
        found->owner[0] = '\0';
        buffer_finish(&found->bytes);
    }
    pthread_mutex_unlock(&log->lock);
    return OK;
}

enum status log_writer_open(struct log *log, const char *owner, struct log_writer **opened, struct buffer *position, struct error *error)
{
    struct log_writer *writer = memory_new(sizeof(*writer));

    (void)error;
    writer->log = log;
    (void)snprintf(writer->owner, sizeof(writer->owner), "%s", owner);
    (void)log_position(log, owner, position);
    *opened = writer;
    return OK;
}

enum status log_publish(struct log_writer *writer, struct slice position, uint64_t *ticket, struct error *error)
{
    *ticket = ++writer->ticket;
    return log_position_set(writer->log, writer->owner, position, error);
}

void log_writer_close(struct log_writer *writer)
{
    memory_free(writer);
}

/* ---- For the tests ---- */

bool fake_log_record(struct log *log, const char *name, size_t index, char *text, size_t size)
{
    struct topic *topic;
    bool found;

    pthread_mutex_lock(&log->lock);
    topic = topic_find(log, name);
    found = topic != NULL && index < topic->count;
    if (found)
        (void)snprintf(text, size, "%s", topic->entries[index].text);
    pthread_mutex_unlock(&log->lock);
    return found;
}

size_t fake_log_count(struct log *log, const char *name)
{
    struct topic *topic;
    size_t count;

    pthread_mutex_lock(&log->lock);
    topic = topic_find(log, name);
    count = topic == NULL ? 0 : topic->count;
    pthread_mutex_unlock(&log->lock);
    return count;
}
