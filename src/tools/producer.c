#include "tools/producer_internal.h"

#include "base/banned.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/random.h"
#include "tools/settings.h"
#include "wire/kafka/partitioner.h"

#define RECORD_OVERHEAD_MAX 21
#define PRODUCE_BYTES_MAX ((size_t)1 << 30)
#define POLL_FOREVER_MS 60000
#define CODE_MESSAGE_TOO_LARGE 10

/* ---- Settings ---- */

static const struct failure *acks_read(struct producer *producer, struct arena *arena, const struct properties *settings)
{
    const char *word;
    const struct failure *failure = settings_word(arena, settings, "acks", &word, "all", "-1", "0", "1", NULL);

    if (failure == NULL)
        producer->acks = strcmp(word, "0") == 0 ? 0 : strcmp(word, "1") == 0 ? 1 : -1;
    return failure;
}

static const struct failure *compression_read(struct producer *producer, struct arena *arena, const struct properties *settings)
{
    enum compression codec = COMPRESSION_NONE;
    const char *word;
    const struct failure *failure =
        settings_word(arena, settings, "compression.type", &word, "none", "gzip", "snappy", "lz4", "zstd", NULL);

    if (failure == NULL && compression_from_name(slice_from_string(word), &codec) && codec != COMPRESSION_NONE)
        producer->compressor = compressor_create(codec);
    return failure;
}

static const struct failure *numbers_read(struct producer *producer, struct arena *arena, const struct properties *settings)
{
    const struct failure *failure = settings_int(arena, settings, "retries", 0, &producer->retries);

    if (failure == NULL)
        failure = settings_int(arena, settings, "batch.size", 0, &producer->batch_bytes);
    if (failure == NULL)
        failure = settings_int(arena, settings, "max.request.size", 0, &producer->request_bytes_max);
    if (failure == NULL)
        failure = settings_int(arena, settings, "max.in.flight.requests.per.connection", 1, &producer->requests_per_node);
    if (failure == NULL)
        failure = settings_int(arena, settings, "request.timeout.ms", 0, &producer->request_timeout_ms);
    if (failure == NULL)
        failure = settings_int(arena, settings, "transaction.timeout.ms", 0, &producer->transaction_timeout_ms);
    if (failure == NULL)
        failure = settings_int(arena, settings, "delivery.timeout.ms", 0, &producer->delivery_timeout_ms);
    if (failure == NULL)
        failure = settings_long(arena, settings, "linger.ms", 0, &producer->linger_ms);
    if (failure == NULL)
        failure = settings_long(arena, settings, "max.block.ms", 0, &producer->block_max_ms);
    if (failure == NULL)
        failure = settings_long(arena, settings, "buffer.memory", 0, &producer->memory_bytes_max);
    if (failure == NULL)
        failure = settings_long(arena, settings, "retry.backoff.ms", 0, &producer->retry_backoff_ms);
    return failure;
}

/* Idempotence is on unless another setting speaks against it; said expressly, the others have to fit. */
static const struct failure *idempotence_read(struct producer *producer, struct arena *arena, const struct properties *settings)
{
    bool is_said = properties_has(settings, "enable.idempotence");
    bool fits = producer->acks == -1 && producer->retries > 0 && producer->requests_per_node <= 5;
    const struct failure *failure;

    producer->is_idempotent = true;
    failure = settings_bool(arena, settings, "enable.idempotence", &producer->is_idempotent);
    if (failure != NULL)
        return failure;
    if (producer->transactional_id != NULL && !producer->is_idempotent)
        return failure_of(arena, FAILURE_CONFIG, "Cannot set a transactional.id without also enabling idempotence.");
    if ((is_said || producer->transactional_id != NULL) && producer->is_idempotent && !fits)
        return failure_of(arena, FAILURE_CONFIG, "%s",
                          producer->acks != -1 ? "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee "
                                                 "idempotence."
                          : producer->retries == 0
                              ? "Must set retries to non-zero when using the idempotent producer."
                              : "Must set max.in.flight.requests.per.connection to at most 5 to use the idempotent producer.");
    producer->is_idempotent = producer->is_idempotent && fits;
    return NULL;
}

static const struct failure *delivery_check(struct producer *producer, struct arena *arena, const struct properties *settings)
{
    int64_t least_ms = producer->linger_ms + producer->request_timeout_ms;

    if (producer->delivery_timeout_ms >= least_ms)
        return NULL;
    if (properties_has(settings, "delivery.timeout.ms"))
        return failure_of(arena, FAILURE_CONFIG, "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms");
    producer->delivery_timeout_ms = least_ms > INT32_MAX ? INT32_MAX : (int32_t)least_ms;
    return NULL;
}

static const struct failure *settings_read(struct producer *producer, struct arena *arena, const struct properties *settings)
{
    const char *transactional_id = properties_get(settings, "transactional.id");
    const struct failure *failure;

    producer->retries = INT32_MAX;
    producer->batch_bytes = 16384;
    producer->request_bytes_max = 1048576;
    producer->requests_per_node = 5;
    producer->request_timeout_ms = 30000;
    producer->transaction_timeout_ms = 60000;
    producer->delivery_timeout_ms = 120000;
    producer->linger_ms = 5;
    producer->block_max_ms = 60000;
    producer->memory_bytes_max = 33554432;
    producer->retry_backoff_ms = 100;
    if (transactional_id != NULL)
        producer->transactional_id = arena_copy_string(&producer->arena, slice_from_string(transactional_id));
    failure = acks_read(producer, arena, settings);
    if (failure == NULL)
        failure = compression_read(producer, arena, settings);
    if (failure == NULL)
        failure = numbers_read(producer, arena, settings);
    if (failure == NULL)
        failure = idempotence_read(producer, arena, settings);
    if (failure == NULL)
        failure = delivery_check(producer, arena, settings);
    if (producer->requests_per_node > NODE_REQUESTS_MAX)
        producer->requests_per_node = NODE_REQUESTS_MAX;
    return failure;
}

/* ---- Life ---- */

const struct failure *producer_create(struct arena *arena, const struct properties *settings, producer_done *done, void *context,
                                      struct producer **producer)
{
    struct producer *made = memory_new(sizeof(*made));
    const char *client_id = properties_get(settings, "client.id");
    const struct failure *failure;
    int64_t age_max_ms = 300000;

    made->failures = arena;
    made->done = done;
    made->context = context;
    made->producer_id = -1;
    arena_init(&made->arena, 4096);
    exchange_init(&made->id_exchange);
    for (size_t i = 0; i < REQUESTS_MAX; i++)
        exchange_init(&made->requests[i].exchange);
    failure = settings_read(made, arena, settings);
    if (failure == NULL)
        failure = settings_long(arena, settings, "metadata.max.age.ms", 0, &age_max_ms);
    if (failure == NULL)
        failure = client_create(arena, CLIENT_PRODUCER, settings, client_id == NULL ? "producer-1" : client_id, NULL, &made->client);
    if (failure == NULL) {
        metadata_init(&made->metadata, made->client, arena, true, age_max_ms);
        *producer = made;
    } else {
        producer_destroy(made);
    }
    return failure;
}

static void nothing_done(void *context, const struct producer_receipt *receipt, const struct failure *failure)
{
    (void)context;
    (void)receipt;
    (void)failure;
}

void producer_destroy(struct producer *producer)
{
    if (producer == NULL)
        return;
    producer->done = nothing_done;
    for (size_t i = 0; i < REQUESTS_MAX; i++) {
        exchange_finish(&producer->requests[i].exchange, producer->client);
        while (producer->requests[i].batches != NULL) {
            struct producer_batch *batch = producer->requests[i].batches;

            producer->requests[i].batches = batch->next;
            producer_batch_complete(producer, batch, NULL);
        }
    }
    producer_fail_all(producer, NULL);
    for (struct producer_queue *queue = producer->queues; queue != NULL; queue = queue->next) {
        record_builder_finish(&queue->builder);
        memory_free(queue->receipts);
    }
    exchange_finish(&producer->id_exchange, producer->client);
    if (producer->client != NULL)
        metadata_finish(&producer->metadata);
    client_destroy(producer->client);
    compressor_destroy(producer->compressor);
    arena_finish(&producer->arena);
    memory_free(producer);
}

/* ---- Batches ---- */

/* Java compresses also what becomes larger by it. Gives the batch with its records compressed, in out. */
static struct slice batch_compress(struct compressor *compressor, struct slice batch, struct buffer *out)
{
    size_t size;

    buffer_append(out, batch.data, RECORD_BATCH_HEADER_BYTES);
    compressor_run(compressor, slice_from(batch, RECORD_BATCH_HEADER_BYTES), out);
    if (out->failed)
        return batch;
    size = out->size - RECORD_BATCH_LENGTH_END;
    buffer_patch_u32(out, BATCH_LENGTH_AT, (uint32_t)size);
    out->data[BATCH_ATTRIBUTES_AT + 1] = (uint8_t)(out->data[BATCH_ATTRIBUTES_AT + 1] | compressor_codec(compressor));
    buffer_patch_u32(out, BATCH_CRC_AT, crc32c(0, slice_from(buffer_slice(out), BATCH_ATTRIBUTES_AT)));
    return buffer_slice(out);
}

static void queue_seal(struct producer *producer, struct producer_queue *queue)
{
    struct record_batch_spec spec = record_batch_spec_plain();
    struct producer_batch *batch;
    struct producer_batch **at = &queue->first;
    struct buffer compressed;
    struct slice bytes;
    int32_t count = record_builder_count(&queue->builder);

    if (count == 0)
        return;
    batch = memory_new(sizeof(*batch));
    *batch = (struct producer_batch){
        .queue = queue, .count = (size_t)count, .number = producer->batch_count++, .sequence = -1, .created_ms = queue->opened_ms};
    batch->receipts = memory_new_array(batch->count, sizeof(*batch->receipts));
    memcpy(batch->receipts, queue->receipts, batch->count * sizeof(*batch->receipts));
    buffer_init(&compressed, PRODUCE_BYTES_MAX);
    bytes = record_builder_seal(&queue->builder, &spec, producer->compressor);
    if (producer->compressor != NULL && (bytes.data[BATCH_ATTRIBUTES_AT + 1] & RECORD_BATCH_CODEC_MASK) == 0)
        bytes = batch_compress(producer->compressor, bytes, &compressed);
    batch->bytes = (uint8_t *)memory_copy_bytes(bytes.data, bytes.size);
    batch->size = bytes.size;
    buffer_finish(&compressed);
    record_builder_reset(&queue->builder);
    producer->pending_bytes += batch->size;
    while (*at != NULL)
        at = &(*at)->next;
    *at = batch;
}

static void queues_seal(struct producer *producer)
{
    int64_t now_ms = clock_monotonic_ms();

    for (struct producer_queue *queue = producer->queues; queue != NULL; queue = queue->next) {
        if (record_builder_count(&queue->builder) > 0 && (producer->flushes || now_ms - queue->opened_ms >= producer->linger_ms))
            queue_seal(producer, queue);
    }
}

static struct producer_queue *queue_find(struct producer *producer, struct slice topic, int32_t partition)
{
    struct producer_queue *queue = producer->queues;

    while (queue != NULL && (queue->partition != partition || !slice_equal(queue->topic, topic)))
        queue = queue->next;
    if (queue == NULL) {
        queue = arena_new(&producer->arena, sizeof(*queue));
        queue->topic = arena_copy(&producer->arena, topic);
        queue->partition = partition;
        queue->next = producer->queues;
        record_builder_init(&queue->builder, PRODUCE_BYTES_MAX);
        producer->queues = queue;
    }
    return queue;
}

static size_t field_bytes(struct slice field)
{
    return field.data == NULL ? 1 : varint_bytes((int64_t)field.size) + field.size;
}

/* The size of a record alone in a batch, at most. Source: AbstractRecords.estimateSizeInBytesUpperBound */
static size_t producer_record_bytes_max(const struct producer_message *message)
{
    size_t bytes = RECORD_BATCH_HEADER_BYTES + RECORD_OVERHEAD_MAX + field_bytes(message->key) + field_bytes(message->value);

    bytes += varint_bytes((int64_t)message->header_count);
    for (size_t i = 0; i < message->header_count; i++)
        bytes += field_bytes(message->headers[i].key) + field_bytes(message->headers[i].value);
    return bytes;
}

static const struct failure *queue_append(struct producer *producer, struct producer_queue *queue, const struct producer_message *message)
{
    size_t bytes = producer_record_bytes_max(message) - RECORD_BATCH_HEADER_BYTES;
    int32_t count = record_builder_count(&queue->builder);

    if (count > 0 && record_builder_bytes(&queue->builder) + bytes > (size_t)producer->batch_bytes) {
        queue_seal(producer, queue);
        count = 0;
    }
    if (count == 0)
        queue->opened_ms = clock_monotonic_ms();
    if (!record_builder_append(&queue->builder, clock_now_ms(), message->key, message->value, message->headers, message->header_count))
        return failure_from_kafka(producer->failures, CODE_MESSAGE_TOO_LARGE, slice_null());
    if ((size_t)count == queue->receipt_capacity) {
        queue->receipt_capacity = queue->receipt_capacity == 0 ? 64 : queue->receipt_capacity * 2;
        queue->receipts = memory_resize(queue->receipts, queue->receipt_capacity * sizeof(*queue->receipts));
    }
    queue->receipts[count] = (struct producer_receipt){.key_bytes = message->key.data == NULL ? -1 : (int64_t)message->key.size,
                                                       .value_bytes = message->value.data == NULL ? -1 : (int64_t)message->value.size,
                                                       .queued_ms = clock_monotonic_ms(),
                                                       .ordinal = producer->send_count - 1};
    producer->pending++;
    return NULL;
}

/* ---- Partitions ---- */

static struct producer_topic *topic_find(struct producer *producer, struct slice name)
{
    struct producer_topic *topic = producer->topics;

    while (topic != NULL && !slice_equal(topic->name, name))
        topic = topic->next;
    if (topic == NULL) {
        topic = arena_new(&producer->arena, sizeof(*topic));
        *topic = (struct producer_topic){.next = producer->topics, .name = arena_copy(&producer->arena, name), .sticky_partition = -1};
        producer->topics = topic;
    }
    return topic;
}

static int32_t random_partition(const struct metadata_topic *topic)
{
    uint32_t number;
    size_t led = 0;
    size_t chosen;

    random_bytes(&number, sizeof(number));
    for (size_t i = 0; i < topic->partition_count; i++)
        led += topic->partitions[i].leader >= 0;
    if (led == 0)
        return topic->partitions[number % topic->partition_count].index;
    chosen = number % led;
    for (size_t i = 0;; i++) {
        if (topic->partitions[i].leader >= 0 && chosen-- == 0)
            return topic->partitions[i].index;
    }
}

/* By the key; without one, the same partition until a batch's worth of bytes is in it. Source: BuiltInPartitioner, KIP-794 */
static int32_t partition_choose(struct producer *producer, const struct metadata_topic *topic, const struct producer_message *message)
{
    struct producer_topic *sticky;

    if (message->key.data != NULL)
        return kafka_partition_for_key(message->key, (int32_t)topic->partition_count);
    sticky = topic_find(producer, message->topic);
    if (sticky->sticky_partition < 0 || sticky->sticky_bytes >= (size_t)producer->batch_bytes) {
        sticky->sticky_partition = random_partition(topic);
        sticky->sticky_bytes = 0;
    }
    sticky->sticky_bytes += producer_record_bytes_max(message) - RECORD_BATCH_HEADER_BYTES;
    return sticky->sticky_partition;
}

/* ---- Sending ---- */

static const struct failure *topic_wait(struct producer *producer, struct slice name, const struct metadata_topic **topic)
{
    int64_t deadline_ms = clock_monotonic_ms() + producer->block_max_ms;
    const struct failure *cause = NULL;

    metadata_want(&producer->metadata, name);
    for (;;) {
        int64_t now_ms = clock_monotonic_ms();

        *topic = metadata_find(&producer->metadata, name);
        if (*topic != NULL && (*topic)->partition_count > 0)
            return NULL;
        if (producer->metadata.invalid != NULL)
            return producer->metadata.invalid;
        if (now_ms >= deadline_ms)
            break;
        producer_progress(producer, deadline_ms - now_ms, -1);
    }
    for (size_t i = 0; i < producer->metadata.topic_count; i++) {
        if (slice_equal(producer->metadata.topics[i].name, name) && producer->metadata.topics[i].error_code != 0)
            cause = failure_from_kafka(producer->failures, producer->metadata.topics[i].error_code, slice_null());
    }
    if (cause == NULL)
        return failure_of(producer->failures, FAILURE_TIMEOUT, "Topic %.*s not present in metadata after %lld ms.", (int)name.size,
                          (const char *)name.data, (long long)producer->block_max_ms);
    return failure_caused(producer->failures, cause, FAILURE_TIMEOUT, "Topic %.*s not present in metadata after %lld ms.", (int)name.size,
                          (const char *)name.data, (long long)producer->block_max_ms);
}

static const struct failure *size_check(struct producer *producer, const struct producer_message *message)
{
    size_t bytes = producer_record_bytes_max(message);

    if (bytes <= (size_t)producer->request_bytes_max)
        return NULL;
    return failure_of(producer->failures, "org.apache.kafka.common.errors.RecordTooLargeException",
                      "The message is %zu bytes when serialized which is larger than %d, which is the value of the max.request.size "
                      "configuration.",
                      bytes, producer->request_bytes_max);
}

static const struct failure *memory_wait(struct producer *producer)
{
    int64_t deadline_ms = clock_monotonic_ms() + producer->block_max_ms;

    while (producer->pending_bytes > (size_t)producer->memory_bytes_max) {
        int64_t now_ms = clock_monotonic_ms();

        if (now_ms >= deadline_ms)
            return failure_of(producer->failures, "org.apache.kafka.clients.producer.BufferExhaustedException",
                              "Failed to allocate %d bytes within the configured max blocking time %lld ms.", producer->batch_bytes,
                              (long long)producer->block_max_ms);
        producer_progress(producer, deadline_ms - now_ms, -1);
    }
    return NULL;
}

const struct failure *producer_send(struct producer *producer, const struct producer_message *message)
{
    const struct metadata_topic *topic;
    const struct failure *failure = producer->fatal != NULL ? producer->fatal : topic_wait(producer, message->topic, &topic);

    producer->send_count++;
    if (failure == NULL)
        failure = size_check(producer, message);
    if (failure == NULL)
        failure = memory_wait(producer);
    /* Waiting may have brought new metadata. */
    if (failure == NULL)
        failure = topic_wait(producer, message->topic, &topic);
    if (failure == NULL) {
        struct producer_queue *queue = queue_find(producer, message->topic, partition_choose(producer, topic, message));

        failure = queue_append(producer, queue, message);
    }
    return failure;
}

/* How long the producer itself has nothing to do. */
static int64_t quiet_ms(const struct producer *producer, int64_t timeout_ms)
{
    int64_t now_ms = clock_monotonic_ms();

    for (const struct producer_queue *queue = producer->queues; queue != NULL; queue = queue->next) {
        int64_t due_ms = timeout_ms;

        if (record_builder_count(&queue->builder) > 0)
            due_ms = queue->opened_ms + producer->linger_ms - now_ms;
        if (queue->first != NULL && queue->first->retry_at_ms - now_ms < due_ms)
            due_ms = queue->first->retry_at_ms > now_ms ? queue->first->retry_at_ms - now_ms : producer->retry_backoff_ms;
        if (due_ms < timeout_ms)
            timeout_ms = due_ms;
    }
    if (producer->metadata.is_stale && !producer->metadata.exchange.is_active && timeout_ms > producer->retry_backoff_ms)
        timeout_ms = producer->retry_backoff_ms;
    return timeout_ms < 0 ? 0 : timeout_ms;
}

static void producer_step(struct producer *producer)
{
    (void)metadata_progress(&producer->metadata);
    producer_id_progress(producer);
    queues_seal(producer);
    producer_requests_progress(producer);
}

void producer_progress(struct producer *producer, int64_t timeout_ms, int fd)
{
    producer_step(producer);
    client_set_wake(producer->client, fd);
    client_poll(producer->client, quiet_ms(producer, timeout_ms));
    client_set_wake(producer->client, -1);
    producer_step(producer);
}

void producer_flush(struct producer *producer)
{
    producer->flushes = true;
    while (producer->pending > 0)
        producer_progress(producer, POLL_FOREVER_MS, -1);
    /* Without acknowledgements a record is done before it is written. */
    client_drain(producer->client, producer->request_timeout_ms);
    producer->flushes = false;
}
