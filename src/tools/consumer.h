/*
 * tools/consumer.h: reads records as Java's consumer does: a group's member (range assignment, or the newer protocol of KIP-848) or
 * one partition of one's own choice; positions kept by the group; read_committed.
 *
 * One thread drives it: everything happens inside consumer_next, so call it often enough to stay in the group.
 */
#ifndef TOOLS_CONSUMER_H
#define TOOLS_CONSUMER_H

#include "base/properties.h"
#include "base/regexes.h"
#include "tools/failure.h"
#include "wire/kafka/records.h"

struct consumer;

enum consumer_time { CONSUMER_TIME_NONE, CONSUMER_TIME_CREATED, CONSUMER_TIME_APPENDED };

struct consumer_record {
    struct slice topic;
    int32_t partition;
    enum consumer_time time_kind;
    struct record record; /* borrowed until the next call */
};

enum consumer_event {
    CONSUMER_RECORD,
    CONSUMER_NOTHING, /* the time is up */
    CONSUMER_WOKEN,   /* the wake descriptor became readable */
    CONSUMER_FAILED,
};

#define CONSUMER_EARLIEST (-2)
#define CONSUMER_LATEST (-1)

/* Where the time goes that a consumer is in no state to read: for kafka-consumer-perf-test. */
struct consumer_times {
    int64_t rebalancing_ms; /* in all, until partitions were assigned */
};

/*
 * Reads and checks the settings, of which bootstrap.servers and group.id are two. Fails as Java's constructor does.
 * arena  owns failures; lives longer than the consumer
 * wake   a descriptor that ends consumer_next when it becomes readable; -1: none
 */
const struct failure *consumer_create(struct arena *arena, const struct properties *settings, int wake, struct consumer **consumer);

/* Commits (enable.auto.commit), leaves the group, closes. NULL is fine. */
void consumer_close(struct consumer *consumer);

/* One of these, once. The regular expressions are borrowed as long as the consumer lives. */
void consumer_subscribe(struct consumer *consumer, struct slice topic);
void consumer_subscribe_matching(struct consumer *consumer, const struct regexes *topics);
void consumer_assign(struct consumer *consumer, struct slice topic, int32_t partition, int64_t offset); /* or CONSUMER_EARLIEST, …LATEST */

/* The next record, waiting up to timeout_ms (INT64_MAX: for ever). failure is set with CONSUMER_FAILED. */
enum consumer_event consumer_next(struct consumer *consumer, int64_t timeout_ms, struct consumer_record *record,
                                  const struct failure **failure);

/* Will consumer_next give a record without waiting? */
bool consumer_has_record(const struct consumer *consumer);

struct consumer_times consumer_times_of(const struct consumer *consumer);

/* Does the group use the classic protocol? (group.protocol) */
bool consumer_is_classic(const struct consumer *consumer);

#endif
