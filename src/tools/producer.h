/*
 * tools/producer.h: sends records as Java's producer does: batches per partition, linger, murmur2 of the key or one partition after
 * the other, idempotence, retries in order, transactions.
 *
 * One thread drives it: producer_send queues a record, producer_progress moves bytes and calls back for records that are done.
 */
#ifndef TOOLS_PRODUCER_H
#define TOOLS_PRODUCER_H

#include "base/properties.h"
#include "tools/failure.h"
#include "wire/kafka/records.h"

struct producer;

struct producer_message {
    struct slice topic; /* this and what follows is copied */
    struct slice key;   /* data NULL: null */
    struct slice value; /* data NULL: null */
    const struct record_header *headers;
    size_t header_count;
};

/* What is known of a record when it is done. */
struct producer_receipt {
    int64_t key_bytes;   /* -1: null */
    int64_t value_bytes; /* -1: null */
    int64_t queued_ms;   /* monotonic clock */
    uint64_t ordinal;    /* which call of producer_send it was, from 0 */
};

/* failure  NULL when the broker has the record. Called from producer_progress and what calls it. */
typedef void producer_done(void *context, const struct producer_receipt *receipt, const struct failure *failure);

/*
 * Reads and checks the settings, of which bootstrap.servers is one. ConfigException and the like as Java's constructor throws them.
 * arena  owns failures; lives longer than the producer
 */
const struct failure *producer_create(struct arena *arena, const struct properties *settings, producer_done *done, void *context,
                                      struct producer **producer);

/* Forgets what is not sent; producer_flush first. NULL is fine. */
void producer_destroy(struct producer *producer);

/*
 * Queues a record. Waits for the topic's metadata, and for room, up to max.block.ms.
 * A failure is of this record alone: it will not be called back for
 */
const struct failure *producer_send(struct producer *producer, const struct producer_message *message);

/* Moves bytes for up to timeout_ms; ends early when fd (-1: none) becomes readable. */
void producer_progress(struct producer *producer, int64_t timeout_ms, int fd);

/* Waits until every record is done; there is a limit, delivery.timeout.ms. */
void producer_flush(struct producer *producer);

/* Transactions; the settings have to have a transactional.id. */
const struct failure *producer_begin_transactions(struct producer *producer); /* once: finds the id's state */
const struct failure *producer_commit(struct producer *producer);             /* flushes first; the next send begins the next one */

#endif
