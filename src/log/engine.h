/* log/engine.h: what an engine behind log.h gives; log.c passes each call on. The comments of log.h hold. */
#ifndef LOG_ENGINE_H
#define LOG_ENGINE_H

#include "log/log.h"

struct log_operations {
    void (*close)(struct log *log);
    enum status (*topic_ensure)(struct log *log, const struct log_topic_spec *spec, struct error *error);
    int32_t (*topic_partitions)(struct log *log, const char *topic);
    enum status (*writer_open)(struct log *log, const char *owner, struct log_writer **opened, struct buffer *position, struct error *error);
    bool (*position)(struct log *log, const char *owner, struct buffer *position);
    enum status (*position_set)(struct log *log, const char *owner, struct slice position, struct error *error);
    enum status (*position_remove)(struct log *log, const char *owner, struct error *error);
    enum status (*write)(struct log *log, const char *topic, int32_t partition, const struct log_record *records, size_t count, bool lazily,
                         int64_t *first_offset, struct error *error);
    enum status (*bounds)(struct log *log, const char *topic, int32_t partition, int64_t *start, int64_t *end, struct error *error);
    enum status (*read)(struct log *log, const char *topic, int32_t partition, int64_t offset, size_t bytes_max, struct buffer *batches,
                        int64_t *next_offset, struct error *error);
    bool (*wait)(struct log *log, const char *topic, int32_t partition, int64_t offset, int64_t timeout_ms);
};

struct stamps;

struct log {
    const struct log_operations *operations;
    struct stamps *stamps; /* stamps.c; NULL: nothing is traced. Set while nobody writes */
};

struct log_writer_operations {
    enum status (*append)(struct log_writer *writer, const char *topic, int32_t partition, struct slice batch, struct error *error);
    enum status (*publish)(struct log_writer *writer, struct slice position, uint64_t *ticket, struct error *error);
    void (*stamp)(struct log_writer *writer, const struct log_stamp *stamp);
    enum status (*flush)(struct log_writer *writer, struct error *error);
    void (*close)(struct log_writer *writer);
};

struct log_writer {
    const struct log_writer_operations *operations;
    _Atomic uint64_t published; /* ticket of the last durable publish */
    int fd;                     /* eventfd */
};

#endif
