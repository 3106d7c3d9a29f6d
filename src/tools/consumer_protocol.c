#include "tools/consumer_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/random.h"
#include "wire/kafka/messages_consumer_group.h"

#define RETRY_MS 100
#define LEAVE_TIMEOUT_MS 5000
#define EPOCH_LEAVE (-1)
#define EPOCH_LEAVE_STATIC (-2)

enum {
    CODE_COORDINATOR_LOADING = 14,
    CODE_COORDINATOR_NOT_AVAILABLE = 15,
    CODE_NOT_COORDINATOR = 16,
    CODE_UNKNOWN_MEMBER = 25,
    CODE_UNSUPPORTED_VERSION = 35,
    CODE_FENCED_MEMBER_EPOCH = 110,
};

/* The partitions that are held now, as heartbeats name them. */
static void owned_fill(struct consumer *consumer, struct arena *arena, struct kafka_consumer_group_heartbeat_request *body)
{
    body->topic_partitions.items = arena_new_array(arena, consumer->partition_count + 1, sizeof(*body->topic_partitions.items));
    body->topic_partitions.count = 0;
    for (size_t i = 0; i < consumer->partition_count; i++) {
        const struct consumer_partition *partition = consumer->partitions[i];
        const struct metadata_topic *topic = metadata_find(&consumer->metadata, partition->topic);
        struct kafka_consumer_group_heartbeat_request_topic_partition *item = body->topic_partitions.items;
        int32_t at = 0;

        if (topic == NULL)
            continue;
        while (at < body->topic_partitions.count && memcmp(&item[at].topic_id, &topic->id, sizeof(topic->id)) != 0)
            at++;
        item += at;
        if (at == body->topic_partitions.count) {
            wire_init_defaults(&kafka_consumer_group_heartbeat_request_topic_partition_message, item);
            item->topic_id = topic->id;
            item->partitions.items = arena_new_array(arena, consumer->partition_count, sizeof(int32_t));
            body->topic_partitions.count++;
        }
        item->partitions.items[item->partitions.count++] = partition->partition;
    }
}

static void body_fill(struct consumer *consumer, struct arena *arena, struct kafka_consumer_group_heartbeat_request *body)
{
    struct consumer_group *group = &consumer->group;
    bool is_first = group->generation <= 0;

    body->group_id = slice_from_string(group->id);
    body->member_id = slice_from_string(group->member_id);
    body->member_epoch = is_first ? 0 : group->generation;
    body->instance_id = group->instance_id == NULL ? slice_null() : slice_from_string(group->instance_id);
    body->rack_id = slice_null();
    body->server_assignor = slice_null();
    body->subscribed_topic_regex = slice_null();
    body->subscribed_topic_names.count = -1;
    body->topic_partitions.count = -1;
    if (is_first || group->subscription_changed)
        body->subscribed_topic_names = (wire_string_array){consumer->subscription, (int32_t)consumer->subscription_count};
    if (is_first) {
        body->rebalance_timeout_ms = consumer->max_poll_interval_ms;
        body->topic_partitions.count = 0;
    } else if (group->owned_changed) {
        owned_fill(consumer, arena, body);
    }
}

static void heartbeat_send(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;
    struct kafka_consumer_group_heartbeat_request *body =
        EXCHANGE_BEGIN(&group->heartbeat, KAFKA_CONSUMER_GROUP_HEARTBEAT, kafka_consumer_group_heartbeat);

    body_fill(consumer, &group->heartbeat.arena, body);
    exchange_send(&group->heartbeat, consumer->client, group->coordinator);
    group->owned_changed = false;
    group->subscription_changed = false;
    if (group->generation <= 0)
        group->state = GROUP_NOT_JOINED;
}

static bool assignment_has(struct consumer *consumer, const struct kafka_consumer_group_heartbeat_response_assignment *assignment,
                           const struct consumer_partition *partition)
{
    const struct metadata_topic *topic = metadata_find(&consumer->metadata, partition->topic);

    for (int32_t i = 0; topic != NULL && i < assignment->topic_partitions.count; i++) {
        if (memcmp(&assignment->topic_partitions.items[i].topic_id, &topic->id, sizeof(topic->id)) != 0)
            continue;
        for (int32_t j = 0; j < assignment->topic_partitions.items[i].partitions.count; j++) {
            if (assignment->topic_partitions.items[i].partitions.items[j] == partition->partition)
                return true;
        }
    }
    return false;
}

static void assignment_take(struct consumer *consumer, const struct kafka_consumer_group_heartbeat_response_assignment *assignment)
{
    size_t kept = 0;
    int32_t wanted = 0;

    for (size_t i = 0; i < consumer->partition_count; i++)
        kept += assignment_has(consumer, assignment, consumer->partitions[i]);
    for (int32_t i = 0; i < assignment->topic_partitions.count; i++)
        wanted += assignment->topic_partitions.items[i].partitions.count;
    consumer->group.owned_changed = true;
    consumer->times.rebalancing_ms += clock_monotonic_ms() - consumer->group.rebalance_began_ms;
    consumer->group.rebalance_began_ms = clock_monotonic_ms();
    if (kept == consumer->partition_count && (int32_t)kept == wanted)
        return;
    if (consumer->auto_commit)
        consumer_commit_now(consumer, consumer->request_timeout_ms);
    consumer_clear_partitions(consumer);
    for (int32_t i = 0; i < assignment->topic_partitions.count; i++) {
        const struct metadata_topic *topic = metadata_find_by_id(&consumer->metadata, &assignment->topic_partitions.items[i].topic_id);

        if (topic == NULL)
            metadata_refresh(&consumer->metadata);
        for (int32_t j = 0; topic != NULL && j < assignment->topic_partitions.items[i].partitions.count; j++)
            (void)consumer_add_partition(consumer, topic->name, assignment->topic_partitions.items[i].partitions.items[j]);
    }
}

static void member_start_over(struct consumer *consumer)
{
    consumer_clear_partitions(consumer);
    consumer->group.generation = 0;
    consumer->group.state = GROUP_NOT_JOINED;
}

static void answer_failed(struct consumer *consumer, int16_t code, struct slice message)
{
    consumer->group.heartbeat_at_ms = consumer->group.retry_at_ms = clock_monotonic_ms() + RETRY_MS;
    switch (code) {
    case CODE_COORDINATOR_LOADING: return;
    case CODE_COORDINATOR_NOT_AVAILABLE:
    case CODE_NOT_COORDINATOR: consumer_group_lose_coordinator(consumer); return;
    case CODE_UNKNOWN_MEMBER:
    case CODE_FENCED_MEMBER_EPOCH: member_start_over(consumer); return;
    default: consumer_fail(consumer, failure_from_kafka(consumer->failures, code, message)); return;
    }
}

static void heartbeat_take(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;
    bool is_unsupported = group->heartbeat.request.outcome == CLIENT_UNSUPPORTED;
    const struct kafka_consumer_group_heartbeat_response *response = exchange_take(&group->heartbeat);

    if (is_unsupported || (response != NULL && response->error_code == CODE_UNSUPPORTED_VERSION)) {
        /* The broker knows only the classic protocol, or has no other. */
        group->is_classic = true;
        consumer_group_rejoin(consumer, false);
        return;
    }
    if (response == NULL || response->error_code != 0) {
        answer_failed(consumer, response == NULL ? CODE_COORDINATOR_NOT_AVAILABLE : response->error_code,
                      response == NULL ? slice_null() : response->error_message);
        return;
    }
    group->generation = response->member_epoch;
    if (group->state != GROUP_STABLE)
        consumer->commit_at_ms = clock_monotonic_ms() + consumer->auto_commit_interval_ms;
    group->state = GROUP_STABLE;
    group->heartbeat_at_ms = clock_monotonic_ms() + response->heartbeat_interval_ms;
    if (response->assignment != NULL)
        assignment_take(consumer, response->assignment);
}

static void member_id_make(struct consumer_group *group)
{
    struct uuid id = random_uuid();
    char text[UUID_BASE64_SIZE];

    uuid_to_base64(&id, text);
    memory_free(group->member_id);
    group->member_id = memory_copy_string(text);
    group->generation = 0;
}

void consumer_protocol_progress(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;

    if (consumer->metadata.version == 0 || client_node_find(consumer->client, group->coordinator) == NULL)
        return;
    if (group->member_id[0] == '\0')
        member_id_make(group);
    if (consumer_update_subscription(consumer))
        group->subscription_changed = true;
    if (exchange_is_done(&group->heartbeat))
        heartbeat_take(consumer);
    if (group->is_classic || group->heartbeat.is_active || (group->state != GROUP_STABLE && group->state != GROUP_NOT_JOINED))
        return;
    if (group->generation <= 0 || group->owned_changed || group->subscription_changed || clock_monotonic_ms() >= group->heartbeat_at_ms)
        heartbeat_send(consumer);
}

void consumer_protocol_leave(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;
    struct kafka_consumer_group_heartbeat_request request;
    struct kafka_consumer_group_heartbeat_response response;
    struct arena arena;

    arena_init(&arena, 4096);
    wire_init_defaults(&kafka_consumer_group_heartbeat_request_message, &request);
    body_fill(consumer, &arena, &request);
    request.member_epoch = group->instance_id == NULL ? EPOCH_LEAVE : EPOCH_LEAVE_STATIC;
    request.subscribed_topic_names.count = -1;
    request.topic_partitions.count = -1;
    (void)client_call_within(consumer->client, group->coordinator, "leaveGroup", KAFKA_CONSUMER_GROUP_HEARTBEAT, &request, &response, &arena,
                             LEAVE_TIMEOUT_MS);
    arena_finish(&arena);
}
