/*
 * agents/source.h: where an agent reads and writes: the log in-process (source_log.c), or any Kafka cluster through
 * librdkafka (source_kafka.c). Thread: the agent's.
 *
 * A checkpoint puts out together what the agent wrote (alerts, enriched events, changed state) and how far it has read, so
 * that after a crash both are from the same moment.
 */
#ifndef AGENTS_SOURCE_H
#define AGENTS_SOURCE_H

#include "base/error.h"
#include "base/properties.h"
#include "log/log.h"
#include "wire/kafka/trace_context.h"

struct source;

struct source_spec {
    const char *agent;             /* its name; the owner in the log is "agent/<name>" */
    const char *group;             /* on a cluster */
    const char *topic;
    const char *state_topic;       /* compacted; on a cluster the place of the checkpoints too */
    const char *alerts_topic;      /* on a cluster: read back after a crash, so that no alert comes twice; its records have an "id" */
    const char *enriched_topic;    /* the same */
    bool from_beginning;           /* when there is no checkpoint */
    const char *bootstrap_servers; /* NULL: the log in-process */
    const struct properties *client; /* librdkafka's settings; may be NULL */
    struct log *log;               /* in-process */
};

/* All of it is copied. Errors: BAD_INPUT, UNAVAILABLE, CLOSED (another agent of this name runs) */
enum status source_open(const struct source_spec *spec, struct source **opened, struct error *error);
void source_close(struct source *source); /* drops what was not checkpointed; NULL is fine */

struct source_record {
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;
    struct slice key, value; /* data NULL: null; good until the next call on the source */
    struct trace_context trace; /* of its headers; as long as those */
    bool is_told;               /* what came of it went out before a restart: it is judged for the state's sake alone */
};

/*
 * The next record. *got false: none came within timeout_ms (also while the topic is not there yet).
 * Errors  UNAVAILABLE, OFFSET_OUT_OF_RANGE (retention deleted what was not read yet: goes on at the first record that is
 *         there with the next call), CORRUPT_MESSAGE
 */
enum status source_next(struct source *source, int64_t timeout_ms, struct source_record *record, bool *got, struct error *error);

/*
 * Rises when partitions were given to us or taken: what was not checkpointed is dropped then, and the state has to be loaded
 * again before the next record is handled. In-process it stays as it is.
 */
uint64_t source_generation(struct source *source);

/* Would source_next have to wait? Then a checkpoint costs nobody anything. */
bool source_is_drained(struct source *source);

/* Has all been read that was there when the last record was asked for? */
bool source_is_at_end(struct source *source);

/* Is the topic there? */
bool source_is_ready(struct source *source);

/* How many records lie ahead. */
int64_t source_lag(struct source *source);

/* Makes a topic when it is missing. settings  of its own, as "key=value", NULL behind the last; NULL: none */
enum status source_topic_ensure(struct source *source, const char *topic, int32_t partitions, const char *const *settings, struct error *error);

/* Reads the state as of the checkpoint. value.data NULL: the key is gone. */
typedef void source_state(void *context, struct slice key, struct slice value);
enum status source_load(struct source *source, source_state *take, void *context, struct error *error);

/* Puts one record into the checkpoint under construction; copied. partition -1: by the key. */
enum status source_write(struct source *source, const char *topic, int32_t partition, const struct log_record *record, struct error *error);

/* Publishes what was written and how far was read. Waits until it is durable. */
enum status source_checkpoint(struct source *source, struct error *error);

/*
 * Publishes what was written, alerts say, without the state: a restart begins at the last checkpoint, and the records from there to
 * here come with is_told. Does not wait; that it failed shows with the next source_send or source_checkpoint. Not while state is
 * written. Only when source_can_send, which a cluster cannot.
 */
bool source_can_send(const struct source *source);
enum status source_send(struct source *source, struct error *error);

#endif
