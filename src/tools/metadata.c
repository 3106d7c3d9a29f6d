#include "tools/metadata.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "tools/console.h"

#define CODE_INVALID_TOPIC 17
#define TEXT_BYTES_MAX ((size_t)1024 * 1024)

void metadata_init(struct metadata *metadata, struct client *client, struct arena *failures, bool may_create, int64_t age_max_ms)
{
    *metadata = (struct metadata){
        .client = client, .may_create = may_create, .age_max_ms = age_max_ms, .asked_ms = INT64_MIN / 2, .is_stale = true, .failures = failures};
    arena_init(&metadata->wanted_arena, 4096);
    arena_init(&metadata->arena, 16384);
    exchange_init(&metadata->exchange);
}

void metadata_finish(struct metadata *metadata)
{
    exchange_finish(&metadata->exchange, metadata->client);
    arena_finish(&metadata->wanted_arena);
    arena_finish(&metadata->arena);
    memory_free(metadata->wanted);
}

void metadata_want(struct metadata *metadata, struct slice topic)
{
    for (size_t i = 0; i < metadata->wanted_count; i++) {
        if (slice_equal(metadata->wanted[i], topic))
            return;
    }
    metadata->wanted = memory_resize(metadata->wanted, (metadata->wanted_count + 1) * sizeof(*metadata->wanted));
    metadata->wanted[metadata->wanted_count++] = arena_copy(&metadata->wanted_arena, topic);
    metadata->is_stale = true;
}

void metadata_want_all(struct metadata *metadata)
{
    metadata->wants_all = true;
    metadata->is_stale = true;
}

void metadata_refresh(struct metadata *metadata)
{
    metadata->is_stale = true;
}

static void metadata_ask(struct metadata *metadata)
{
    struct kafka_metadata_request *body = EXCHANGE_BEGIN(&metadata->exchange, KAFKA_METADATA, kafka_metadata);

    body->allow_auto_topic_creation = metadata->may_create;
    body->topics.count = metadata->wants_all ? -1 : (int32_t)metadata->wanted_count;
    if (!metadata->wants_all) {
        body->topics.items = arena_new_array(&metadata->exchange.arena, metadata->wanted_count + 1, sizeof(*body->topics.items));
        for (size_t i = 0; i < metadata->wanted_count; i++) {
            wire_init_defaults(&kafka_metadata_request_topic_message, &body->topics.items[i]);
            body->topics.items[i].name = metadata->wanted[i];
        }
    }
    metadata->asked_ms = clock_monotonic_ms();
    exchange_send(&metadata->exchange, metadata->client, client_any_node(metadata->client));
}

/* "{a=UNKNOWN_TOPIC_OR_PARTITION, b=…}" of those with errors, and "[a, b]" of those whose names are not allowed. */
static void errors_describe(const struct kafka_metadata_response *response, struct buffer *errors, struct buffer *invalid)
{
    for (int32_t i = 0; i < response->topics.count; i++) {
        const struct kafka_metadata_response_topic *topic = &response->topics.items[i];

        if (topic->error_code == 0)
            continue;
        buffer_append_format(errors, "%s%.*s=%s", errors->size > 0 ? ", " : "", (int)topic->name.size, (const char *)topic->name.data,
                             status_name(status_from_kafka_code(topic->error_code)));
        if (topic->error_code == CODE_INVALID_TOPIC)
            buffer_append_format(invalid, "%s%.*s", invalid->size > 0 ? ", " : "", (int)topic->name.size, (const char *)topic->name.data);
    }
}

static void errors_log(struct metadata *metadata, const struct kafka_metadata_response *response)
{
    const char *prefix = client_log_prefix(metadata->client);
    struct buffer errors, invalid;

    buffer_init(&errors, TEXT_BYTES_MAX);
    buffer_init(&invalid, TEXT_BYTES_MAX);
    errors_describe(response, &errors, &invalid);
    if (errors.size > 0) {
        metadata->is_stale = true;
        console_log("WARN", "org.apache.kafka.clients.NetworkClient",
                    "%sThe metadata response from the cluster reported a recoverable issue with correlation id %d : {%.*s}", prefix,
                    metadata->exchange.request.correlation_id, (int)errors.size, (const char *)errors.data);
    }
    if (invalid.size > 0) {
        console_log("ERROR", "org.apache.kafka.clients.Metadata", "%sMetadata response reported invalid topics [%.*s]", prefix,
                    (int)invalid.size, (const char *)invalid.data);
        metadata->invalid = failure_of(metadata->failures, "org.apache.kafka.common.errors.InvalidTopicException", "Invalid topics: [%.*s]",
                                       (int)invalid.size, (const char *)invalid.data);
    }
    buffer_finish(&errors);
    buffer_finish(&invalid);
}

static int partition_order(const void *a, const void *b)
{
    int32_t left = ((const struct metadata_partition *)a)->index;
    int32_t right = ((const struct metadata_partition *)b)->index;

    return left < right ? -1 : left > right;
}

static void topic_take(struct metadata *metadata, const struct kafka_metadata_response_topic *from)
{
    struct metadata_topic *topic = &metadata->topics[metadata->topic_count++];

    topic->name = arena_copy(&metadata->arena, from->name);
    topic->id = from->topic_id;
    topic->error_code = from->error_code;
    topic->partition_count = (size_t)from->partitions.count;
    topic->partitions = arena_new_array(&metadata->arena, topic->partition_count + 1, sizeof(*topic->partitions));
    for (size_t i = 0; i < topic->partition_count; i++) {
        topic->partitions[i] = (struct metadata_partition){.index = from->partitions.items[i].partition_index,
                                                           .leader = from->partitions.items[i].leader_id,
                                                           .leader_epoch = from->partitions.items[i].leader_epoch};
        if (topic->partitions[i].leader < 0)
            metadata->is_stale = true;
    }
    qsort(topic->partitions, topic->partition_count, sizeof(*topic->partitions), partition_order);
}

static void metadata_take(struct metadata *metadata, const struct kafka_metadata_response *response)
{
    metadata->is_stale = false;
    metadata->fresh_ms = clock_monotonic_ms();
    metadata->version++;
    client_update_nodes(metadata->client, response);
    arena_reset(&metadata->arena);
    metadata->topics = arena_new_array(&metadata->arena, (size_t)response->topics.count + 1, sizeof(*metadata->topics));
    metadata->topic_count = 0;
    for (int32_t i = 0; i < response->topics.count; i++)
        topic_take(metadata, &response->topics.items[i]);
    errors_log(metadata, response);
}

bool metadata_progress(struct metadata *metadata)
{
    int64_t now_ms = clock_monotonic_ms();
    bool is_old = metadata->version > 0 && now_ms - metadata->fresh_ms > metadata->age_max_ms;
    bool has_answer = false;

    if (exchange_is_done(&metadata->exchange)) {
        struct kafka_metadata_response *response = exchange_take(&metadata->exchange);

        has_answer = response != NULL;
        if (has_answer)
            metadata_take(metadata, response);
        else
            metadata->is_stale = true;
    }
    if (!metadata->exchange.is_active && (metadata->is_stale || is_old) && (metadata->wants_all || metadata->wanted_count > 0) &&
        now_ms - metadata->asked_ms >= client_retry_backoff_ms(metadata->client))
        metadata_ask(metadata);
    return has_answer;
}

const struct metadata_topic *metadata_find(const struct metadata *metadata, struct slice topic)
{
    for (size_t i = 0; i < metadata->topic_count; i++) {
        if (slice_equal(metadata->topics[i].name, topic))
            return metadata->topics[i].error_code == 0 ? &metadata->topics[i] : NULL;
    }
    return NULL;
}

const struct metadata_topic *metadata_find_by_id(const struct metadata *metadata, const struct uuid *id)
{
    for (size_t i = 0; i < metadata->topic_count; i++) {
        if (memcmp(&metadata->topics[i].id, id, sizeof(*id)) == 0)
            return metadata->topics[i].error_code == 0 ? &metadata->topics[i] : NULL;
    }
    return NULL;
}

const struct metadata_partition *metadata_find_partition(const struct metadata *metadata, struct slice topic, int32_t partition)
{
    const struct metadata_topic *found = metadata_find(metadata, topic);

    for (size_t i = 0; found != NULL && i < found->partition_count; i++) {
        if (found->partitions[i].index == partition)
            return &found->partitions[i];
    }
    return NULL;
}
