#include "tools/consumer_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "wire/kafka/messages_fetch.h"

#define PLAIN_BYTES_MAX ((size_t)1 << 30)
#define CODE_OFFSET_OUT_OF_RANGE 1
#define CODE_TOPIC_AUTHORIZATION_FAILED 29
#define RETRY_MS 100

/* ---- Asking ---- */

static bool partition_is_due(const struct consumer_partition *partition, int64_t now_ms)
{
    return partition->state == POSITION_KNOWN && !partition->is_fetching && partition->retry_at_ms <= now_ms;
}

static int32_t leader_of(struct consumer *consumer, const struct consumer_partition *partition)
{
    const struct metadata_partition *found = metadata_find_partition(&consumer->metadata, partition->topic, partition->partition);

    return found == NULL ? -1 : found->leader;
}

static void body_add(struct consumer_fetch *fetch, struct consumer *consumer, struct kafka_fetch_request *body,
                     struct consumer_partition *partition)
{
    struct kafka_fetch_request_topic *topic = body->topics.items;
    struct kafka_fetch_request_partition *item;
    int32_t at = 0;

    while (at < body->topics.count && !slice_equal(topic[at].topic, partition->topic))
        at++;
    topic += at;
    if (at == body->topics.count) {
        wire_init_defaults(&kafka_fetch_request_topic_message, topic);
        topic->topic = partition->topic;
        topic->partitions.items = arena_new_array(&fetch->exchange.arena, consumer->partition_count, sizeof(*topic->partitions.items));
        body->topics.count++;
    }
    item = &topic->partitions.items[topic->partitions.count++];
    wire_init_defaults(&kafka_fetch_request_partition_message, item);
    item->partition = partition->partition;
    item->fetch_offset = partition->fetch_offset;
    item->partition_max_bytes = consumer->max_partition_fetch_bytes;
    partition->is_fetching = true;
}

static void fetch_send(struct consumer *consumer, struct consumer_fetch *fetch, int64_t now_ms)
{
    struct kafka_fetch_request *body = EXCHANGE_BEGIN(&fetch->exchange, KAFKA_FETCH, kafka_fetch);

    body->max_wait_ms = consumer->fetch_max_wait_ms;
    body->min_bytes = consumer->fetch_min_bytes;
    body->max_bytes = consumer->fetch_max_bytes;
    body->isolation_level = consumer->read_committed ? 1 : 0;
    body->topics.items = arena_new_array(&fetch->exchange.arena, consumer->partition_count, sizeof(*body->topics.items));
    for (size_t i = 0; i < consumer->partition_count; i++) {
        if (partition_is_due(consumer->partitions[i], now_ms) && leader_of(consumer, consumer->partitions[i]) == fetch->node_id)
            body_add(fetch, consumer, body, consumer->partitions[i]);
    }
    fetch->assignment = consumer->assignment;
    fetch->exchange.request.timeout_ms = consumer->request_timeout_ms + consumer->fetch_max_wait_ms;
    exchange_send(&fetch->exchange, consumer->client, fetch->node_id);
}

/* A fetch of that broker that does nothing; NULL when both are busy. */
static struct consumer_fetch *fetch_free(struct consumer *consumer, int32_t node_id)
{
    struct consumer_fetch *fetch;
    int count = 0;

    for (fetch = consumer->fetches; fetch != NULL; fetch = fetch->next) {
        if (fetch->node_id == node_id && !fetch->is_ready && !fetch->exchange.is_active)
            return fetch;
        count += fetch->node_id == node_id;
    }
    if (count == FETCHES_PER_NODE)
        return NULL;
    fetch = memory_new(sizeof(*fetch));
    exchange_init(&fetch->exchange);
    buffer_init(&fetch->scratch, PLAIN_BYTES_MAX);
    fetch->node_id = node_id;
    fetch->next = consumer->fetches;
    consumer->fetches = fetch;
    return fetch;
}

/* ---- Taking answers ---- */

static void partition_wait(struct consumer *consumer, struct consumer_partition *partition)
{
    partition->retry_at_ms = clock_monotonic_ms() + RETRY_MS;
    metadata_refresh(&consumer->metadata);
}

static void partition_failed(struct consumer *consumer, struct consumer_partition *partition, int16_t code)
{
    enum status status = status_from_kafka_code(code);

    if (code == CODE_OFFSET_OUT_OF_RANGE)
        consumer_reset_position(consumer, partition);
    else if (status_is_retriable(status) || code == -1)
        partition_wait(consumer, partition);
    else if (code == CODE_TOPIC_AUTHORIZATION_FAILED)
        consumer_fail(consumer, failure_of(consumer->failures, "org.apache.kafka.common.errors.TopicAuthorizationException",
                                           "Not authorized to access topics: [%.*s]", (int)partition->topic.size,
                                           (const char *)partition->topic.data));
    else
        consumer_fail(consumer, failure_from_kafka(consumer->failures, code, slice_null()));
}

/* Behind the last whole batch, which is where the next request goes on. */
static int64_t offset_behind(struct slice batches, int64_t offset)
{
    int64_t size;

    while ((size = record_batch_size(batches)) > 0 && (size_t)size <= batches.size) {
        struct record_batch batch;
        struct error error;

        if (record_batch_read(batches, &batch, &error) != OK)
            return offset;
        offset = record_batch_next_offset(&batch);
        batches = slice_from(batches, (size_t)size);
    }
    return offset;
}

static void answer_note(struct consumer *consumer, const struct kafka_fetch_response *response)
{
    for (int32_t i = 0; i < response->responses.count; i++) {
        const struct kafka_fetch_response_topic *topic = &response->responses.items[i];

        for (int32_t j = 0; j < topic->partitions.count; j++) {
            const struct kafka_fetch_response_partition *given = &topic->partitions.items[j];
            struct consumer_partition *partition = consumer_find_partition(consumer, topic->topic, given->partition_index);

            if (partition == NULL)
                continue;
            partition->is_fetching = false;
            if (given->error_code != 0)
                partition_failed(consumer, partition, given->error_code);
            else
                partition->fetch_offset = offset_behind(given->records, partition->fetch_offset);
        }
    }
}

static void fetch_lost(struct consumer *consumer, const struct consumer_fetch *fetch)
{
    for (size_t i = 0; i < consumer->partition_count && fetch->assignment == consumer->assignment; i++) {
        if (consumer->partitions[i]->is_fetching && leader_of(consumer, consumer->partitions[i]) == fetch->node_id) {
            consumer->partitions[i]->is_fetching = false;
            partition_wait(consumer, consumer->partitions[i]);
        }
    }
    metadata_refresh(&consumer->metadata);
}

static void fetch_take(struct consumer *consumer, struct consumer_fetch *fetch)
{
    struct consumer_fetch **at = &consumer->ready;

    fetch->response = exchange_take(&fetch->exchange);
    if (fetch->response == NULL || fetch->response->error_code != 0) {
        fetch_lost(consumer, fetch);
        return;
    }
    if (fetch->assignment != consumer->assignment)
        return;
    answer_note(consumer, fetch->response);
    fetch->is_ready = true;
    fetch->topic_at = fetch->partition_at = 0;
    fetch->partition_is_open = fetch->batch_is_open = false;
    fetch->next_ready = NULL;
    while (*at != NULL)
        at = &(*at)->next_ready;
    *at = fetch;
}

void consumer_fetch_progress(struct consumer *consumer)
{
    int64_t now_ms = clock_monotonic_ms();

    for (struct consumer_fetch *fetch = consumer->fetches; fetch != NULL; fetch = fetch->next) {
        if (exchange_is_done(&fetch->exchange))
            fetch_take(consumer, fetch);
    }
    for (size_t i = 0; i < consumer->partition_count; i++) {
        struct consumer_partition *partition = consumer->partitions[i];
        int32_t leader = partition_is_due(partition, now_ms) ? leader_of(consumer, partition) : -1;
        struct consumer_fetch *fetch = leader < 0 ? NULL : fetch_free(consumer, leader);

        if (fetch != NULL)
            fetch_send(consumer, fetch, now_ms);
        else if (leader < 0 && partition_is_due(partition, now_ms))
            partition_wait(consumer, partition);
    }
}

/* ---- Reading ---- */

static const struct failure *batch_failure(struct consumer *consumer, const struct consumer_fetch *fetch, const char *why)
{
    return failure_of(consumer->failures, FAILURE_KAFKA,
                      "Received exception when fetching the next record from %.*s-%d. If needed, please seek past the record to continue "
                      "consumption. (%s)",
                      (int)fetch->partition->topic.size, (const char *)fetch->partition->topic.data, fetch->partition->partition, why);
}

static const struct kafka_fetch_response_partition *partition_answer(const struct consumer_fetch *fetch)
{
    return &fetch->response->responses.items[fetch->topic_at].partitions.items[fetch->partition_at];
}

/* Steps to the next partition of the answer; false at its end. */
static bool partition_step(struct consumer *consumer, struct consumer_fetch *fetch)
{
    const struct kafka_fetch_response *response = fetch->response;

    if (fetch->partition_is_open)
        fetch->partition_at++;
    fetch->partition_is_open = false;
    memory_free(fetch->aborted_producers);
    fetch->aborted_producers = NULL;
    for (; fetch->topic_at < response->responses.count; fetch->topic_at++, fetch->partition_at = 0) {
        const struct kafka_fetch_response_topic *topic = &response->responses.items[fetch->topic_at];

        for (; fetch->partition_at < topic->partitions.count; fetch->partition_at++) {
            const struct kafka_fetch_response_partition *given = &topic->partitions.items[fetch->partition_at];

            fetch->partition = consumer_find_partition(consumer, topic->topic, given->partition_index);
            if (fetch->partition == NULL || given->error_code != 0)
                continue;
            fetch->batches = given->records;
            fetch->partition_is_open = true;
            fetch->batch_is_open = false;
            fetch->aborted_count = 0;
            fetch->aborted_at = 0;
            return true;
        }
    }
    return false;
}

static bool producer_is_aborted(const struct consumer_fetch *fetch, int64_t producer_id)
{
    for (size_t i = 0; i < fetch->aborted_count; i++) {
        if (fetch->aborted_producers[i] == producer_id)
            return true;
    }
    return false;
}

static void aborted_forget(struct consumer_fetch *fetch, int64_t producer_id)
{
    for (size_t i = 0; i < fetch->aborted_count; i++) {
        if (fetch->aborted_producers[i] == producer_id)
            fetch->aborted_producers[i] = fetch->aborted_producers[--fetch->aborted_count];
    }
}

/* Transactions that begin up to the end of this batch and were aborted; the broker lists them by their first offset. */
static void aborted_note(struct consumer_fetch *fetch)
{
    const struct kafka_fetch_response_partition *given = partition_answer(fetch);

    while (fetch->aborted_at < given->aborted_transactions.count &&
           given->aborted_transactions.items[fetch->aborted_at].first_offset < record_batch_next_offset(&fetch->batch)) {
        fetch->aborted_producers = memory_resize(fetch->aborted_producers, (fetch->aborted_count + 1) * sizeof(int64_t));
        fetch->aborted_producers[fetch->aborted_count++] = given->aborted_transactions.items[fetch->aborted_at++].producer_id;
    }
}

static bool control_is_abort(struct consumer *consumer, struct consumer_fetch *fetch)
{
    struct record_iterator records;
    struct record record;
    struct error error;
    enum control_record type;
    int32_t epoch;

    return record_iterator_init(&records, &fetch->batch, consumer->decompressor, PLAIN_BYTES_MAX, &fetch->scratch, &error) == OK &&
           record_iterator_next(&records, &record) && control_record_read(&record, &type, &epoch) && type == CONTROL_ABORT;
}

/* Nothing of the batch is to be given: it is a marker, or aborted, or was read before. */
static bool batch_is_passed_over(struct consumer *consumer, struct consumer_fetch *fetch)
{
    if (record_batch_next_offset(&fetch->batch) <= fetch->partition->position)
        return true;
    if (consumer->read_committed)
        aborted_note(fetch);
    if (record_batch_is_control(&fetch->batch)) {
        if (consumer->read_committed && control_is_abort(consumer, fetch))
            aborted_forget(fetch, fetch->batch.producer_id);
        return true;
    }
    return consumer->read_committed && record_batch_is_transactional(&fetch->batch) && producer_is_aborted(fetch, fetch->batch.producer_id);
}

/* Opens the next batch with something to give; false at the end of the partition's part, or with consumer->failure. */
static bool batch_step(struct consumer *consumer, struct consumer_fetch *fetch)
{
    int64_t size;
    struct error error;

    while ((size = record_batch_size(fetch->batches)) > 0 && (size_t)size <= fetch->batches.size) {
        enum status status = record_batch_read(fetch->batches, &fetch->batch, &error);

        fetch->batches = slice_from(fetch->batches, (size_t)size);
        if (status == OK && consumer->check_crcs && !record_batch_checksum_is_right(&fetch->batch))
            status = error_set(&error, ERROR_CORRUPT_MESSAGE, "Record is corrupt (stored crc = %u)", fetch->batch.crc);
        if (status == OK && batch_is_passed_over(consumer, fetch)) {
            if (record_batch_next_offset(&fetch->batch) > fetch->partition->position)
                fetch->partition->position = record_batch_next_offset(&fetch->batch);
            continue;
        }
        if (status == OK)
            status = record_iterator_init(&fetch->records, &fetch->batch, consumer->decompressor, PLAIN_BYTES_MAX, &fetch->scratch, &error);
        if (status != OK) {
            consumer_fail(consumer, batch_failure(consumer, fetch, error.message));
            return false;
        }
        fetch->batch_is_open = true;
        return true;
    }
    return false;
}

/* The next record of the open batch; false at its end. */
static bool record_step(struct consumer *consumer, struct consumer_fetch *fetch, struct consumer_record *record)
{
    struct consumer_partition *partition = fetch->partition;

    while (record_iterator_next(&fetch->records, &record->record)) {
        if (record->record.offset < partition->position)
            continue;
        partition->position = record->record.offset + 1;
        partition->position_epoch = fetch->batch.leader_epoch;
        record->topic = partition->topic;
        record->partition = partition->partition;
        record->time_kind = record->record.timestamp_ms < 0                              ? CONSUMER_TIME_NONE
                            : (fetch->batch.attributes & RECORD_BATCH_APPEND_TIME) != 0 ? CONSUMER_TIME_APPENDED
                                                                                         : CONSUMER_TIME_CREATED;
        return true;
    }
    if (fetch->records.failed)
        consumer_fail(consumer, batch_failure(consumer, fetch, "a record is not what it says"));
    if (record_batch_next_offset(&fetch->batch) > partition->position)
        partition->position = record_batch_next_offset(&fetch->batch);
    fetch->batch_is_open = false;
    return false;
}

static bool fetch_next(struct consumer *consumer, struct consumer_fetch *fetch, struct consumer_record *record)
{
    while (consumer->failure == NULL) {
        if (fetch->batch_is_open && record_step(consumer, fetch, record))
            return true;
        if (fetch->partition_is_open && batch_step(consumer, fetch))
            continue;
        if (consumer->failure != NULL || !partition_step(consumer, fetch))
            return false;
    }
    return false;
}

bool consumer_fetch_next(struct consumer *consumer, struct consumer_record *record)
{
    while (consumer->ready != NULL) {
        struct consumer_fetch *fetch = consumer->ready;

        if (fetch->assignment == consumer->assignment && fetch_next(consumer, fetch, record))
            return true;
        if (consumer->failure != NULL)
            return false;
        consumer->ready = fetch->next_ready;
        fetch->is_ready = false;
    }
    return false;
}

/* Is something of the partition left of the answer that is being read? */
bool consumer_has_unread(const struct consumer *consumer, const struct consumer_partition *partition)
{
    return partition->state == POSITION_KNOWN && partition->fetch_offset > partition->position && consumer->ready != NULL;
}

void consumer_fetch_finish(struct consumer *consumer)
{
    while (consumer->fetches != NULL) {
        struct consumer_fetch *fetch = consumer->fetches;

        consumer->fetches = fetch->next;
        exchange_finish(&fetch->exchange, consumer->client);
        buffer_finish(&fetch->scratch);
        memory_free(fetch->aborted_producers);
        memory_free(fetch);
    }
    consumer->ready = NULL;
}
