#include "tools/offsets.h"

#include "base/banned.h"
#include "base/java.h"
#include "os/clock.h"
#include "tools/admin.h"
#include "tools/console.h"
#include "wire/kafka/messages_fetch.h"

#define PAGE_PARTITIONS 2000
#define CODE_UNKNOWN_TOPIC 3
#define CODE_LEADER_NOT_AVAILABLE 5
#define CODE_PENDING INT16_MAX /* not answered yet */

static const struct failure *topic_missing(struct client *client, struct arena *arena, const struct topic_partition *partition)
{
    const struct failure *unknown = failure_from_kafka(arena, CODE_UNKNOWN_TOPIC, slice_null());

    console_log_failure("ERROR", "org.apache.kafka.clients.admin.internals.PartitionLeaderStrategy", unknown,
                        "%sReceived unknown topic error for topic %.*s", client_log_prefix(client), (int)partition->topic.size,
                        (const char *)partition->topic.data);
    return failure_of(arena, "org.apache.kafka.common.errors.UnknownTopicOrPartitionException",
                      "Failed to fetch metadata for partition %.*s-%d because metadata for topic `%.*s` could not be found",
                      (int)partition->topic.size, (const char *)partition->topic.data, partition->partition, (int)partition->topic.size,
                      (const char *)partition->topic.data);
}

/* The topics of all items, each once. */
static size_t topics_collect(struct arena *arena, const struct partition_offset *items, size_t count, struct slice **names)
{
    size_t found = 0;

    *names = arena_new_array(arena, count + 1, sizeof(**names));
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;

        while (at < found && !slice_equal((*names)[at], items[i].of.topic))
            at++;
        if (at == found)
            (*names)[found++] = items[i].of.topic;
    }
    return found;
}

/* Finds the leader of each item; -1 where there is none now. */
static const struct failure *leaders_find(struct client *client, struct arena *arena, struct partition_offset *items, size_t count,
                                          int32_t *leaders)
{
    struct slice *names;
    struct topic_description *topics;
    size_t topic_count = topics_collect(arena, items, count, &names);
    const struct failure *failure = admin_describe_topics(client, arena, names, topic_count, PAGE_PARTITIONS, &topics);

    for (size_t i = 0; i < count && failure == NULL; i++) {
        size_t at = 0;

        while (!slice_equal(topics[at].name, items[i].of.topic))
            at++;
        leaders[i] = -1;
        if (topics[at].error_code == CODE_UNKNOWN_TOPIC)
            failure = topic_missing(client, arena, &items[i].of);
        for (size_t j = 0; j < topics[at].partition_count; j++) {
            if (topics[at].partitions[j].index == items[i].of.partition)
                leaders[i] = topics[at].partitions[j].leader;
        }
    }
    return failure;
}

static void answer_take(const struct kafka_list_offsets_response *response, struct partition_offset *items, size_t count)
{
    for (int32_t i = 0; i < response->topics.count; i++) {
        for (int32_t j = 0; j < response->topics.items[i].partitions.count; j++) {
            const struct kafka_list_offsets_response_partition *given = &response->topics.items[i].partitions.items[j];

            for (size_t k = 0; k < count; k++) {
                if (items[k].of.partition != given->partition_index || !slice_equal(items[k].of.topic, response->topics.items[i].name))
                    continue;
                items[k].error_code = given->error_code;
                items[k].offset = given->offset;
                if (given->old_style_offsets.count > 0)
                    items[k].offset = given->old_style_offsets.items[0];
            }
        }
    }
}

static const struct failure *leader_ask(struct client *client, struct arena *arena, int32_t leader, const int32_t *leaders,
                                        struct partition_offset *items, size_t count, int64_t time)
{
    struct kafka_list_offsets_request request;
    struct kafka_list_offsets_response response;
    const struct failure *failure;

    wire_init_defaults(&kafka_list_offsets_request_message, &request);
    request.replica_id = -1;
    request.timeout_ms = (int32_t)client_api_timeout_ms(client);
    request.topics.items = arena_new_array(arena, count, sizeof(*request.topics.items));
    for (size_t i = 0; i < count; i++) {
        struct kafka_list_offsets_request_topic *topic = &request.topics.items[request.topics.count];
        struct kafka_list_offsets_request_partition *partition;

        if (leaders[i] != leader || items[i].error_code != CODE_PENDING)
            continue;
        partition = arena_new(arena, sizeof(*partition));
        wire_init_defaults(&kafka_list_offsets_request_topic_message, topic);
        wire_init_defaults(&kafka_list_offsets_request_partition_message, partition);
        partition->partition_index = items[i].of.partition;
        partition->timestamp = time;
        topic->name = items[i].of.topic;
        topic->partitions.items = partition;
        topic->partitions.count = 1;
        request.topics.count++;
    }
    failure = client_call(client, leader, "listOffsets(api=LIST_OFFSETS)", KAFKA_LIST_OFFSETS, &request, &response, arena);
    if (failure == NULL)
        answer_take(&response, items, count);
    return failure;
}

/* One round: everything pending goes to its leader; what can pass stays pending. */
static const struct failure *round_ask(struct client *client, struct arena *arena, struct partition_offset *items, size_t count, int64_t time,
                                       bool *is_done)
{
    int32_t *leaders = arena_new_array(arena, count + 1, sizeof(*leaders));
    const struct failure *failure = leaders_find(client, arena, items, count, leaders);

    for (size_t i = 0; i < count && failure == NULL; i++) {
        if (items[i].error_code == CODE_PENDING && leaders[i] >= 0)
            failure = leader_ask(client, arena, leaders[i], leaders, items, count, time);
    }
    *is_done = true;
    for (size_t i = 0; i < count && failure == NULL; i++) {
        if (items[i].error_code == CODE_PENDING || (items[i].error_code != 0 && status_is_retriable(status_from_kafka_code(items[i].error_code)))) {
            items[i].error_code = CODE_PENDING;
            *is_done = false;
        }
    }
    return failure;
}

const struct failure *offsets_list(struct client *client, struct arena *arena, struct partition_offset *items, size_t count, int64_t time)
{
    int64_t deadline_ms = clock_monotonic_ms() + client_api_timeout_ms(client);
    const struct failure *failure = NULL;
    bool is_done = count == 0;

    for (size_t i = 0; i < count; i++) {
        items[i].error_code = CODE_PENDING;
        items[i].offset = -1;
    }
    while (!is_done && failure == NULL) {
        failure = round_ask(client, arena, items, count, time, &is_done);
        if (!is_done && failure == NULL && clock_monotonic_ms() > deadline_ms)
            break;
        if (!is_done && failure == NULL)
            client_pause(client, client_retry_backoff_ms(client));
    }
    for (size_t i = 0; i < count; i++) {
        if (items[i].error_code == CODE_PENDING)
            items[i].error_code = CODE_LEADER_NOT_AVAILABLE;
    }
    return failure;
}

/* hashCode of Kafka's TopicPartition. */
static uint32_t partition_hash(const struct topic_partition *partition)
{
    return (31u + (uint32_t)partition->partition) * 31u + java_hash_code(partition->topic);
}

size_t *offsets_map_order(struct arena *arena, const struct topic_partition *partitions, size_t count)
{
    uint32_t *hashes = arena_new_array(arena, count + 1, sizeof(*hashes));

    for (size_t i = 0; i < count; i++)
        hashes[i] = partition_hash(&partitions[i]);
    return java_map_order_new(arena, hashes, count, 0);
}
