#include "tools/consumer_internal.h"

#include "base/banned.h"
#include "base/memory.h"
#include "os/clock.h"
#include "tools/console.h"
#include "wire/kafka/messages_consumer_protocol.h"
#include "wire/kafka/messages_group.h"

#define RETRY_MS 100
#define LEAVE_TIMEOUT_MS 5000
#define ASSIGNOR "range"
#define METADATA_BYTES_MAX ((size_t)16 * 1024 * 1024)

enum {
    CODE_COORDINATOR_LOADING = 14,
    CODE_COORDINATOR_NOT_AVAILABLE = 15,
    CODE_NOT_COORDINATOR = 16,
    CODE_ILLEGAL_GENERATION = 22,
    CODE_UNKNOWN_MEMBER = 25,
    CODE_REBALANCE_IN_PROGRESS = 27,
    CODE_MEMBER_ID_REQUIRED = 79,
};

static void retry_later(struct consumer_group *group)
{
    group->retry_at_ms = clock_monotonic_ms() + RETRY_MS;
}

/* ---- Coordinator ---- */

static void coordinator_ask(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;
    struct kafka_find_coordinator_request *body = EXCHANGE_BEGIN(&group->exchange, KAFKA_FIND_COORDINATOR, kafka_find_coordinator);
    struct slice *key = arena_new(&group->exchange.arena, sizeof(*key));

    *key = slice_from_string(group->id);
    body->key = *key;
    body->coordinator_keys = (wire_string_array){key, 1};
    exchange_send(&group->exchange, consumer->client, client_any_node(consumer->client));
    group->state = GROUP_FINDING_COORDINATOR;
}

static void coordinator_take(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;
    const struct kafka_find_coordinator_response *response = exchange_take(&group->exchange);
    bool is_list = response != NULL && response->coordinators.count > 0;
    int16_t code = response == NULL ? CODE_COORDINATOR_NOT_AVAILABLE : is_list ? response->coordinators.items[0].error_code : response->error_code;

    group->state = GROUP_NO_COORDINATOR;
    retry_later(group);
    if (code == 0) {
        group->coordinator = is_list ? response->coordinators.items[0].node_id : response->node_id;
        group->state = group->member_id[0] != '\0' && group->generation >= 0 ? GROUP_STABLE : GROUP_NOT_JOINED;
        group->retry_at_ms = 0;
    } else if (!status_is_retriable(status_from_kafka_code(code))) {
        consumer_fail(consumer, failure_from_kafka(consumer->failures, code, slice_null()));
    }
}

void consumer_group_lose_coordinator(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;

    if (group->state == GROUP_OFF || group->state == GROUP_FINDING_COORDINATOR)
        return;
    exchange_finish(&group->exchange, consumer->client);
    exchange_init(&group->exchange);
    group->state = GROUP_NO_COORDINATOR;
    retry_later(group);
    metadata_refresh(&consumer->metadata);
}

/* ---- Subscription ---- */

static int slice_order(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static bool subscription_has(const struct consumer *consumer, struct slice topic)
{
    for (size_t i = 0; i < consumer->subscription_count; i++) {
        if (slice_equal(consumer->subscription[i], topic))
            return true;
    }
    return false;
}

bool consumer_update_subscription(struct consumer *consumer)
{
    size_t count = 0;
    bool changed = false;

    if (consumer->matching == NULL || consumer->matched_version == consumer->metadata.version)
        return false;
    consumer->matched_version = consumer->metadata.version;
    for (size_t i = 0; i < consumer->metadata.topic_count; i++) {
        struct slice name = consumer->metadata.topics[i].name;

        if (consumer->metadata.topics[i].error_code != 0 || !regexes_match(consumer->matching, name))
            continue;
        count++;
        changed = changed || !subscription_has(consumer, name);
    }
    if (!changed && count == consumer->subscription_count)
        return false;
    arena_reset(&consumer->subscription_arena);
    consumer->subscription = arena_new_array(&consumer->subscription_arena, count + 1, sizeof(struct slice));
    consumer->subscription_count = 0;
    for (size_t i = 0; i < consumer->metadata.topic_count; i++) {
        const struct metadata_topic *topic = &consumer->metadata.topics[i];

        if (topic->error_code == 0 && regexes_match(consumer->matching, topic->name))
            consumer->subscription[consumer->subscription_count++] = arena_copy(&consumer->subscription_arena, topic->name);
    }
    qsort(consumer->subscription, consumer->subscription_count, sizeof(struct slice), slice_order);
    return true;
}

/* ---- Joining ---- */

void consumer_group_rejoin(struct consumer *consumer, bool keeps_member_id)
{
    struct consumer_group *group = &consumer->group;

    if (!keeps_member_id) {
        memory_free(group->member_id);
        group->member_id = memory_copy_string("");
    }
    if (group->state == GROUP_STABLE)
        group->rebalance_began_ms = clock_monotonic_ms();
    group->generation = -1;
    group->state = GROUP_NOT_JOINED;
}

static struct slice subscription_encode(struct consumer *consumer, struct arena *arena)
{
    struct kafka_consumer_protocol_subscription subscription;
    struct buffer out;
    struct slice bytes;

    wire_init_defaults(&kafka_consumer_protocol_subscription_message, &subscription);
    subscription.topics = (wire_string_array){consumer->subscription, (int32_t)consumer->subscription_count};
    subscription.user_data = slice_null();
    buffer_init(&out, METADATA_BYTES_MAX);
    wire_encode_versioned(&kafka_consumer_protocol_subscription_message, 1, &subscription, &out);
    bytes = arena_copy(arena, buffer_slice(&out));
    buffer_finish(&out);
    return bytes;
}

static struct slice instance_of(const struct consumer_group *group)
{
    return group->instance_id == NULL ? slice_null() : slice_from_string(group->instance_id);
}

static void join_send(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;
    struct kafka_join_group_request *body = EXCHANGE_BEGIN(&group->exchange, KAFKA_JOIN_GROUP, kafka_join_group);
    struct kafka_join_group_request_protocol *protocol = arena_new(&group->exchange.arena, sizeof(*protocol));

    wire_init_defaults(&kafka_join_group_request_protocol_message, protocol);
    protocol->name = slice_from_string(ASSIGNOR);
    protocol->metadata = subscription_encode(consumer, &group->exchange.arena);
    body->group_id = slice_from_string(group->id);
    body->session_timeout_ms = consumer->session_timeout_ms;
    body->rebalance_timeout_ms = consumer->max_poll_interval_ms;
    body->member_id = arena_copy(&group->exchange.arena, slice_from_string(group->member_id));
    body->group_instance_id = instance_of(group);
    body->protocol_type = slice_from_string("consumer");
    body->protocols.items = protocol;
    body->protocols.count = 1;
    group->exchange.request.timeout_ms = consumer->max_poll_interval_ms + consumer->request_timeout_ms;
    exchange_send(&group->exchange, consumer->client, group->coordinator);
    group->state = GROUP_JOINING;
}

/* What all group requests can be answered with; true when it was one of these. */
static bool common_error(struct consumer *consumer, int16_t code)
{
    switch (code) {
    case CODE_COORDINATOR_LOADING: retry_later(&consumer->group); return true;
    case CODE_COORDINATOR_NOT_AVAILABLE:
    case CODE_NOT_COORDINATOR: consumer_group_lose_coordinator(consumer); return true;
    case CODE_UNKNOWN_MEMBER: consumer_group_rejoin(consumer, false); return true;
    case CODE_ILLEGAL_GENERATION:
    case CODE_REBALANCE_IN_PROGRESS: consumer_group_rejoin(consumer, true); return true;
    default: return false;
    }
}

/* The leader has to know the topics of all members. */
static void joined_want_topics(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;

    for (int32_t i = 0; i < group->joined->members.count; i++) {
        struct kafka_consumer_protocol_subscription subscription;
        struct error error;
        int version;

        if (wire_decode_versioned(&kafka_consumer_protocol_subscription_message, group->joined->members.items[i].metadata, &group->join_arena,
                                  &subscription, &version, &error) != OK)
            continue;
        for (int32_t j = 0; j < subscription.topics.count && !consumer->metadata.wants_all; j++)
            metadata_want(&consumer->metadata, subscription.topics.items[j]);
    }
}

static void sync_send(struct consumer *consumer);

static void join_take(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;
    struct kafka_join_group_response *response = exchange_take(&group->exchange);
    int16_t code = response == NULL ? CODE_COORDINATOR_NOT_AVAILABLE : response->error_code;

    group->state = GROUP_NOT_JOINED;
    if (response != NULL && (code == 0 || code == CODE_MEMBER_ID_REQUIRED)) {
        memory_free(group->member_id);
        group->member_id = memory_copy_bytes(response->member_id.data, response->member_id.size);
    }
    if (code == 0) {
        struct arena kept = group->join_arena;

        /* The answer lives on until the leader has assigned. */
        group->join_arena = group->exchange.arena;
        group->exchange.arena = kept;
        group->joined = response;
        group->generation = response->generation_id;
        group->is_leader = slice_equal_string(response->leader, group->member_id);
        group->state = GROUP_ASSIGNING;
        if (group->is_leader && !response->skip_assignment)
            joined_want_topics(consumer);
    } else if (code != CODE_MEMBER_ID_REQUIRED && !common_error(consumer, code)) {
        consumer_fail(consumer, failure_from_kafka(consumer->failures, code, slice_null()));
    }
}

/* ---- Assigning by ranges ---- */

struct assigned_member {
    struct slice id;
    struct slice instance_id;
    struct kafka_consumer_protocol_subscription subscription;
    struct kafka_consumer_protocol_assignment assignment;
};

/* Static members come first, by their own names. Source: AbstractPartitionAssignor.MemberInfo */
static int member_order(const void *a, const void *b)
{
    const struct assigned_member *left = a;
    const struct assigned_member *right = b;

    if (left->instance_id.data != NULL && right->instance_id.data != NULL)
        return slice_compare(left->instance_id, right->instance_id);
    if (left->instance_id.data != NULL || right->instance_id.data != NULL)
        return left->instance_id.data != NULL ? -1 : 1;
    return slice_compare(left->id, right->id);
}

static bool member_wants(const struct assigned_member *member, struct slice topic)
{
    for (int32_t i = 0; i < member->subscription.topics.count; i++) {
        if (slice_equal(member->subscription.topics.items[i], topic))
            return true;
    }
    return false;
}

static void member_give(struct consumer *consumer, struct assigned_member *member, const struct metadata_topic *topic, size_t first, size_t count)
{
    struct arena *arena = &consumer->group.join_arena;
    struct kafka_consumer_protocol_assignment_topic *item;

    if (count == 0)
        return;
    if (member->assignment.assigned_partitions.items == NULL)
        member->assignment.assigned_partitions.items =
            arena_new_array(arena, consumer->metadata.topic_count + 1, sizeof(*member->assignment.assigned_partitions.items));
    item = &member->assignment.assigned_partitions.items[member->assignment.assigned_partitions.count++];
    wire_init_defaults(&kafka_consumer_protocol_assignment_topic_message, item);
    item->topic = topic->name;
    item->partitions = (wire_int32_array){arena_new_array(arena, count, sizeof(int32_t)), (int32_t)count};
    for (size_t i = 0; i < count; i++)
        item->partitions.items[i] = topic->partitions[first + i].index;
}

static void topic_assign(struct consumer *consumer, struct assigned_member *members, size_t count, const struct metadata_topic *topic)
{
    size_t wanting = 0;
    size_t given = 0;
    size_t turn = 0;

    for (size_t i = 0; i < count; i++)
        wanting += member_wants(&members[i], topic->name);
    for (size_t i = 0; i < count; i++) {
        size_t share;

        if (!member_wants(&members[i], topic->name))
            continue;
        share = topic->partition_count / wanting + (turn++ < topic->partition_count % wanting ? 1 : 0);
        member_give(consumer, &members[i], topic, given, share);
        given += share;
    }
}

static struct assigned_member *members_assign(struct consumer *consumer, size_t *count)
{
    struct consumer_group *group = &consumer->group;
    struct assigned_member *members = arena_new_array(&group->join_arena, (size_t)group->joined->members.count + 1, sizeof(*members));

    *count = (size_t)group->joined->members.count;
    for (size_t i = 0; i < *count; i++) {
        const struct kafka_join_group_response_member *member = &group->joined->members.items[i];
        struct error error;
        int version;

        members[i] = (struct assigned_member){.id = member->member_id, .instance_id = member->group_instance_id};
        wire_init_defaults(&kafka_consumer_protocol_assignment_message, &members[i].assignment);
        if (wire_decode_versioned(&kafka_consumer_protocol_subscription_message, member->metadata, &group->join_arena,
                                  &members[i].subscription, &version, &error) != OK)
            members[i].subscription.topics.count = 0;
    }
    qsort(members, *count, sizeof(*members), member_order);
    for (size_t i = 0; i < consumer->metadata.topic_count; i++) {
        if (consumer->metadata.topics[i].error_code == 0)
            topic_assign(consumer, members, *count, &consumer->metadata.topics[i]);
    }
    return members;
}

/* A number for the topics and partition counts that an assignment was made from. */
static uint64_t topics_hash(const struct consumer *consumer)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < consumer->metadata.topic_count; i++) {
        const struct metadata_topic *topic = &consumer->metadata.topics[i];

        if (topic->error_code != 0)
            continue;
        for (size_t j = 0; j < topic->name.size; j++)
            hash = (hash ^ topic->name.data[j]) * 1099511628211u;
        hash = (hash ^ topic->partition_count) * 1099511628211u;
    }
    return hash;
}

static struct slice assignment_encode(struct consumer *consumer, const struct kafka_consumer_protocol_assignment *assignment)
{
    struct buffer out;
    struct slice bytes;

    buffer_init(&out, METADATA_BYTES_MAX);
    wire_encode_versioned(&kafka_consumer_protocol_assignment_message, 1, assignment, &out);
    bytes = arena_copy(&consumer->group.join_arena, buffer_slice(&out));
    buffer_finish(&out);
    return bytes;
}

static void sync_fill(struct consumer *consumer, struct kafka_sync_group_request *body)
{
    size_t count;
    struct assigned_member *members = members_assign(consumer, &count);

    consumer->group.assigned_hash = topics_hash(consumer);
    body->assignments.items = arena_new_array(&consumer->group.exchange.arena, count + 1, sizeof(*body->assignments.items));
    body->assignments.count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        wire_init_defaults(&kafka_sync_group_request_assignment_message, &body->assignments.items[i]);
        body->assignments.items[i].member_id = members[i].id;
        members[i].assignment.user_data = slice_null();
        body->assignments.items[i].assignment = assignment_encode(consumer, &members[i].assignment);
    }
}

static void sync_send(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;
    struct kafka_sync_group_request *body = EXCHANGE_BEGIN(&group->exchange, KAFKA_SYNC_GROUP, kafka_sync_group);

    body->group_id = slice_from_string(group->id);
    body->generation_id = group->generation;
    body->member_id = arena_copy(&group->exchange.arena, slice_from_string(group->member_id));
    body->group_instance_id = instance_of(group);
    body->protocol_type = slice_from_string("consumer");
    body->protocol_name = slice_from_string(ASSIGNOR);
    if (group->is_leader && !group->joined->skip_assignment)
        sync_fill(consumer, body);
    group->exchange.request.timeout_ms = consumer->max_poll_interval_ms + consumer->request_timeout_ms;
    exchange_send(&group->exchange, consumer->client, group->coordinator);
    group->state = GROUP_SYNCING;
}

static void assignment_take(struct consumer *consumer, struct slice bytes)
{
    struct kafka_consumer_protocol_assignment assignment;
    struct error error;
    int version;

    consumer_clear_partitions(consumer);
    if (bytes.size == 0)
        return;
    if (wire_decode_versioned(&kafka_consumer_protocol_assignment_message, bytes, &consumer->group.exchange.arena, &assignment, &version,
                              &error) != OK) {
        consumer_fail(consumer, failure_of(consumer->failures, FAILURE_KAFKA, "the assignment cannot be read: %s", error.message));
        return;
    }
    for (int32_t i = 0; i < assignment.assigned_partitions.count; i++) {
        const struct kafka_consumer_protocol_assignment_topic *topic = &assignment.assigned_partitions.items[i];

        metadata_want(&consumer->metadata, topic->topic);
        for (int32_t j = 0; j < topic->partitions.count; j++)
            (void)consumer_add_partition(consumer, topic->topic, topic->partitions.items[j]);
    }
}

static void sync_take(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;
    const struct kafka_sync_group_response *response = exchange_take(&group->exchange);
    int16_t code = response == NULL ? CODE_COORDINATOR_NOT_AVAILABLE : response->error_code;

    group->state = GROUP_NOT_JOINED;
    if (code == 0) {
        group->state = GROUP_STABLE;
        group->heartbeat_at_ms = clock_monotonic_ms() + consumer->heartbeat_interval_ms;
        consumer->commit_at_ms = clock_monotonic_ms() + consumer->auto_commit_interval_ms;
        consumer->times.rebalancing_ms += clock_monotonic_ms() - group->rebalance_began_ms;
        assignment_take(consumer, response->assignment);
    } else if (!common_error(consumer, code)) {
        consumer_fail(consumer, failure_from_kafka(consumer->failures, code, slice_null()));
    }
}

/* ---- Staying ---- */

static void heartbeat_send(struct consumer *consumer, int64_t now_ms)
{
    struct consumer_group *group = &consumer->group;
    struct kafka_heartbeat_request *body = EXCHANGE_BEGIN(&group->heartbeat, KAFKA_HEARTBEAT, kafka_heartbeat);

    body->group_id = slice_from_string(group->id);
    body->generation_id = group->generation;
    body->member_id = arena_copy(&group->heartbeat.arena, slice_from_string(group->member_id));
    body->group_instance_id = instance_of(group);
    exchange_send(&group->heartbeat, consumer->client, group->coordinator);
    group->heartbeat_at_ms = now_ms + consumer->heartbeat_interval_ms;
}

static void heartbeat_take(struct consumer *consumer)
{
    const struct kafka_heartbeat_response *response = exchange_take(&consumer->group.heartbeat);
    int16_t code = response == NULL ? CODE_COORDINATOR_NOT_AVAILABLE : response->error_code;

    if (code == 0 || consumer->group.state != GROUP_STABLE)
        return;
    if (code == CODE_REBALANCE_IN_PROGRESS && consumer->auto_commit)
        consumer_commit_now(consumer, consumer->request_timeout_ms);
    if (!common_error(consumer, code))
        consumer_fail(consumer, failure_from_kafka(consumer->failures, code, slice_null()));
}

static void stable_progress(struct consumer *consumer, int64_t now_ms)
{
    struct consumer_group *group = &consumer->group;
    bool subscription_changed = consumer_update_subscription(consumer);

    if (exchange_is_done(&group->heartbeat))
        heartbeat_take(consumer);
    else if (!group->heartbeat.is_active && now_ms >= group->heartbeat_at_ms)
        heartbeat_send(consumer, now_ms);
    if (group->state == GROUP_STABLE && (subscription_changed || (group->is_leader && group->assigned_hash != topics_hash(consumer)))) {
        if (consumer->auto_commit)
            consumer_commit_now(consumer, consumer->request_timeout_ms);
        consumer_group_rejoin(consumer, true);
    }
}

static void exchange_progress(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;

    if (!exchange_is_done(&group->exchange))
        return;
    if (group->state == GROUP_FINDING_COORDINATOR)
        coordinator_take(consumer);
    else if (group->state == GROUP_JOINING)
        join_take(consumer);
    else if (group->state == GROUP_SYNCING)
        sync_take(consumer);
    else
        (void)exchange_take(&group->exchange);
}

/* May the group go on? It needs to know the brokers first, and the topics when it looks for them by expression. */
static bool is_ready_to_join(struct consumer *consumer)
{
    if (consumer->metadata.version == 0 || client_node_find(consumer->client, consumer->group.coordinator) == NULL)
        return false;
    (void)consumer_update_subscription(consumer);
    return true;
}

void consumer_group_progress(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;
    int64_t now_ms = clock_monotonic_ms();

    if (group->state == GROUP_OFF)
        return;
    exchange_progress(consumer);
    if (now_ms < group->retry_at_ms)
        return;
    if (group->state == GROUP_NO_COORDINATOR)
        coordinator_ask(consumer);
    else if (!group->is_classic && (group->state == GROUP_NOT_JOINED || group->state == GROUP_STABLE))
        consumer_protocol_progress(consumer);
    else if (group->state == GROUP_NOT_JOINED && is_ready_to_join(consumer))
        join_send(consumer);
    else if (group->state == GROUP_ASSIGNING && (!group->is_leader || (!consumer->metadata.exchange.is_active && !consumer->metadata.is_stale) ||
                                                 now_ms - consumer->metadata.fresh_ms < RETRY_MS))
        sync_send(consumer);
    else if (group->state == GROUP_STABLE)
        stable_progress(consumer, now_ms);
}

/* ---- Leaving ---- */

void consumer_group_leave(struct consumer *consumer)
{
    struct consumer_group *group = &consumer->group;
    struct kafka_leave_group_request request;
    struct kafka_leave_group_request_member member;
    struct kafka_leave_group_response response;
    struct arena arena;

    if (group->state == GROUP_OFF || group->member_id[0] == '\0' || group->state == GROUP_NO_COORDINATOR ||
        group->state == GROUP_FINDING_COORDINATOR)
        return;
    if (!group->is_classic) {
        consumer_protocol_leave(consumer);
        return;
    }
    /* A static member keeps its place until its session is over. */
    if (group->instance_id != NULL)
        return;
    arena_init(&arena, 4096);
    wire_init_defaults(&kafka_leave_group_request_message, &request);
    wire_init_defaults(&kafka_leave_group_request_member_message, &member);
    request.group_id = slice_from_string(group->id);
    request.member_id = member.member_id = slice_from_string(group->member_id);
    member.group_instance_id = slice_null();
    member.reason = slice_from_string("the consumer is being closed");
    request.members.items = &member;
    request.members.count = 1;
    (void)client_call_within(consumer->client, group->coordinator, "leaveGroup", KAFKA_LEAVE_GROUP, &request, &response, &arena,
                             LEAVE_TIMEOUT_MS);
    arena_finish(&arena);
}
