#include "log/log.h"

#include "base/banned.h"
#include "log/engine.h"

#include <stdatomic.h>
#include <unistd.h>

void log_close(struct log *log)
{
    if (log != NULL)
        log->operations->close(log);
}

enum status log_topic_ensure(struct log *log, const struct log_topic_spec *spec, struct error *error)
{
    return log->operations->topic_ensure(log, spec, error);
}

int32_t log_topic_partitions(struct log *log, const char *topic)
{
    return log->operations->topic_partitions(log, topic);
}

enum status log_writer_open(struct log *log, const char *owner, struct log_writer **opened, struct buffer *position, struct error *error)
{
    return log->operations->writer_open(log, owner, opened, position, error);
}

enum status log_append(struct log_writer *writer, const char *topic, int32_t partition, struct slice batch, struct error *error)
{
    return writer->operations->append(writer, topic, partition, batch, error);
}

enum status log_publish(struct log_writer *writer, struct slice position, uint64_t *ticket, struct error *error)
{
    return writer->operations->publish(writer, position, ticket, error);
}

void log_writer_stamp(struct log_writer *writer, const struct log_stamp *stamp)
{
    writer->operations->stamp(writer, stamp);
}

uint64_t log_published(const struct log_writer *writer)
{
    return atomic_load_explicit(&writer->published, memory_order_acquire);
}

int log_writer_fd(const struct log_writer *writer)
{
    return writer->fd;
}

void log_writer_drain(struct log_writer *writer)
{
    uint64_t count;

    (void)!read(writer->fd, &count, sizeof(count)); /* it does not block; empty is fine too */
}

enum status log_flush(struct log_writer *writer, struct error *error)
{
    return writer->operations->flush(writer, error);
}

void log_writer_close(struct log_writer *writer)
{
    if (writer != NULL)
        writer->operations->close(writer);
}

bool log_position(struct log *log, const char *owner, struct buffer *position)
{
    return log->operations->position(log, owner, position);
}

enum status log_position_set(struct log *log, const char *owner, struct slice position, struct error *error)
{
    return log->operations->position_set(log, owner, position, error);
}

enum status log_position_remove(struct log *log, const char *owner, struct error *error)
{
    return log->operations->position_remove(log, owner, error);
}

enum status log_write(struct log *log, const char *topic, int32_t partition, const struct log_record *records, size_t count,
                      int64_t *first_offset, struct error *error)
{
    return log->operations->write(log, topic, partition, records, count, false, first_offset, error);
}

enum status log_write_lazily(struct log *log, const char *topic, int32_t partition, const struct log_record *records, size_t count,
                             struct error *error)
{
    return log->operations->write(log, topic, partition, records, count, true, NULL, error);
}

enum status log_bounds(struct log *log, const char *topic, int32_t partition, int64_t *start, int64_t *end, struct error *error)
{
    return log->operations->bounds(log, topic, partition, start, end, error);
}

enum status log_read(struct log *log, const char *topic, int32_t partition, int64_t offset, size_t bytes_max, struct buffer *batches,
                     int64_t *next_offset, struct error *error)
{
    return log->operations->read(log, topic, partition, offset, bytes_max, batches, next_offset, error);
}

bool log_wait(struct log *log, const char *topic, int32_t partition, int64_t offset, int64_t timeout_ms)
{
    return log->operations->wait(log, topic, partition, offset, timeout_ms);
}
