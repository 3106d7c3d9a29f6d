#include "tools/producer_internal.h"

#include "base/banned.h"
#include "os/clock.h"
#include "wire/kafka/messages_group.h"
#include "wire/kafka/messages_produce.h"
#include "wire/kafka/messages_transaction.h"

#define KEY_TYPE_TRANSACTION 1
#define CODE_COORDINATOR_LOADING 14
#define CODE_COORDINATOR_NOT_AVAILABLE 15
#define CODE_NOT_COORDINATOR 16
#define CODE_CONCURRENT_TRANSACTIONS 51

static bool code_is_passing(int16_t code)
{
    return code == CODE_COORDINATOR_LOADING || code == CODE_COORDINATOR_NOT_AVAILABLE || code == CODE_NOT_COORDINATOR ||
           code == CODE_CONCURRENT_TRANSACTIONS;
}

/* ---- The id of an idempotent producer ---- */

static void id_take(struct producer *producer, const struct kafka_init_producer_id_response *response)
{
    if (response == NULL || (response->error_code != 0 && status_is_retriable(status_from_kafka_code(response->error_code))))
        return;
    if (response->error_code != 0) {
        producer->fatal = failure_from_kafka(producer->failures, response->error_code, slice_null());
        return;
    }
    producer->producer_id = response->producer_id;
    producer->producer_epoch = response->producer_epoch;
}

void producer_id_progress(struct producer *producer)
{
    struct kafka_init_producer_id_request *body;

    if (!producer->is_idempotent || producer->producer_id >= 0 || producer->transactional_id != NULL)
        return;
    if (exchange_is_done(&producer->id_exchange)) {
        /* A broker without idempotence gets plain batches. */
        if (producer->id_exchange.request.outcome == CLIENT_UNSUPPORTED)
            producer->is_idempotent = false;
        id_take(producer, exchange_take(&producer->id_exchange));
    } else if (!producer->id_exchange.is_active && producer->pending > 0 && client_node_count(producer->client) > 0) {
        body = EXCHANGE_BEGIN(&producer->id_exchange, KAFKA_INIT_PRODUCER_ID, kafka_init_producer_id);
        body->transactional_id = slice_null();
        body->transaction_timeout_ms = INT32_MAX;
        exchange_send(&producer->id_exchange, producer->client, client_any_node(producer->client));
    }
}

/* ---- Transactions ---- */

static const struct failure *coordinator_find(struct producer *producer, struct arena *arena)
{
    struct slice key = slice_from_string(producer->transactional_id);
    struct kafka_find_coordinator_request request;
    struct kafka_find_coordinator_response response;
    int64_t deadline_ms = clock_monotonic_ms() + producer->block_max_ms;

    for (;;) {
        const struct failure *failure;
        int16_t code;

        wire_init_defaults(&kafka_find_coordinator_request_message, &request);
        request.key = key;
        request.key_type = KEY_TYPE_TRANSACTION;
        request.coordinator_keys.items = &key;
        request.coordinator_keys.count = 1;
        failure = client_call(producer->client, CLIENT_ANY, "findCoordinator", KAFKA_FIND_COORDINATOR, &request, &response, arena);
        if (failure != NULL)
            return failure;
        code = response.coordinators.count > 0 ? response.coordinators.items[0].error_code : response.error_code;
        if (code == 0) {
            producer->coordinator = response.coordinators.count > 0 ? response.coordinators.items[0].node_id : response.node_id;
            producer->needs_coordinator = false;
            return NULL;
        }
        if (!code_is_passing(code) || clock_monotonic_ms() > deadline_ms)
            return failure_from_kafka(producer->failures, code, slice_null());
        client_pause(producer->client, producer->retry_backoff_ms);
    }
}

/* Asks the coordinator until the answer is no passing trouble. *code is where the response has its error. */
static const struct failure *coordinator_call(struct producer *producer, int16_t api, const char *name, const void *body, void *response,
                                              const int16_t *code, struct arena *arena)
{
    int64_t deadline_ms = clock_monotonic_ms() + producer->block_max_ms;

    for (;;) {
        const struct failure *failure = client_find_nodes(producer->client, name);

        if (failure == NULL && producer->needs_coordinator)
            failure = coordinator_find(producer, arena);
        if (failure == NULL)
            failure = client_call(producer->client, producer->coordinator, name, api, body, response, arena);
        if (failure != NULL || *code == 0)
            return failure;
        if (!code_is_passing(*code) || clock_monotonic_ms() > deadline_ms)
            return failure_from_kafka(producer->failures, *code, slice_null());
        if (*code != CODE_CONCURRENT_TRANSACTIONS)
            producer->needs_coordinator = true;
        client_pause(producer->client, producer->retry_backoff_ms);
    }
}

const struct failure *producer_begin_transactions(struct producer *producer)
{
    struct kafka_init_producer_id_request request;
    struct kafka_init_producer_id_response response;
    struct arena arena;
    const struct failure *failure;

    arena_init(&arena, 4096);
    producer->needs_coordinator = true;
    wire_init_defaults(&kafka_init_producer_id_request_message, &request);
    request.transactional_id = slice_from_string(producer->transactional_id);
    request.transaction_timeout_ms = producer->transaction_timeout_ms;
    failure = coordinator_call(producer, KAFKA_INIT_PRODUCER_ID, "initTransactions", &request, &response, &response.error_code, &arena);
    if (failure == NULL)
        id_take(producer, &response);
    arena_finish(&arena);
    return failure;
}

const struct failure *producer_add_partition(struct producer *producer, struct producer_queue *queue)
{
    struct kafka_add_partitions_to_txn_request request;
    struct kafka_add_partitions_to_txn_request_topic topic;
    struct kafka_add_partitions_to_txn_response response;
    struct arena arena;
    int64_t deadline_ms = clock_monotonic_ms() + producer->block_max_ms;
    const struct failure *failure = NULL;
    int16_t none = 0;
    int16_t code;

    arena_init(&arena, 4096);
    wire_init_defaults(&kafka_add_partitions_to_txn_request_message, &request);
    wire_init_defaults(&kafka_add_partitions_to_txn_request_topic_message, &topic);
    topic.name = queue->topic;
    topic.partitions = (wire_int32_array){&queue->partition, 1};
    request.v3_and_below_transactional_id = slice_from_string(producer->transactional_id);
    request.v3_and_below_producer_id = producer->producer_id;
    request.v3_and_below_producer_epoch = producer->producer_epoch;
    request.v3_and_below_topics.items = &topic;
    request.v3_and_below_topics.count = 1;
    do {
        failure = coordinator_call(producer, KAFKA_ADD_PARTITIONS_TO_TXN, "addPartitionsToTxn", &request, &response, &none, &arena);
        code = failure == NULL && response.results_by_topic_v3_and_below.count > 0 &&
                       response.results_by_topic_v3_and_below.items[0].results_by_partition.count > 0
                   ? response.results_by_topic_v3_and_below.items[0].results_by_partition.items[0].partition_error_code
                   : 0;
        if (code_is_passing(code)) {
            producer->needs_coordinator = producer->needs_coordinator || code != CODE_CONCURRENT_TRANSACTIONS;
            client_pause(producer->client, producer->retry_backoff_ms);
        }
    } while (failure == NULL && code_is_passing(code) && clock_monotonic_ms() < deadline_ms);
    if (failure == NULL && code != 0)
        failure = failure_from_kafka(producer->failures, code, slice_null());
    if (failure == NULL) {
        queue->is_in_transaction = true;
        producer->in_transaction = true;
    }
    arena_finish(&arena);
    return failure;
}

const struct failure *producer_commit(struct producer *producer)
{
    struct kafka_end_txn_request request;
    struct kafka_end_txn_response response;
    struct arena arena;
    const struct failure *failure;

    producer_flush(producer);
    if (producer->fatal != NULL || !producer->in_transaction)
        return producer->fatal;
    arena_init(&arena, 4096);
    wire_init_defaults(&kafka_end_txn_request_message, &request);
    request.transactional_id = slice_from_string(producer->transactional_id);
    request.producer_id = producer->producer_id;
    request.producer_epoch = producer->producer_epoch;
    request.committed = true;
    failure = coordinator_call(producer, KAFKA_END_TXN, "commitTransaction", &request, &response, &response.error_code, &arena);
    if (failure == NULL && response.producer_id >= 0 && response.producer_epoch >= 0) {
        producer->producer_id = response.producer_id;
        producer->producer_epoch = response.producer_epoch;
    }
    for (struct producer_queue *queue = producer->queues; queue != NULL && failure == NULL; queue = queue->next) {
        queue->is_in_transaction = false;
        if (response.producer_id >= 0 && response.producer_epoch >= 0)
            queue->next_sequence = queue->acked_sequence = 0;
    }
    producer->in_transaction = false;
    arena_finish(&arena);
    return failure;
}
