/*
 * log/log.h: the commit log as the services see it. Capture, connect, agents and reports know nothing else of it.
 * Two engines stand behind it: embedded.c over store/, and cluster.c over an Apache Kafka cluster.
 *
 * Thread: any, unless a function says otherwise; a writer and a reader belong to one thread at a time. Calls may wait for
 * the disk or the network, so the network thread calls none of them.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/properties.h"
#include "wire/kafka/records.h"

struct store;
struct log;
struct log_writer;

/* ---- Engines ---- */

/* The embedded engine over an open store, which stays the caller's. */
struct log *log_open_embedded(struct store *store);
void log_close(struct log *log);

/* ---- Topics ---- */

struct log_topic_spec {
    const char *name;
    int32_t partitions;              /* -1: the engine's default */
    const struct properties *config; /* may be NULL */
};

/* OK also when it exists already. Errors: INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS, DISK, DISK_FULL, UNAVAILABLE. */
enum status log_topic_ensure(struct log *log, const struct log_topic_spec *spec, struct error *error);

int32_t log_topic_partitions(struct log *log, const char *topic); /* 0 when there is no such topic */

/* ---- Writing with a position: capture ---- */

/*
 * Opens the writer of one owner ("connector/<name>"); a second one fences the first, whose calls then give CLOSED.
 * position  the last published one; empty when there is none
 */
enum status log_writer_open(struct log *log, const char *owner, struct log_writer **opened, struct buffer *position, struct error *error);

/*
 * Puts one RecordBatch v2 (base offset 0) into the publish under construction. The bytes are copied.
 * Order within a partition is the order of the calls.
 * Errors  UNKNOWN_TOPIC_OR_PARTITION, MESSAGE_TOO_LARGE, CLOSED
 */
enum status log_append(struct log_writer *writer, const char *topic, int32_t partition, struct slice batch, struct error *error);

/*
 * Publishes all that was appended since the last publish, together with the position: visible at once and as one, and
 * durable, or not at all. Returns when it is handed over; waits while too many are under way (back-pressure).
 * ticket  rises by one with each publish
 * Errors  those of an earlier publish that failed: nothing behind it is published either; close the writer and begin again
 */
enum status log_publish(struct log_writer *writer, struct slice position, uint64_t *ticket, struct error *error);

/* The ticket of the last publish that is durable; one atomic load. */
uint64_t log_published(const struct log_writer *writer);

/* Readable (poll) whenever the durable ticket moved or a publish failed; log_writer_drain clears it. */
int log_writer_fd(const struct log_writer *writer);
void log_writer_drain(struct log_writer *writer);

/* Waits until everything handed over is durable or has failed. */
enum status log_flush(struct log_writer *writer, struct error *error);
void log_writer_close(struct log_writer *writer); /* drops what was appended and not published; NULL is fine */

/* Position of an owner without a writer: the offsets API. False when there is none. */
bool log_position(struct log *log, const char *owner, struct buffer *position);
enum status log_position_set(struct log *log, const char *owner, struct slice position, struct error *error);
enum status log_position_remove(struct log *log, const char *owner, struct error *error);

/* ---- Being traced; log/stamps.h keeps it. Without stamps_start these cost nothing ---- */

/* What the writer knows of the rows of a publish: the smallest and the largest of each; 0 unknown. */
struct log_stamp {
    uint64_t first_lsn, last_lsn;
    uint64_t first_xid, last_xid;
    int64_t first_committed_us, last_committed_us; /* by PostgreSQL's clock */
    int64_t first_received_us, last_received_us;
};

/* Has the publish under construction stamped: when it was appended, durable and published, and where its records are. */
void log_writer_stamp(struct log_writer *writer, const struct log_stamp *stamp);

enum log_reader {
    LOG_READER_CLIENT = 'c', /* was sent the records before next_offset; the name is "host client-id" */
    LOG_READER_GROUP = 'g',  /* committed next_offset; "group\nhost client-id" of who sent the commit */
    LOG_READER_AGENT = 'a',  /* read them */
    LOG_READER_SCORED = 's', /* an agent is done with them */
};

/* Notes that a reader has got to next_offset just now. Thread: any; takes a leaf lock for less than a microsecond. log may be NULL. */
void log_passed(struct log *log, enum log_reader kind, const char *reader, const char *topic, int32_t partition, int64_t next_offset);

/* ---- Writing without a position: connect's topics, alerts, reports ---- */

struct log_record {
    struct slice key;   /* data NULL: null */
    struct slice value; /* data NULL: null */
    int64_t timestamp_ms; /* -1: now */
    const struct record_header *headers;
    size_t header_count;
};

/* Appends records as one batch (uncompressed) and waits until they are durable. partition -1: by Kafka's murmur2 of the first key. */
enum status log_write(struct log *log, const char *topic, int32_t partition, const struct log_record *records, size_t count,
                      int64_t *first_offset, struct error *error);

/* The same compressed, and without a sync of its own: a power cut may take it. For what is only good to have. */
enum status log_write_lazily(struct log *log, const char *topic, int32_t partition, const struct log_record *records, size_t count,
                             struct error *error);

/* ---- Reading ---- */

/* First offset and published end. Errors: UNKNOWN_TOPIC_OR_PARTITION. */
enum status log_bounds(struct log *log, const char *topic, int32_t partition, int64_t *start, int64_t *end, struct error *error);

/*
 * Appends whole batches from `offset` on to `batches`, at most about bytes_max (one batch at least, when there is one).
 * The first batch may begin before `offset`: skip records below it. Empty when `offset` is the published end.
 * next_offset  where to go on
 * Errors       UNKNOWN_TOPIC_OR_PARTITION, OFFSET_OUT_OF_RANGE, DISK
 */
enum status log_read(struct log *log, const char *topic, int32_t partition, int64_t offset, size_t bytes_max, struct buffer *batches,
                     int64_t *next_offset, struct error *error);

/* Waits until the published end passes `offset`, at most timeout_ms; true when it did. */
bool log_wait(struct log *log, const char *topic, int32_t partition, int64_t offset, int64_t timeout_ms);

#endif
