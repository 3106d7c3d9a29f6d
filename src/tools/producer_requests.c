#include "tools/producer_internal.h"

#include "base/banned.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "os/clock.h"
#include "wire/kafka/messages_produce.h"

#define NO_ANSWER (-2) /* in place of the broker's error code */
#define CODE_OUT_OF_ORDER_SEQUENCE 45
#define CODE_DUPLICATE_SEQUENCE 46

static void put_number(uint8_t *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

/* Writes who sends it into a sealed batch, and its checksum anew. */
static void batch_stamp(const struct producer *producer, struct producer_batch *batch)
{
    put_number(batch->bytes + BATCH_PRODUCER_ID_AT, (uint64_t)producer->producer_id, 8);
    put_number(batch->bytes + BATCH_PRODUCER_EPOCH_AT, (uint64_t)producer->producer_epoch, 2);
    put_number(batch->bytes + BATCH_SEQUENCE_AT, (uint64_t)batch->sequence, 4);
    if (producer->transactional_id != NULL)
        batch->bytes[BATCH_ATTRIBUTES_AT + 1] |= RECORD_BATCH_TRANSACTIONAL;
    put_number(batch->bytes + BATCH_CRC_AT, crc32c(0, slice_of(batch->bytes + BATCH_ATTRIBUTES_AT, batch->size - BATCH_ATTRIBUTES_AT)), 4);
}

static int32_t sequence_after(int32_t sequence, size_t count)
{
    return (int32_t)(((uint32_t)sequence + (uint32_t)count) & 0x7fffffffu);
}

void producer_batch_complete(struct producer *producer, struct producer_batch *batch, const struct failure *failure)
{
    for (size_t i = 0; i < batch->count; i++)
        producer->done(producer->context, &batch->receipts[i], failure);
    producer->pending -= batch->count;
    producer->pending_bytes -= batch->size;
    memory_free(batch->receipts);
    memory_free(batch->bytes);
    memory_free(batch);
}

/* Back into its queue, by number. */
static void batch_requeue(struct producer_batch *batch)
{
    struct producer_batch **at = &batch->queue->first;

    while (*at != NULL && (*at)->number < batch->number)
        at = &(*at)->next;
    batch->next = *at;
    *at = batch;
}

static const struct failure *expired_failure(struct producer *producer, const struct producer_batch *batch)
{
    return failure_of(producer->failures, FAILURE_TIMEOUT, "Expiring %zu record(s) for %.*s-%d:%d ms has passed since batch creation",
                      batch->count, (int)batch->queue->topic.size, (const char *)batch->queue->topic.data, batch->queue->partition,
                      producer->delivery_timeout_ms);
}

/* A batch that the broker refused for good keeps no sequence numbers: the next one gets them. */
static void batch_refuse(struct producer *producer, struct producer_batch *batch, const struct failure *failure)
{
    if (batch->sequence >= 0) {
        batch->queue->recovers = true;
        for (struct producer_batch *later = batch->queue->first; later != NULL; later = later->next)
            later->sequence = -1;
    }
    producer_batch_complete(producer, batch, failure);
}

static bool code_is_retriable(const struct producer *producer, const struct producer_batch *batch, int16_t code)
{
    if (code == CODE_OUT_OF_ORDER_SEQUENCE)
        return producer->is_idempotent && batch->queue->recovers;
    return status_is_retriable(status_from_kafka_code(code));
}

static void batch_failed(struct producer *producer, struct producer_batch *batch, int16_t code, struct slice message)
{
    int64_t now_ms = clock_monotonic_ms();
    bool may_retry = batch->attempts <= producer->retries && now_ms - batch->created_ms < producer->delivery_timeout_ms;

    batch->queue->under_way--;
    if (code != NO_ANSWER && !code_is_retriable(producer, batch, code)) {
        batch_refuse(producer, batch, failure_from_kafka(producer->failures, code, message));
        return;
    }
    batch->queue->recovers = true;
    if (code == CODE_OUT_OF_ORDER_SEQUENCE)
        batch->sequence = -1; /* it was not taken: it gets the number that is its turn */
    metadata_refresh(&producer->metadata);
    if (may_retry) {
        batch->retry_at_ms = now_ms + producer->retry_backoff_ms;
        batch_requeue(batch);
    } else if (code != NO_ANSWER) {
        batch_refuse(producer, batch, failure_from_kafka(producer->failures, code, message));
    } else {
        batch_refuse(producer, batch,
                     now_ms - batch->created_ms < producer->delivery_timeout_ms
                         ? failure_of(producer->failures, "org.apache.kafka.common.errors.NetworkException",
                                      "The server disconnected before a response was received.")
                         : expired_failure(producer, batch));
    }
}

static void batch_succeeded(struct producer *producer, struct producer_batch *batch)
{
    batch->queue->under_way--;
    batch->queue->recovers = false;
    if (batch->sequence >= 0)
        batch->queue->acked_sequence = sequence_after(batch->sequence, batch->count);
    producer_batch_complete(producer, batch, NULL);
}

static const struct kafka_produce_response_partition *answer_find(const struct kafka_produce_response *response,
                                                                  const struct producer_queue *queue)
{
    for (int32_t i = 0; i < response->responses.count; i++) {
        if (!slice_equal(response->responses.items[i].name, queue->topic))
            continue;
        for (int32_t j = 0; j < response->responses.items[i].partition_responses.count; j++) {
            if (response->responses.items[i].partition_responses.items[j].index == queue->partition)
                return &response->responses.items[i].partition_responses.items[j];
        }
    }
    return NULL;
}

static void request_take(struct producer *producer, struct producer_request *request)
{
    const struct kafka_produce_response *response = exchange_take(&request->exchange);
    struct producer_batch *batch = request->batches;
    bool is_one_way = request->exchange.request.is_one_way;

    request->batches = NULL;
    while (batch != NULL) {
        struct producer_batch *next = batch->next;
        const struct kafka_produce_response_partition *answer;

        answer = response == NULL || is_one_way ? NULL : answer_find(response, batch->queue);
        if (response != NULL && is_one_way)
            batch_succeeded(producer, batch);
        else if (answer == NULL)
            batch_failed(producer, batch, NO_ANSWER, slice_null());
        else if (answer->error_code == 0 || answer->error_code == CODE_DUPLICATE_SEQUENCE)
            batch_succeeded(producer, batch);
        else
            batch_failed(producer, batch, answer->error_code, answer->error_message);
        batch = next;
    }
}

/* ---- Choosing what to send ---- */

static bool queue_is_ready(const struct producer *producer, const struct producer_queue *queue, int64_t now_ms)
{
    int limit = queue->recovers || !producer->is_idempotent ? 1 : PARTITION_BATCHES_MAX;

    return queue->first != NULL && queue->first->retry_at_ms <= now_ms && queue->under_way < limit;
}

static struct producer_batch *batches_choose(struct producer *producer, int32_t node_id, int64_t now_ms)
{
    struct producer_batch *chosen = NULL;
    size_t size = 0;

    for (struct producer_queue *queue = producer->queues; queue != NULL; queue = queue->next) {
        const struct metadata_partition *partition;
        struct producer_batch *batch = queue->first;

        if (!queue_is_ready(producer, queue, now_ms))
            continue;
        partition = metadata_find_partition(&producer->metadata, queue->topic, queue->partition);
        if (partition == NULL || partition->leader != node_id || (chosen != NULL && size + batch->size > (size_t)producer->request_bytes_max))
            continue;
        queue->first = batch->next;
        batch->next = chosen;
        chosen = batch;
        size += batch->size;
    }
    return chosen;
}

static void batch_prepare(struct producer *producer, struct producer_batch *batch)
{
    struct producer_queue *queue = batch->queue;

    batch->attempts++;
    if (queue->recovers && queue->under_way == 0 && batch->sequence < 0)
        queue->next_sequence = queue->acked_sequence;
    queue->under_way++;
    if (producer->is_idempotent && batch->sequence < 0) {
        batch->sequence = queue->next_sequence;
        queue->next_sequence = sequence_after(queue->next_sequence, batch->count);
        batch_stamp(producer, batch);
    }
}

static void request_fill(struct producer_request *request, struct kafka_produce_request *body)
{
    int32_t count = 0;

    for (struct producer_batch *batch = request->batches; batch != NULL; batch = batch->next)
        count++;
    body->topic_data.items = arena_new_array(&request->exchange.arena, (size_t)count, sizeof(*body->topic_data.items));
    for (struct producer_batch *batch = request->batches; batch != NULL; batch = batch->next) {
        struct kafka_produce_request_topic *topic = body->topic_data.items;
        struct kafka_produce_request_partition *partition;
        int32_t at = 0;

        while (at < body->topic_data.count && !slice_equal(topic[at].name, batch->queue->topic))
            at++;
        topic += at;
        if (at == body->topic_data.count) {
            wire_init_defaults(&kafka_produce_request_topic_message, topic);
            topic->name = batch->queue->topic;
            topic->partition_data.items = arena_new_array(&request->exchange.arena, (size_t)count, sizeof(*topic->partition_data.items));
            body->topic_data.count++;
        }
        partition = &topic->partition_data.items[topic->partition_data.count++];
        wire_init_defaults(&kafka_produce_request_partition_message, partition);
        partition->index = batch->queue->partition;
        partition->records = slice_of(batch->bytes, batch->size);
    }
}

static void request_send(struct producer *producer, struct producer_request *request, int32_t node_id)
{
    struct kafka_produce_request *body = EXCHANGE_BEGIN(&request->exchange, KAFKA_PRODUCE, kafka_produce);

    body->acks = producer->acks;
    body->timeout_ms = producer->request_timeout_ms;
    if (producer->transactional_id != NULL)
        body->transactional_id = slice_from_string(producer->transactional_id);
    request_fill(request, body);
    request->exchange.request.is_one_way = producer->acks == 0;
    exchange_send(&request->exchange, producer->client, node_id);
}

static int requests_under_way(const struct producer *producer, int32_t node_id)
{
    int count = 0;

    for (size_t i = 0; i < REQUESTS_MAX; i++)
        count += producer->requests[i].batches != NULL && producer->requests[i].exchange.node_id == node_id;
    return count;
}

static struct producer_request *request_free(struct producer *producer)
{
    for (size_t i = 0; i < REQUESTS_MAX; i++) {
        if (producer->requests[i].batches == NULL)
            return &producer->requests[i];
    }
    return NULL;
}

/* The batches of a partition have to reach the transaction's coordinator first. */
static bool transaction_is_ready(struct producer *producer, struct producer_batch *batches)
{
    for (struct producer_batch *batch = batches; batch != NULL && producer->transactional_id != NULL; batch = batch->next) {
        const struct failure *failure = batch->queue->is_in_transaction ? NULL : producer_add_partition(producer, batch->queue);

        if (failure != NULL) {
            producer->fatal = failure;
            return false;
        }
    }
    return true;
}

static void node_serve(struct producer *producer, int32_t node_id, int64_t now_ms)
{
    struct producer_request *request;
    struct producer_batch *batches;

    while (requests_under_way(producer, node_id) < producer->requests_per_node && (request = request_free(producer)) != NULL) {
        batches = batches_choose(producer, node_id, now_ms);
        if (batches == NULL)
            return;
        if (!transaction_is_ready(producer, batches)) {
            while (batches != NULL) {
                struct producer_batch *next = batches->next;

                producer_batch_complete(producer, batches, producer->fatal);
                batches = next;
            }
            return;
        }
        request->batches = batches;
        for (struct producer_batch *batch = batches; batch != NULL; batch = batch->next)
            batch_prepare(producer, batch);
        request_send(producer, request, node_id);
    }
}

/* Batches that have waited too long for a leader, or for their turn. */
static void queues_expire(struct producer *producer, int64_t now_ms)
{
    for (struct producer_queue *queue = producer->queues; queue != NULL; queue = queue->next) {
        if (queue->first != NULL && metadata_find_partition(&producer->metadata, queue->topic, queue->partition) == NULL)
            metadata_refresh(&producer->metadata);
        while (queue->first != NULL && now_ms - queue->first->created_ms >= producer->delivery_timeout_ms) {
            struct producer_batch *batch = queue->first;

            queue->first = batch->next;
            batch_refuse(producer, batch, expired_failure(producer, batch));
        }
    }
}

void producer_fail_all(struct producer *producer, const struct failure *failure)
{
    for (struct producer_queue *queue = producer->queues; queue != NULL; queue = queue->next) {
        while (queue->first != NULL) {
            struct producer_batch *batch = queue->first;

            queue->first = batch->next;
            producer_batch_complete(producer, batch, failure);
        }
    }
}

void producer_requests_progress(struct producer *producer)
{
    int64_t now_ms = clock_monotonic_ms();

    for (size_t i = 0; i < REQUESTS_MAX; i++) {
        if (producer->requests[i].batches != NULL && exchange_is_done(&producer->requests[i].exchange))
            request_take(producer, &producer->requests[i]);
    }
    queues_expire(producer, now_ms);
    if (producer->fatal != NULL)
        producer_fail_all(producer, producer->fatal);
    if (producer->is_idempotent && producer->producer_id < 0)
        return;
    for (size_t i = 0; i < client_node_count(producer->client); i++)
        node_serve(producer, client_node_at(producer->client, i)->id, now_ms);
}
