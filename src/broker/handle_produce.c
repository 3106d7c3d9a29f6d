/*
 * handle_produce.c: Produce and InitProducerId. Batches are checked here and go to the committer as they came, still in the
 * memory of the request; the answer follows when the last partition is durable.
 */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "broker/topic_name.h"
#include "os/clock.h"
#include "os/logger.h"
#include "wire/kafka/messages_produce.h"
#include "wire/kafka/records.h"

#define FIRST_VERSION_SERVED 3
#define FIRST_VERSION_ZSTD 7
#define PLAIN_BYTES_MAX ((size_t)256 * 1024 * 1024) /* what the records of one batch may become */
#define PRODUCER_IDS_AT_ONCE 1000

struct produce;

struct produce_partition {
    struct append append;
    struct produce *produce;
    struct topic *topic; /* held until the answer */
    struct kafka_produce_response_partition *out;
    int32_t records;
};

struct produce {
    struct post post;
    struct request *request;
    struct kafka_produce_response response;
    struct produce_partition *partitions;
    size_t partition_count;
    _Atomic size_t left; /* appends that the committer has not answered, and one for the handler */
    bool failed;
};

/* ---- The answer ---- */

static void partition_fill(struct produce_partition *partition)
{
    struct append *append = &partition->append;

    if (append->status == OK || append->status == ERROR_DUPLICATE_SEQUENCE_NUMBER) {
        partition->out->base_offset = append->first_offset;
        partition->out->log_append_time_ms = append->append_time_ms;
        partition->out->log_start_offset = append->log_start;
        counter_add(&partition->produce->request->broker->counters.produced_records, partition->records);
    } else {
        partition->out->error_code = status_kafka_code(append->status);
        partition->produce->failed = true;
    }
}

static void produce_answer(struct produce *produce)
{
    struct request *request = produce->request;
    const struct kafka_produce_request *asked = request->decoded;

    for (size_t i = 0; i < produce->partition_count; i++) {
        if (produce->partitions[i].topic == NULL)
            continue;
        partition_fill(&produce->partitions[i]);
        topic_release(produce->partitions[i].topic);
    }
    if (asked->acks != 0)
        request_answer(request, &produce->response);
    else if (produce->failed)
        request_refuse(request, "a produce request with acks=0 failed, and there is no other way to tell");
    else
        request_answer_nothing(request);
}

static void on_appended(struct post *post)
{
    struct produce *produce = (struct produce *)(void *)((uint8_t *)post - offsetof(struct produce, post));

    produce->request->broker->under_way--;
    produce_answer(produce);
}

/* Committer thread. */
static void append_done(struct append *append)
{
    struct produce *produce = append->context;

    if (atomic_fetch_sub_explicit(&produce->left, 1, memory_order_acq_rel) == 1)
        broker_post(produce->request->broker, &produce->post);
}

/* ---- Checking ---- */

static void partition_refuse(struct produce_partition *partition, enum status status, struct slice message)
{
    partition->out->error_code = status_kafka_code(status);
    partition->out->error_message = message;
    partition->produce->failed = true;
}

/* The setting has to be read again for each batch: it can be altered. */
static void rules_make(struct request *request, struct topic *topic, struct record_batches_rules *rules)
{
    int64_t before_ms = topic_config_number(topic, "message.timestamp.before.max.ms");
    int64_t after_ms = topic_config_number(topic, "message.timestamp.after.max.ms");
    bool append_time = topic_uses_append_time(topic);
    int64_t now_ms = clock_now_ms();

    *rules = (struct record_batches_rules){
        .batch_bytes_max = (size_t)topic_config_number(topic, "max.message.bytes"),
        .plain_bytes_max = PLAIN_BYTES_MAX,
        .one_batch = true,
        .zstd_allowed = request->header.api_version >= FIRST_VERSION_ZSTD,
        .keys_required = topic_is_compacted(topic),
        .timestamp_min_ms = append_time || before_ms >= now_ms ? INT64_MIN : now_ms - before_ms,
        .timestamp_max_ms = append_time || after_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + after_ms,
        .decompressor = request->broker->decompressor,
        .scratch = &request->broker->plain,
        .arena = &request->arena,
    };
}

static void partition_refuse_records(struct produce_partition *partition, enum status status, const struct record_batches_facts *facts,
                                     const char *why, struct slice topic, int32_t index)
{
    struct request *request = partition->produce->request;
    struct kafka_produce_response_partition *out = partition->out;
    bool no_keys = status == ERROR_INVALID_RECORD && facts->invalid_count > 0;
    bool says_why = status == ERROR_INVALID_RECORD || status == ERROR_INVALID_TIMESTAMP || status == ERROR_INVALID_TXN_STATE;
    struct slice text = slice_null(); /* clients have their own words for the other codes, and print those */

    if (no_keys)
        text = request_format(request, "Compacted topic cannot accept message without key in topic partition %.*s-%d.", (int)topic.size,
                              (const char *)topic.data, index);
    else if (says_why)
        text = request_format(request, "%s", why);
    partition_refuse(partition, status, facts->invalid_count > 0 ? slice_from_string("One or more records have been rejected") : text);
    out->record_errors.count = facts->invalid_count;
    out->record_errors.items = arena_new_array(&request->arena, (size_t)facts->invalid_count, sizeof(*out->record_errors.items));
    for (int32_t i = 0; i < facts->invalid_count; i++)
        out->record_errors.items[i] =
            (struct kafka_produce_response_record_error){.batch_index = facts->invalid[i], .batch_index_error_message = text};
}

/* Checks one partition and hands it to the committer. */
static void partition_append(struct produce_partition *partition, struct slice name, const struct kafka_produce_request_partition *asked)
{
    struct request *request = partition->produce->request;
    const struct kafka_produce_request *produce = request->decoded;
    struct topic *topic = store_topic_find(request->broker->store, name);
    struct partition *to = topic == NULL ? NULL : topic_partition(topic, asked->index);
    struct record_batches_rules rules;
    struct record_batches_facts facts = {0};
    struct error error;
    enum status status;

    if (to == NULL) {
        partition_refuse(partition, topic_name_check(name, NULL) == OK ? ERROR_UNKNOWN_TOPIC_OR_PARTITION : ERROR_INVALID_TOPIC_EXCEPTION,
                         slice_null());
        if (topic != NULL)
            topic_release(topic);
        return;
    }
    rules_make(request, topic, &rules);
    status = record_batches_check(asked->records, &rules, &facts, &error);
    if (status == OK && facts.transactional)
        status = error_set(&error, ERROR_INVALID_TXN_STATE, "transactions are not supported");
    if (status != OK) {
        partition_refuse_records(partition, status, &facts, error.message, name, asked->index);
        topic_release(topic);
        return;
    }
    if (!facts.max_timestamp_is_right)
        record_batch_set_max_timestamp((uint8_t *)(uintptr_t)asked->records.data, facts.max_timestamp_ms);
    partition->topic = topic;
    partition->records = facts.record_count;
    partition->append = (struct append){
        .partition = to,
        .batches = asked->records,
        .acks = produce->acks,
        .done = append_done,
        .context = partition->produce,
    };
    atomic_fetch_add_explicit(&partition->produce->left, 1, memory_order_relaxed);
    store_append(request->broker->store, &partition->append);
}

static enum status request_check(const struct request *request, const struct kafka_produce_request *asked, struct slice name)
{
    if (request->header.api_version < FIRST_VERSION_SERVED)
        return ERROR_UNSUPPORTED_VERSION;
    if (asked->acks < -1 || asked->acks > 1)
        return ERROR_INVALID_REQUIRED_ACKS;
    if (!slice_is_null(asked->transactional_id))
        return ERROR_INVALID_TXN_STATE;
    return topic_name_is_internal(name) ? ERROR_INVALID_TOPIC_EXCEPTION : OK;
}

void handle_produce(struct request *request)
{
    const struct kafka_produce_request *asked = request->decoded;
    struct produce *produce = arena_new(&request->arena, sizeof(*produce));
    size_t total = 0;

    produce->request = request;
    produce->post.run = on_appended;
    atomic_store_explicit(&produce->left, 1, memory_order_relaxed);
    for (int32_t i = 0; i < asked->topic_data.count; i++)
        total += (size_t)asked->topic_data.items[i].partition_data.count;
    produce->partitions = arena_new_array(&request->arena, total, sizeof(*produce->partitions));
    produce->response.responses.count = asked->topic_data.count;
    produce->response.responses.items =
        arena_new_array(&request->arena, (size_t)asked->topic_data.count, sizeof(*produce->response.responses.items));
    for (int32_t i = 0; i < asked->topic_data.count; i++) {
        const struct kafka_produce_request_topic *topic = &asked->topic_data.items[i];
        struct kafka_produce_response_topic *out = &produce->response.responses.items[i];
        enum status status = request_check(request, asked, topic->name);

        out->name = topic->name;
        out->partition_responses.count = topic->partition_data.count;
        out->partition_responses.items =
            arena_new_array(&request->arena, (size_t)topic->partition_data.count, sizeof(*out->partition_responses.items));
        for (int32_t j = 0; j < topic->partition_data.count; j++) {
            struct produce_partition *partition = &produce->partitions[produce->partition_count++];

            partition->produce = produce;
            partition->out = &out->partition_responses.items[j];
            *partition->out = (struct kafka_produce_response_partition){
                .index = topic->partition_data.items[j].index,
                .base_offset = -1,
                .log_append_time_ms = -1,
                .log_start_offset = -1,
                .current_leader = {-1, -1},
            };
            if (status == OK)
                partition_append(partition, topic->name, &topic->partition_data.items[j]);
            else
                partition_refuse(partition, status, slice_null());
        }
    }
    request->broker->under_way++;
    if (atomic_fetch_sub_explicit(&produce->left, 1, memory_order_acq_rel) == 1) {
        request->broker->under_way--; /* nothing went to the committer, or it was faster */
        produce_answer(produce);
    }
}

/* ---- InitProducerId ---- */

void handle_init_producer_id(struct request *request)
{
    const struct kafka_init_producer_id_request *asked = request->decoded;
    struct kafka_init_producer_id_response response = {
        .producer_id = -1, .producer_epoch = -1, .ongoing_txn_producer_id = -1, .ongoing_txn_producer_epoch = -1};
    struct broker *broker = request->broker;

    if (!slice_is_null(asked->transactional_id)) {
        /* Fatal in every client, at once and before anything was sent; a retriable code would make them wait for ever. */
        LOG_WARNING("refused a transactional producer: transactions are not supported; unset transactional.id");
        response.error_code = asked->transactional_id.size == 0 ? CODE(INVALID_REQUEST) : CODE(TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
        request_answer(request, &response);
        return;
    }
    if (broker->producer_id_next == broker->producer_id_end) {
        int64_t first = store_producer_ids_reserve(broker->store);

        if (first >= 0) {
            broker->producer_id_next = first;
            broker->producer_id_end = first + PRODUCER_IDS_AT_ONCE;
        }
    }
    if (broker->producer_id_next < broker->producer_id_end) {
        response.producer_id = broker->producer_id_next++;
        response.producer_epoch = 0;
    } else {
        response.error_code = CODE(COORDINATOR_LOAD_IN_PROGRESS); /* the next ones are being written: the client tries again */
    }
    request_answer(request, &response);
}
