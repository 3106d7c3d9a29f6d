/*
 * agents/source.h: where an agent reads and writes: the log in-process (embedded.c side of log/log.h), or any Kafka cluster
 * through librdkafka. Thread: the agent's.
 */
#ifndef AGENTS_SOURCE_H
#define AGENTS_SOURCE_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/properties.h"
#include "log/log.h"
#include "wire/kafka/records.h"

struct source;

struct source_spec {
    const char *agent;             /* name; the owner in the log is "agent/<name>", the group on a cluster is `group` */
    const char *group;
    const char *topic;
    bool from_beginning;           /* when nothing was committed before */
    const char *bootstrap_servers; /* NULL: the log in-process */
    const struct properties *client; /* librdkafka's settings; may be NULL */
    struct log *log;
};

/* Waits for a topic that is not there yet (and says so once) inside source_poll. Errors: BAD_INPUT, UNAVAILABLE, CLOSED */
enum status source_open(const struct source_spec *spec, struct source **opened, struct error *error);
void source_close(struct source *source); /* NULL is fine */

/* The partitions that are ours now; after a change `source_assignment_changed` is true once and state must be loaded again. */
const int32_t *source_partitions(const struct source *source, size_t *count);
bool source_assignment_changed(struct source *source);

/* One run of records of one partition, as whole batches; records below `offset` are to be skipped. */
struct source_batch {
    int32_t partition;
    int64_t offset;
    int64_t next_offset;
    struct slice batches;  /* RecordBatch v2; good until the next poll. Over librdkafka: re-framed as one plain batch */
};

/* OK with batch->batches.size 0: nothing within timeout_ms. */
enum status source_poll(struct source *source, int64_t timeout_ms, struct source_batch *batch, struct error *error);

/* How far the newest record of all our partitions is ahead, in records. */
int64_t source_lag(struct source *source);

/*
 * Puts one record into the checkpoint under construction (alerts, enriched events, state). On the log all of it and the
 * positions become visible together; on a cluster in one transaction. partition -1: by the key.
 */
enum status source_write(struct source *source, const char *topic, int32_t partition, const struct log_record *record, struct error *error);

/* Publishes what was written together with the positions reached by the polled batches. Waits until it is durable. */
enum status source_checkpoint(struct source *source, struct error *error);

#endif
