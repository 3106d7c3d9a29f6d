/* tools/producer_internal.h: what the sources of the producer share. */
#ifndef TOOLS_PRODUCER_INTERNAL_H
#define TOOLS_PRODUCER_INTERNAL_H

#include "tools/client.h"
#include "tools/exchange.h"
#include "tools/metadata.h"
#include "tools/producer.h"

#define NODE_REQUESTS_MAX 5      /* max.in.flight.requests.per.connection, at most this */
#define PARTITION_BATCHES_MAX 5  /* under way of one partition */
#define REQUESTS_MAX 64

/* Where fields stand in a batch. Source: wire/kafka/records.h */
enum {
    BATCH_LENGTH_AT = 8,
    BATCH_CRC_AT = 17,
    BATCH_ATTRIBUTES_AT = 21,
    BATCH_PRODUCER_ID_AT = 43,
    BATCH_PRODUCER_EPOCH_AT = 51,
    BATCH_SEQUENCE_AT = 53,
};

/* Records that are sealed, on their way. */
struct producer_batch {
    struct producer_batch *next;
    struct producer_queue *queue;
    uint8_t *bytes;
    size_t size;
    struct producer_receipt *receipts;
    size_t count;
    uint64_t number;    /* in the order of sealing */
    int32_t sequence;   /* -1: has none yet */
    int32_t attempts;
    int64_t created_ms;
    int64_t retry_at_ms;
};

/* One partition. */
struct producer_queue {
    struct producer_queue *next;
    struct slice topic;
    int32_t partition;
    struct record_builder builder; /* the open batch */
    struct producer_receipt *receipts;
    size_t receipt_capacity;
    int64_t opened_ms;
    struct producer_batch *first; /* sealed, by number */
    int under_way;
    bool recovers;            /* something was lost: one batch at a time until the next success */
    int32_t next_sequence;
    int32_t acked_sequence; /* that follows the last batch the broker has */
    bool is_in_transaction;
};

struct producer_request {
    struct exchange exchange;
    struct producer_batch *batches; /* NULL: free */
};

struct producer_topic {
    struct producer_topic *next;
    struct slice name;
    int32_t sticky_partition; /* of records without key; -1: choose one */
    size_t sticky_bytes;
};

struct producer {
    struct arena *failures;
    struct arena arena; /* queues and names */
    struct client *client;
    struct metadata metadata;
    producer_done *done;
    void *context;
    struct producer_queue *queues;
    struct producer_topic *topics;
    struct producer_request requests[REQUESTS_MAX];
    struct exchange id_exchange;
    struct compressor *compressor;
    size_t pending;       /* records */
    size_t pending_bytes; /* of sealed batches */
    uint64_t batch_count;
    uint64_t send_count;
    bool flushes;
    bool is_idempotent;
    int64_t producer_id; /* -1: not known */
    int16_t producer_epoch;
    const struct failure *fatal; /* of the producer: everything fails with it */
    const char *transactional_id; /* NULL: none */
    bool in_transaction;
    bool needs_coordinator;
    int32_t coordinator;
    /* Settings. */
    int16_t acks;
    int32_t retries;
    int32_t batch_bytes;
    int32_t request_bytes_max;
    int32_t requests_per_node;
    int32_t request_timeout_ms;
    int32_t transaction_timeout_ms;
    int64_t linger_ms;
    int64_t block_max_ms;
    int64_t memory_bytes_max;
    int64_t retry_backoff_ms;
    int32_t delivery_timeout_ms;
};

/* producer_requests.c: moves batches to the brokers and takes the answers. */
void producer_requests_progress(struct producer *producer);
void producer_batch_complete(struct producer *producer, struct producer_batch *batch, const struct failure *failure); /* frees it */
void producer_fail_all(struct producer *producer, const struct failure *failure);

/* producer_transactions.c */
const struct failure *producer_add_partition(struct producer *producer, struct producer_queue *queue); /* to the transaction */
void producer_id_progress(struct producer *producer);

#endif
