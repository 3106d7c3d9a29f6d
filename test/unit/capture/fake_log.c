#include "fake_log.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define BYTES_MAX (64 * 1024 * 1024)

struct fake_topic {
    int32_t partitions;
    struct buffer *published;
    struct buffer *appended; /* not published */
};

struct log {
    struct map topics;
    struct map positions; /* owner -> struct buffer */
    int32_t partitions;
    bool hold;
    enum status failure;
    uint64_t tickets;
    uint64_t durable;
    size_t publishes;
    struct log_writer *writer;
};

struct log_writer {
    struct log *log;
    char *owner;
    int fd;
    enum status failed;
};

struct log *fake_log_create(void)
{
    struct log *log = memory_new(sizeof(*log));

    map_init(&log->topics);
    map_init(&log->positions);
    log->partitions = 1;
    return log;
}

void fake_log_destroy(struct log *log)
{
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&log->topics, &at)) != NULL) {
        struct fake_topic *topic = entry->value;

        for (int32_t i = 0; i < topic->partitions; i++) {
            buffer_finish(&topic->published[i]);
            buffer_finish(&topic->appended[i]);
        }
        memory_free(topic->published);
        memory_free(topic->appended);
        memory_free(topic);
    }
    at = 0;
    while ((entry = map_next(&log->positions, &at)) != NULL) {
        buffer_finish(entry->value);
        memory_free(entry->value);
    }
    map_finish(&log->topics);
    map_finish(&log->positions);
    memory_free(log);
}

void fake_log_partitions(struct log *log, int32_t partitions)
{
    log->partitions = partitions;
}

void fake_log_hold(struct log *log, bool hold)
{
    log->hold = hold;
}

void fake_log_sync(struct log *log)
{
    uint64_t one = 1;

    log->durable = log->tickets;
    if (log->writer != NULL && write(log->writer->fd, &one, sizeof(one)) < 0)
        log->writer->failed = ERROR_BUG;
}

void fake_log_fail(struct log *log, enum status status)
{
    log->failure = status;
}

struct slice fake_log_batches(struct log *log, const char *name, int32_t partition)
{
    const struct fake_topic *topic = map_get_string(&log->topics, name);

    return topic == NULL ? slice_null() : buffer_slice(&topic->published[partition]);
}

size_t fake_log_publishes(const struct log *log)
{
    return log->publishes;
}

size_t fake_log_topics(const struct log *log)
{
    return log->topics.count;
}

/* ---- log.h ---- */

enum status log_topic_ensure(struct log *log, const struct log_topic_spec *spec, struct error *error)
{
    struct fake_topic *topic;

    (void)error;
    if (map_get_string(&log->topics, spec->name) != NULL)
        return OK;
    topic = memory_new(sizeof(*topic));
    topic->partitions = spec->partitions < 0 ? log->partitions : spec->partitions;
    topic->published = memory_new_array((size_t)topic->partitions, sizeof(*topic->published));
    topic->appended = memory_new_array((size_t)topic->partitions, sizeof(*topic->appended));
    for (int32_t i = 0; i < topic->partitions; i++) {
        buffer_init(&topic->published[i], BYTES_MAX);
        buffer_init(&topic->appended[i], BYTES_MAX);
    }
    (void)map_put_string(&log->topics, spec->name, topic);
    return OK;
}

int32_t log_topic_partitions(struct log *log, const char *name)
{
    const struct fake_topic *topic = map_get_string(&log->topics, name);

    return topic == NULL ? 0 : topic->partitions;
}

enum status log_writer_open(struct log *log, const char *owner, struct log_writer **opened, struct buffer *position, struct error *error)
{
    struct log_writer *writer = memory_new(sizeof(*writer));
    const struct buffer *stored = map_get_string(&log->positions, owner);

    (void)error;
    writer->log = log;
    writer->owner = memory_copy_string(owner);
    writer->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    log->writer = writer;
    log->durable = log->tickets;
    buffer_reset(position);
    if (stored != NULL)
        buffer_append_slice(position, buffer_slice(stored));
    *opened = writer;
    return OK;
}

enum status log_append(struct log_writer *writer, const char *name, int32_t partition, struct slice batch, struct error *error)
{
    struct fake_topic *topic = map_get_string(&writer->log->topics, name);

    if (topic == NULL || partition < 0 || partition >= topic->partitions)
        return error_set(error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "no such partition");
    buffer_append_slice(&topic->appended[partition], batch);
    return OK;
}

static void store_position(struct log *log, const char *owner, struct slice position)
{
    struct buffer *stored = map_get_string(&log->positions, owner);

    if (stored == NULL) {
        stored = memory_new(sizeof(*stored));
        buffer_init(stored, 65536);
        (void)map_put_string(&log->positions, owner, stored);
    }
    buffer_reset(stored);
    buffer_append_slice(stored, position);
}

enum status log_publish(struct log_writer *writer, struct slice position, uint64_t *ticket, struct error *error)
{
    struct log *log = writer->log;
    const struct map_entry *entry;
    size_t at = 0;

    if (writer->failed != OK)
        return error_set(error, writer->failed, "an earlier publish failed");
    *ticket = ++log->tickets;
    if (log->failure != OK) {
        uint64_t one = 1;

        writer->failed = log->failure;
        return write(writer->fd, &one, sizeof(one)) < 0 ? ERROR_BUG : OK; /* handed over; it fails behind our back */
    }
    while ((entry = map_next(&log->topics, &at)) != NULL) {
        struct fake_topic *topic = entry->value;

        for (int32_t i = 0; i < topic->partitions; i++) {
            buffer_append_slice(&topic->published[i], buffer_slice(&topic->appended[i]));
            buffer_reset(&topic->appended[i]);
        }
    }
    store_position(log, writer->owner, position);
    log->publishes++;
    if (!log->hold)
        fake_log_sync(log);
    return OK;
}

void log_writer_stamp(struct log_writer *writer, const struct log_stamp *stamp)
{
    (void)writer;
    (void)stamp;
}

uint64_t log_published(const struct log_writer *writer)
{
    return writer->log->durable;
}

int log_writer_fd(const struct log_writer *writer)
{
    return writer->fd;
}

void log_writer_drain(struct log_writer *writer)
{
    uint64_t count;

    if (read(writer->fd, &count, sizeof(count)) < 0)
        count = 0;
}

enum status log_flush(struct log_writer *writer, struct error *error)
{
    if (writer->failed != OK)
        return error_set(error, writer->failed, "an earlier publish failed");
    fake_log_sync(writer->log);
    return OK;
}

void log_writer_close(struct log_writer *writer)
{
    const struct map_entry *entry;
    size_t at = 0;

    if (writer == NULL)
        return;
    while ((entry = map_next(&writer->log->topics, &at)) != NULL) {
        struct fake_topic *topic = entry->value;

        for (int32_t i = 0; i < topic->partitions; i++)
            buffer_reset(&topic->appended[i]);
    }
    writer->log->writer = NULL;
    (void)close(writer->fd);
    memory_free(writer->owner);
    memory_free(writer);
}

bool log_position(struct log *log, const char *owner, struct buffer *position)
{
    const struct buffer *stored = map_get_string(&log->positions, owner);

    if (stored == NULL)
        return false;
    buffer_append_slice(position, buffer_slice(stored));
    return true;
}

/* Nobody reads from it by these. */
enum status log_bounds(struct log *log, const char *topic, int32_t partition, int64_t *start, int64_t *end, struct error *error)
{
    (void)log;
    *start = *end = 0;
    return error_set(error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "nothing can be read from %s-%d", topic, partition);
}

enum status log_read(struct log *log, const char *topic, int32_t partition, int64_t offset, size_t bytes_max, struct buffer *batches,
                     int64_t *next_offset, struct error *error)
{
    (void)log;
    (void)bytes_max;
    (void)batches;
    *next_offset = offset;
    return error_set(error, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "nothing can be read from %s-%d", topic, partition);
}
