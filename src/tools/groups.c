#include "tools/groups.h"

#include "base/banned.h"
#include "base/java.h"
#include "base/text.h"
#include "os/clock.h"
#include "wire/kafka/messages_consumer_group.h"
#include "wire/kafka/messages_consumer_protocol.h"
#include "wire/kafka/messages_group.h"
#include "wire/kafka/messages_offsets.h"

#include <strings.h>

enum {
    CODE_COORDINATOR_LOADING = 14,
    CODE_COORDINATOR_NOT_AVAILABLE = 15,
    CODE_NOT_COORDINATOR = 16,
    CODE_UNSUPPORTED_VERSION = 35,
    CODE_GROUP_ID_NOT_FOUND = 69,
};

/* ---- Names ---- */

static const char *name_parse(struct slice text, const char *const *names)
{
    text = text_trim(text);
    for (; *names != NULL; names++) {
        if (strlen(*names) == text.size && strncasecmp(*names, (const char *)text.data, text.size) == 0)
            return *names;
    }
    return NULL;
}

const char *group_state_parse(struct slice text)
{
    static const char *const names[] = {"PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Empty", "Assigning", "Reconciling", NULL};

    return name_parse(text, names);
}

const char *group_type_parse(struct slice text)
{
    static const char *const names[] = {"Consumer", "Classic", "Share", "Streams", NULL};

    return name_parse(text, names);
}

static const char *text_copy(struct arena *arena, struct slice text)
{
    return text.data == NULL ? "" : arena_copy_string(arena, text);
}

/* ---- Coordinators ---- */

static bool code_is_passing(int16_t code)
{
    return code == CODE_COORDINATOR_LOADING || code == CODE_COORDINATOR_NOT_AVAILABLE || code == CODE_NOT_COORDINATOR;
}

static const struct failure *coordinator_find(struct client *client, struct arena *arena, struct slice id, int32_t *coordinator)
{
    int64_t deadline_ms = clock_monotonic_ms() + client_api_timeout_ms(client);

    for (;;) {
        struct kafka_find_coordinator_request request;
        struct kafka_find_coordinator_response response;
        const struct failure *failure;
        bool is_list;
        int16_t code;

        wire_init_defaults(&kafka_find_coordinator_request_message, &request);
        request.key = id;
        request.coordinator_keys = (wire_string_array){&id, 1};
        failure = client_call(client, CLIENT_ANY, "findCoordinator", KAFKA_FIND_COORDINATOR, &request, &response, arena);
        if (failure != NULL)
            return failure;
        is_list = response.coordinators.count > 0;
        code = is_list ? response.coordinators.items[0].error_code : response.error_code;
        *coordinator = is_list ? response.coordinators.items[0].node_id : response.node_id;
        if (code == 0)
            return NULL;
        if (!code_is_passing(code) || clock_monotonic_ms() > deadline_ms)
            return failure_from_kafka(arena, code, is_list ? response.coordinators.items[0].error_message : response.error_message);
        client_pause(client, client_retry_backoff_ms(client));
    }
}

/* Asks the coordinator of a group; `code_of` finds the error in the response, and what passes is tried again. */
static const struct failure *coordinator_call(struct client *client, struct arena *arena, struct slice id, const char *name, int16_t api,
                                              const void *body, void *response, int16_t (*code_of)(const void *response), int32_t *coordinator)
{
    int64_t deadline_ms = clock_monotonic_ms() + client_api_timeout_ms(client);
    const struct failure *failure = client_find_nodes(client, name);

    for (;;) {
        if (failure == NULL)
            failure = coordinator_find(client, arena, id, coordinator);
        if (failure == NULL)
            failure = client_call(client, *coordinator, name, api, body, response, arena);
        if (failure != NULL || !code_is_passing(code_of(response)) || clock_monotonic_ms() > deadline_ms)
            return failure;
        client_pause(client, client_retry_backoff_ms(client));
    }
}

/* ---- Listing ---- */

static wire_string_array names_array(struct arena *arena, const char *const *names, size_t count)
{
    wire_string_array array = {arena_new_array(arena, count + 1, sizeof(struct slice)), (int32_t)count};

    for (size_t i = 0; i < count; i++)
        array.items[i] = slice_from_string(names[i]);
    return array;
}

static size_t listing_add(struct arena *arena, const struct kafka_list_groups_response *response, struct group_listing **groups, size_t count)
{
    struct group_listing *all = arena_new_array(arena, count + (size_t)response->groups.count + 1, sizeof(*all));

    if (count > 0)
        memcpy(all, *groups, count * sizeof(*all));
    for (int32_t i = 0; i < response->groups.count; i++) {
        const struct kafka_list_groups_response_group *group = &response->groups.items[i];
        const char *type = group_type_parse(group->group_type);

        /* Other kinds of groups, such as Connect's workers, are no consumers. */
        if (group->protocol_type.size > 0 && !slice_equal_string(group->protocol_type, "consumer"))
            continue;
        all[count++] = (struct group_listing){
            .id = group->group_id, .state = text_copy(arena, group->group_state), .type = type == NULL ? "Classic" : type};
    }
    *groups = all;
    return count;
}

static void listing_sort(struct arena *arena, struct group_listing *groups, size_t count)
{
    uint32_t *hashes = arena_new_array(arena, count + 1, sizeof(*hashes));
    struct group_listing *copy = arena_new_array(arena, count + 1, sizeof(*copy));
    size_t *order;

    for (size_t i = 0; i < count; i++) {
        hashes[i] = java_hash_code(groups[i].id);
        copy[i] = groups[i];
    }
    order = java_map_order_new(arena, hashes, count, 0);
    for (size_t i = 0; i < count; i++)
        groups[i] = copy[order[i]];
}

const struct failure *groups_list(struct client *client, struct arena *arena, const char *const *states, size_t state_count,
                                  const char *const *types, size_t type_count, struct group_listing **groups, size_t *count)
{
    const struct failure *failure = client_find_nodes(client, "findAllBrokers");

    *groups = NULL;
    *count = 0;
    if (failure != NULL)
        return failure_caused(arena, failure, FAILURE_KAFKA, "Failed to find brokers to send ListGroups");
    for (size_t i = 0; i < client_node_count(client); i++) {
        struct kafka_list_groups_request request;
        struct kafka_list_groups_response response;

        wire_init_defaults(&kafka_list_groups_request_message, &request);
        request.states_filter = names_array(arena, states, state_count);
        request.types_filter = names_array(arena, types, type_count);
        failure = client_call(client, client_node_at(client, i)->id, "listGroups", KAFKA_LIST_GROUPS, &request, &response, arena);
        if (failure == NULL && response.error_code != 0)
            failure = failure_from_kafka(arena, response.error_code, slice_null());
        if (failure != NULL)
            return failure;
        *count = listing_add(arena, &response, groups, *count);
    }
    listing_sort(arena, *groups, *count);
    return NULL;
}

/* ---- Describing ---- */

static void coordinator_note(struct client *client, int32_t coordinator, struct group_description *group)
{
    const struct client_node *node = client_node_find(client, coordinator);

    group->coordinator = coordinator;
    group->coordinator_host = node == NULL ? "" : node->host;
    group->coordinator_port = node == NULL ? -1 : node->port;
}

static size_t assignment_copy(struct arena *arena, const struct kafka_consumer_group_describe_response_assignment *from,
                              struct topic_partition **to)
{
    size_t count = 0;

    for (int32_t i = 0; i < from->topic_partitions.count; i++)
        count += (size_t)from->topic_partitions.items[i].partitions.count;
    *to = arena_new_array(arena, count + 1, sizeof(**to));
    count = 0;
    for (int32_t i = 0; i < from->topic_partitions.count; i++) {
        for (int32_t j = 0; j < from->topic_partitions.items[i].partitions.count; j++)
            (*to)[count++] = (struct topic_partition){from->topic_partitions.items[i].topic_name, from->topic_partitions.items[i].partitions.items[j]};
    }
    return count;
}

static void consumer_take(struct arena *arena, const struct kafka_consumer_group_describe_response_group *from, struct group_description *group)
{
    const char *state = group_state_parse(from->group_state);

    group->state = state == NULL ? text_copy(arena, from->group_state) : state;
    group->assignor = text_copy(arena, from->assignor_name);
    group->has_epochs = true;
    group->epoch = from->group_epoch;
    group->target_epoch = from->assignment_epoch;
    group->member_count = (size_t)from->members.count;
    group->members = arena_new_array(arena, group->member_count + 1, sizeof(*group->members));
    for (size_t i = 0; i < group->member_count; i++) {
        const struct kafka_consumer_group_describe_response_member *given = &from->members.items[i];
        struct group_member *member = &group->members[i];

        *member = (struct group_member){.id = given->member_id,
                                        .instance_id = given->instance_id,
                                        .client_id = given->client_id,
                                        .host = given->client_host,
                                        .epoch = given->member_epoch,
                                        .has_target = true};
        member->assigned_count = assignment_copy(arena, &given->assignment, &member->assigned);
        member->target_count = assignment_copy(arena, &given->target_assignment, &member->target);
    }
}

static int16_t consumer_code(const void *response)
{
    const struct kafka_consumer_group_describe_response *described = response;

    return described->groups.count > 0 ? described->groups.items[0].error_code : CODE_GROUP_ID_NOT_FOUND;
}

/* *is_found is false when the broker does not know the newer protocol or this is a classic group. */
static const struct failure *describe_consumer(struct client *client, struct arena *arena, struct slice id, struct group_description *group,
                                               bool *is_found)
{
    struct kafka_consumer_group_describe_request request;
    struct kafka_consumer_group_describe_response response;
    int32_t coordinator;
    const struct failure *failure;
    int16_t code;

    *is_found = false;
    wire_init_defaults(&kafka_consumer_group_describe_request_message, &request);
    request.group_ids = (wire_string_array){&id, 1};
    failure = coordinator_call(client, arena, id, "describeConsumerGroups", KAFKA_CONSUMER_GROUP_DESCRIBE, &request, &response, consumer_code,
                               &coordinator);
    if (failure != NULL)
        return strstr(failure->class_name, "UnsupportedVersion") != NULL ? NULL : failure;
    code = consumer_code(&response);
    if (code == CODE_GROUP_ID_NOT_FOUND || code == CODE_UNSUPPORTED_VERSION)
        return NULL;
    if (code != 0)
        return failure_from_kafka(arena, code, response.groups.items[0].error_message);
    *is_found = true;
    coordinator_note(client, coordinator, group);
    consumer_take(arena, &response.groups.items[0], group);
    return NULL;
}

static void classic_assignment(struct arena *arena, struct slice bytes, struct group_member *member)
{
    struct kafka_consumer_protocol_assignment assignment;
    struct error error;
    size_t count = 0;
    int version;

    if (bytes.size == 0 || wire_decode_versioned(&kafka_consumer_protocol_assignment_message, bytes, arena, &assignment, &version, &error) != OK)
        return;
    for (int32_t i = 0; i < assignment.assigned_partitions.count; i++)
        count += (size_t)assignment.assigned_partitions.items[i].partitions.count;
    member->assigned = arena_new_array(arena, count + 1, sizeof(*member->assigned));
    for (int32_t i = 0; i < assignment.assigned_partitions.count; i++) {
        const struct kafka_consumer_protocol_assignment_topic *topic = &assignment.assigned_partitions.items[i];

        for (int32_t j = 0; j < topic->partitions.count; j++)
            member->assigned[member->assigned_count++] = (struct topic_partition){topic->topic, topic->partitions.items[j]};
    }
}

static void classic_take(struct arena *arena, const struct kafka_describe_groups_response_group *from, struct group_description *group)
{
    const char *state = group_state_parse(from->group_state);

    group->state = state == NULL ? text_copy(arena, from->group_state) : state;
    group->assignor = text_copy(arena, from->protocol_data);
    group->member_count = (size_t)from->members.count;
    group->members = arena_new_array(arena, group->member_count + 1, sizeof(*group->members));
    for (size_t i = 0; i < group->member_count; i++) {
        const struct kafka_describe_groups_response_member *given = &from->members.items[i];

        group->members[i] = (struct group_member){.id = given->member_id,
                                                  .instance_id = given->group_instance_id,
                                                  .client_id = given->client_id,
                                                  .host = given->client_host,
                                                  .epoch = -1};
        classic_assignment(arena, given->member_assignment, &group->members[i]);
    }
}

static int16_t classic_code(const void *response)
{
    const struct kafka_describe_groups_response *described = response;

    return described->groups.count > 0 ? described->groups.items[0].error_code : CODE_GROUP_ID_NOT_FOUND;
}

static const struct failure *describe_classic(struct client *client, struct arena *arena, struct slice id, struct group_description *group)
{
    struct kafka_describe_groups_request request;
    struct kafka_describe_groups_response response;
    int32_t coordinator;
    const struct failure *failure;

    wire_init_defaults(&kafka_describe_groups_request_message, &request);
    request.groups = (wire_string_array){&id, 1};
    failure = coordinator_call(client, arena, id, "describeConsumerGroups", KAFKA_DESCRIBE_GROUPS, &request, &response, classic_code, &coordinator);
    if (failure != NULL)
        return failure;
    if (classic_code(&response) != 0)
        return failure_from_kafka(arena, classic_code(&response),
                                  response.groups.count > 0 ? response.groups.items[0].error_message : slice_null());
    coordinator_note(client, coordinator, group);
    classic_take(arena, &response.groups.items[0], group);
    return NULL;
}

const struct failure *groups_describe(struct client *client, struct arena *arena, struct slice id, struct group_description *group)
{
    bool is_found;
    const struct failure *failure;

    *group = (struct group_description){.id = id};
    failure = describe_consumer(client, arena, id, group, &is_found);
    if (failure == NULL && !is_found)
        failure = describe_classic(client, arena, id, group);
    return failure;
}

/* ---- Positions ---- */

static int16_t fetch_code(const void *response)
{
    const struct kafka_offset_fetch_response *fetched = response;

    return fetched->groups.count > 0 ? fetched->groups.items[0].error_code : fetched->error_code;
}

static void position_add(struct group_offset *offsets, size_t *count, struct slice topic, const struct kafka_offset_fetch_response_partition *from)
{
    if (from->error_code == 0 && from->committed_offset >= 0)
        offsets[(*count)++] = (struct group_offset){{topic, from->partition_index}, from->committed_offset, from->committed_leader_epoch};
}

static void positions_take(struct arena *arena, const struct kafka_offset_fetch_response *response, struct group_offset **offsets, size_t *count)
{
    size_t capacity = 1;
    int32_t group_topics = response->groups.count > 0 ? response->groups.items[0].topics.count : 0;

    for (int32_t i = 0; i < response->topics.count; i++)
        capacity += (size_t)response->topics.items[i].partitions.count;
    for (int32_t i = 0; i < group_topics; i++)
        capacity += (size_t)response->groups.items[0].topics.items[i].partitions.count;
    *offsets = arena_new_array(arena, capacity, sizeof(**offsets));
    *count = 0;
    for (int32_t i = 0; i < response->topics.count; i++) {
        for (int32_t j = 0; j < response->topics.items[i].partitions.count; j++)
            position_add(*offsets, count, response->topics.items[i].name, &response->topics.items[i].partitions.items[j]);
    }
    for (int32_t i = 0; i < group_topics; i++) {
        const struct kafka_offset_fetch_response_group_topic *topic = &response->groups.items[0].topics.items[i];

        for (int32_t j = 0; j < topic->partitions.count; j++)
            position_add(*offsets, count, topic->name, &topic->partitions.items[j]);
    }
}

const struct failure *groups_offsets(struct client *client, struct arena *arena, struct slice id, struct group_offset **offsets, size_t *count)
{
    struct kafka_offset_fetch_request request;
    struct kafka_offset_fetch_request_group group;
    struct kafka_offset_fetch_response response;
    int32_t coordinator;
    const struct failure *failure;

    wire_init_defaults(&kafka_offset_fetch_request_message, &request);
    wire_init_defaults(&kafka_offset_fetch_request_group_message, &group);
    request.group_id = group.group_id = id;
    request.topics.count = group.topics.count = -1;
    group.member_id = slice_null();
    request.groups.items = &group;
    request.groups.count = 1;
    failure = coordinator_call(client, arena, id, "listConsumerGroupOffsets", KAFKA_OFFSET_FETCH, &request, &response, fetch_code, &coordinator);
    if (failure == NULL && fetch_code(&response) != 0)
        failure = failure_from_kafka(arena, fetch_code(&response), slice_null());
    if (failure == NULL)
        positions_take(arena, &response, offsets, count);
    return failure;
}

static int16_t commit_code(const void *response)
{
    const struct kafka_offset_commit_response *committed = response;

    return committed->topics.count > 0 && committed->topics.items[0].partitions.count > 0
               ? committed->topics.items[0].partitions.items[0].error_code
               : 0;
}

const struct failure *groups_commit(struct client *client, struct arena *arena, struct slice id, const struct group_offset *offsets, size_t count)
{
    struct kafka_offset_commit_request request;
    struct kafka_offset_commit_response response;
    int32_t coordinator;
    const struct failure *failure;

    wire_init_defaults(&kafka_offset_commit_request_message, &request);
    request.group_id = id;
    request.topics.items = arena_new_array(arena, count + 1, sizeof(*request.topics.items));
    request.topics.count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        struct kafka_offset_commit_request_partition *partition = arena_new(arena, sizeof(*partition));

        wire_init_defaults(&kafka_offset_commit_request_topic_message, &request.topics.items[i]);
        wire_init_defaults(&kafka_offset_commit_request_partition_message, partition);
        partition->partition_index = offsets[i].of.partition;
        partition->committed_offset = offsets[i].offset;
        partition->committed_metadata = slice_from_string("");
        request.topics.items[i].name = offsets[i].of.topic;
        request.topics.items[i].partitions.items = partition;
        request.topics.items[i].partitions.count = 1;
    }
    failure = coordinator_call(client, arena, id, "alterConsumerGroupOffsets", KAFKA_OFFSET_COMMIT, &request, &response, commit_code, &coordinator);
    for (int32_t i = 0; failure == NULL && i < response.topics.count; i++) {
        for (int32_t j = 0; failure == NULL && j < response.topics.items[i].partitions.count; j++) {
            if (response.topics.items[i].partitions.items[j].error_code != 0)
                failure = failure_from_kafka(arena, response.topics.items[i].partitions.items[j].error_code, slice_null());
        }
    }
    return failure;
}

/* ---- Deleting ---- */

static int16_t delete_code(const void *response)
{
    const struct kafka_delete_groups_response *deleted = response;

    return deleted->results.count > 0 ? deleted->results.items[0].error_code : 0;
}

const struct failure *groups_delete(struct client *client, struct arena *arena, struct slice id)
{
    struct kafka_delete_groups_request request;
    struct kafka_delete_groups_response response;
    int32_t coordinator;
    const struct failure *failure;

    wire_init_defaults(&kafka_delete_groups_request_message, &request);
    request.groups_names = (wire_string_array){&id, 1};
    failure = coordinator_call(client, arena, id, "deleteConsumerGroups", KAFKA_DELETE_GROUPS, &request, &response, delete_code, &coordinator);
    if (failure == NULL && delete_code(&response) != 0)
        failure = failure_from_kafka(arena, delete_code(&response), slice_null());
    return failure;
}

static int16_t offset_delete_code(const void *response)
{
    return ((const struct kafka_offset_delete_response *)response)->error_code;
}

static void offset_delete_take(const struct kafka_offset_delete_response *response, const struct topic_partition *partitions, size_t count,
                               int16_t *codes)
{
    for (int32_t i = 0; i < response->topics.count; i++) {
        for (int32_t j = 0; j < response->topics.items[i].partitions.count; j++) {
            const struct kafka_offset_delete_response_partition *given = &response->topics.items[i].partitions.items[j];

            for (size_t k = 0; k < count; k++) {
                if (partitions[k].partition == given->partition_index && slice_equal(partitions[k].topic, response->topics.items[i].name))
                    codes[k] = given->error_code;
            }
        }
    }
}

const struct failure *groups_delete_offsets(struct client *client, struct arena *arena, struct slice id, const struct topic_partition *partitions,
                                            size_t count, int16_t *code, int16_t *codes)
{
    struct kafka_offset_delete_request request;
    struct kafka_offset_delete_response response;
    int32_t coordinator;
    const struct failure *failure;

    wire_init_defaults(&kafka_offset_delete_request_message, &request);
    request.group_id = id;
    request.topics.items = arena_new_array(arena, count + 1, sizeof(*request.topics.items));
    request.topics.count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        struct kafka_offset_delete_request_partition *partition = arena_new(arena, sizeof(*partition));

        wire_init_defaults(&kafka_offset_delete_request_topic_message, &request.topics.items[i]);
        partition->partition_index = partitions[i].partition;
        request.topics.items[i].name = partitions[i].topic;
        request.topics.items[i].partitions.items = partition;
        request.topics.items[i].partitions.count = 1;
        codes[i] = 0;
    }
    failure = coordinator_call(client, arena, id, "deleteConsumerGroupOffsets", KAFKA_OFFSET_DELETE, &request, &response, offset_delete_code,
                               &coordinator);
    if (failure != NULL)
        return failure;
    *code = response.error_code;
    if (response.error_code != 0) {
        for (size_t i = 0; i < count; i++)
            codes[i] = response.error_code;
    } else {
        offset_delete_take(&response, partitions, count, codes);
        for (size_t i = 0; i < count && *code == 0; i++)
            *code = codes[i];
    }
    return NULL;
}
