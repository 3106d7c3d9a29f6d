/* handle_offsets.c: where groups are: find the coordinator; commit, fetch and delete offsets. */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "broker/changes.h"
#include "broker/coordinator.h"
#include "broker/topic_name.h"
#include "os/clock.h"
#include "os/logger.h"
#include "wire/kafka/messages_group.h"
#include "wire/kafka/messages_offsets.h"

#define KEY_GROUP 0
#define KEY_SHARE 2

/* ---- FindCoordinator ---- */

static void find_answer(void *context, enum status status)
{
    struct request *request = context;
    const struct kafka_find_coordinator_request *asked = request->decoded;
    struct kafka_find_coordinator_response response = {.node_id = -1, .host = slice_of("", 0), .port = -1};
    int32_t node_id = status == OK ? request->broker->numbers.node_id : -1;
    struct slice host = slice_of("", 0);
    struct slice message = slice_null();
    int32_t port = -1;

    if (status == OK)
        request_broker_address(request, &host, &port);
    else if (asked->key_type != KEY_GROUP)
        message = slice_from_string("Tailrace has no transactions and no share groups; unset transactional.id");
    else
        message = slice_from_string(status_text(status));
    if (request->header.api_version < 4) {
        response.error_code = status_kafka_code(status);
        response.error_message = message;
        response.node_id = node_id;
        response.host = host;
        response.port = port;
        request_answer(request, &response);
        return;
    }
    response.coordinators.count = asked->coordinator_keys.count;
    response.coordinators.items =
        arena_new_array(&request->arena, (size_t)asked->coordinator_keys.count, sizeof(*response.coordinators.items));
    for (int32_t i = 0; i < asked->coordinator_keys.count; i++)
        response.coordinators.items[i] = (struct kafka_find_coordinator_response_coordinator){
            asked->coordinator_keys.items[i], node_id, host, port, status_kafka_code(status), message};
    request_answer(request, &response);
}

static void find_ready(void *context, enum status status)
{
    find_answer(context, status == OK ? OK : ERROR_COORDINATOR_NOT_AVAILABLE);
}

/*
 * Transactions do not exist. What makes clients give up at once, with the clearest words: those that ask for several keys at a
 * time (Java, franz-go) print our text with an error that they do not expect; the others (librdkafka, kafkajs) would ask again
 * for ever, but not when they are not authorized.
 */
static void find_refuse(struct request *request)
{
    LOG_WARNING("refused a transactional producer or a share group: Tailrace has neither; unset transactional.id peer=%s client.id=%.*s",
                request_client_host(request), (int)request->header.client_id.size, (const char *)request->header.client_id.data);
    find_answer(request, request->header.api_version < 4 ? ERROR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED : ERROR_UNSUPPORTED_VERSION);
}

void handle_find_coordinator(struct request *request)
{
    const struct kafka_find_coordinator_request *asked = request->decoded;

    if (asked->key_type == KEY_GROUP)
        coordinator_make_ready(request->broker->coordinator, find_ready, request);
    else if (asked->key_type > KEY_SHARE)
        find_answer(request, ERROR_INVALID_REQUEST);
    else
        find_refuse(request);
}

/* ---- OffsetCommit ---- */

struct commit {
    struct request *request;
    struct kafka_offset_commit_response response;
    struct offset_change *changes;
    struct kafka_offset_commit_response_partition **outs; /* of the changes */
    size_t count;
};

/* For those who trace a row: the group is past it, and this client sent that. */
static void commit_note(const struct commit *commit)
{
    struct request *request = commit->request;
    const struct kafka_offset_commit_request *asked = request->decoded;
    char client[CLIENT_NAME_SIZE];
    const char *reader;

    request_client_name(request, client);
    reader = arena_format(&request->arena, "%.*s\n%s", (int)asked->group_id.size, (const char *)asked->group_id.data, client);
    for (size_t i = 0; i < commit->count; i++)
        log_passed(request->broker->log, LOG_READER_GROUP, reader, arena_copy_string(&request->arena, commit->changes[i].topic), commit->changes[i].partition,
                   commit->changes[i].value.offset);
}

static void commit_written(void *context, enum status status)
{
    struct commit *commit = context;

    /* A disk that fails is a coordinator that does not answer: the client tries again. */
    for (size_t i = 0; i < commit->count; i++)
        commit->outs[i]->error_code = status == OK                            ? 0
                                      : status == ERROR_RECORD_LIST_TOO_LARGE ? CODE(INVALID_COMMIT_OFFSET_SIZE)
                                                                              : CODE(COORDINATOR_NOT_AVAILABLE);
    if (status == OK)
        commit_note(commit);
    request_answer(commit->request, &commit->response);
}

static enum status commit_partition_check(const struct request *request, struct topic *topic,
                                          const struct kafka_offset_commit_request_partition *asked)
{
    if (topic == NULL || topic_partition(topic, asked->partition_index) == NULL)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    if (!slice_is_null(asked->committed_metadata) &&
        asked->committed_metadata.size > (size_t)request->broker->numbers.offset_metadata_bytes_max)
        return ERROR_OFFSET_METADATA_TOO_LARGE;
    return OK;
}

static int64_t commit_expiry(const struct request *request, const struct kafka_offset_commit_request *asked, int64_t now_ms)
{
    (void)request;
    if (asked->retention_time_ms < 0)
        return -1;
    return asked->retention_time_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + asked->retention_time_ms;
}

/* Fills the answer with this error, and collects the changes when there is none. */
static void commit_collect(struct commit *commit, enum status group_status)
{
    struct request *request = commit->request;
    const struct kafka_offset_commit_request *asked = request->decoded;
    int64_t now_ms = clock_now_ms();
    size_t total = 0;

    for (int32_t i = 0; i < asked->topics.count; i++)
        total += (size_t)asked->topics.items[i].partitions.count;
    commit->changes = arena_new_array(&request->arena, total, sizeof(*commit->changes));
    commit->outs = arena_new_array(&request->arena, total, sizeof(*commit->outs));
    commit->response.topics.count = asked->topics.count;
    commit->response.topics.items = arena_new_array(&request->arena, (size_t)asked->topics.count, sizeof(*commit->response.topics.items));
    for (int32_t i = 0; i < asked->topics.count; i++) {
        const struct kafka_offset_commit_request_topic *from = &asked->topics.items[i];
        struct kafka_offset_commit_response_topic *out = &commit->response.topics.items[i];
        struct topic *topic = group_status == OK ? store_topic_find(request->broker->store, from->name) : NULL;

        out->name = from->name;
        out->partitions.count = from->partitions.count;
        out->partitions.items = arena_new_array(&request->arena, (size_t)from->partitions.count, sizeof(*out->partitions.items));
        for (int32_t j = 0; j < from->partitions.count; j++) {
            const struct kafka_offset_commit_request_partition *partition = &from->partitions.items[j];
            enum status status = group_status == OK ? commit_partition_check(request, topic, partition) : group_status;

            out->partitions.items[j] =
                (struct kafka_offset_commit_response_partition){partition->partition_index, status_kafka_code(status)};
            if (status != OK)
                continue;
            commit->outs[commit->count] = &out->partitions.items[j];
            commit->changes[commit->count++] = (struct offset_change){
                .topic = from->name,
                .partition = partition->partition_index,
                .value =
                    {
                        .offset = partition->committed_offset,
                        .leader_epoch = partition->committed_leader_epoch,
                        .metadata = partition->committed_metadata,
                        .committed_at_ms = partition->commit_timestamp >= 0 ? partition->commit_timestamp : now_ms,
                        .expires_at_ms = commit_expiry(request, asked, now_ms),
                        .topic_id = *topic_id(topic),
                    },
            };
        }
        if (topic != NULL)
            topic_release(topic);
    }
}

static enum status commit_group_check(struct request *request, struct coordinated **coordinated)
{
    const struct kafka_offset_commit_request *asked = request->decoded;
    int32_t generation = asked->generation_id_or_member_epoch;

    if (asked->group_id.size == 0 && request->header.api_version > 0 && generation >= 0)
        return ERROR_INVALID_GROUP_ID;
    if (!coordinator_is_ready(request->broker->coordinator))
        return ERROR_COORDINATOR_NOT_AVAILABLE;
    *coordinated = coordinator_find(request->broker->coordinator, asked->group_id);
    if (*coordinated == NULL) {
        if (generation >= 0)
            return request->header.api_version >= 9 ? ERROR_GROUP_ID_NOT_FOUND : ERROR_ILLEGAL_GENERATION;
        *coordinated = coordinator_add(request->broker->coordinator, asked->group_id);
        return OK;
    }
    return group_commit_check((*coordinated)->group, asked->member_id, asked->group_instance_id, generation, broker_now_ms());
}

void handle_offset_commit(struct request *request)
{
    struct commit *commit = arena_new(&request->arena, sizeof(*commit));
    struct coordinated *coordinated = NULL;

    commit->request = request;
    commit_collect(commit, commit_group_check(request, &coordinated));
    if (commit->count == 0)
        request_answer(request, &commit->response);
    else
        coordinator_offsets_write(coordinated, commit->changes, commit->count, commit_written, commit);
}

/* ---- OffsetFetch ---- */

static void offset_fill(struct kafka_offset_fetch_response_partition *out, int32_t partition, const struct committed_offset *offset)
{
    *out = (struct kafka_offset_fetch_response_partition){
        .partition_index = partition,
        .committed_offset = offset == NULL ? -1 : offset->offset,
        .committed_leader_epoch = offset == NULL ? -1 : offset->leader_epoch,
        .metadata = offset == NULL || slice_is_null(offset->metadata) ? slice_of("", 0) : offset->metadata,
    };
}

/* All offsets of a group, topic by topic. */
static void offsets_all_fill(struct request *request, const struct coordinated *coordinated, struct kafka_offset_fetch_response_group *out)
{
    size_t count = coordinated == NULL ? 0 : coordinated->offsets.count;
    const struct map_entry *entry;
    struct map topics;
    size_t at = 0;

    map_init(&topics);
    out->topics.items = arena_new_array(&request->arena, count, sizeof(*out->topics.items));
    while (count > 0 && (entry = map_next(&coordinated->offsets, &at)) != NULL) {
        struct kafka_offset_fetch_response_group_topic *topic;
        struct slice name;
        int32_t partition;

        offset_key_split(entry->key, &name, &partition);
        topic = map_get(&topics, name);
        if (topic == NULL) {
            topic = &out->topics.items[out->topics.count++];
            topic->name = name;
            (void)map_put(&topics, name, topic);
        }
        topic->partitions.count++;
    }
    for (int32_t i = 0; i < out->topics.count; i++) {
        out->topics.items[i].partitions.items =
            arena_new_array(&request->arena, (size_t)out->topics.items[i].partitions.count, sizeof(*out->topics.items[i].partitions.items));
        out->topics.items[i].partitions.count = 0;
    }
    at = 0;
    while (count > 0 && (entry = map_next(&coordinated->offsets, &at)) != NULL) {
        struct kafka_offset_fetch_response_group_topic *topic;
        struct slice name;
        int32_t partition;

        offset_key_split(entry->key, &name, &partition);
        topic = map_get(&topics, name);
        offset_fill(&topic->partitions.items[topic->partitions.count++], partition, entry->value);
    }
    map_finish(&topics);
}

static void offsets_named_fill(struct request *request, const struct coordinated *coordinated,
                               const struct kafka_offset_fetch_request_group *asked, struct kafka_offset_fetch_response_group *out)
{
    out->topics.count = asked->topics.count;
    out->topics.items = arena_new_array(&request->arena, (size_t)asked->topics.count, sizeof(*out->topics.items));
    for (int32_t i = 0; i < asked->topics.count; i++) {
        const struct kafka_offset_fetch_request_group_topic *from = &asked->topics.items[i];
        struct kafka_offset_fetch_response_group_topic *topic = &out->topics.items[i];

        topic->name = from->name;
        topic->partitions.count = from->partition_indexes.count;
        topic->partitions.items = arena_new_array(&request->arena, (size_t)from->partition_indexes.count, sizeof(*topic->partitions.items));
        for (int32_t j = 0; j < from->partition_indexes.count; j++) {
            int32_t partition = from->partition_indexes.items[j];

            offset_fill(&topic->partitions.items[j], partition,
                        coordinated == NULL ? NULL : coordinated_offset(coordinated, from->name, partition));
        }
    }
}

static void offset_fetch_group(struct request *request, const struct kafka_offset_fetch_request_group *asked,
                               struct kafka_offset_fetch_response_group *out)
{
    const struct coordinated *coordinated = coordinator_find(request->broker->coordinator, asked->group_id);

    out->group_id = asked->group_id;
    if (asked->topics.count < 0)
        offsets_all_fill(request, coordinated, out);
    else
        offsets_named_fill(request, coordinated, asked, out);
}

/* Before version 8 there is one group, at the top. */
static void offset_fetch_single(struct request *request)
{
    const struct kafka_offset_fetch_request *asked = request->decoded;
    struct kafka_offset_fetch_request_group group = {.group_id = asked->group_id, .member_epoch = -1};
    struct kafka_offset_fetch_response_group found = {0};
    struct kafka_offset_fetch_response response = {0};

    group.topics.count = asked->topics.count;
    group.topics.items =
        arena_new_array(&request->arena, asked->topics.count < 0 ? 0 : (size_t)asked->topics.count, sizeof(*group.topics.items));
    for (int32_t i = 0; i < asked->topics.count; i++)
        group.topics.items[i] = (struct kafka_offset_fetch_request_group_topic){
            .name = asked->topics.items[i].name, .partition_indexes = asked->topics.items[i].partition_indexes};
    offset_fetch_group(request, &group, &found);
    response.topics.count = found.topics.count;
    response.topics.items = arena_new_array(&request->arena, (size_t)found.topics.count, sizeof(*response.topics.items));
    for (int32_t i = 0; i < found.topics.count; i++) {
        response.topics.items[i].name = found.topics.items[i].name;
        response.topics.items[i].partitions.items = found.topics.items[i].partitions.items;
        response.topics.items[i].partitions.count = found.topics.items[i].partitions.count;
    }
    request_answer(request, &response);
}

void handle_offset_fetch(struct request *request)
{
    const struct kafka_offset_fetch_request *asked = request->decoded;
    struct kafka_offset_fetch_response response = {0};

    if (request->header.api_version < 8) {
        offset_fetch_single(request);
        return;
    }
    response.groups.count = asked->groups.count;
    response.groups.items = arena_new_array(&request->arena, (size_t)asked->groups.count, sizeof(*response.groups.items));
    for (int32_t i = 0; i < asked->groups.count; i++)
        offset_fetch_group(request, &asked->groups.items[i], &response.groups.items[i]);
    request_answer(request, &response);
}

/* ---- OffsetDelete ---- */

struct offset_delete {
    struct request *request;
    struct slice group;
    struct kafka_offset_delete_response response;
    struct kafka_offset_delete_response_partition **outs;
    size_t count;
};

static void offsets_deleted(void *context, enum status status)
{
    struct offset_delete *work = context;

    for (size_t i = 0; i < work->count; i++)
        work->outs[i]->error_code = status_kafka_code(status);
    if (status == OK)
        change_note(work->request, work->group, "Group %.*s: its positions in %zu partitions were deleted.", (int)work->group.size, (const char *)work->group.data, work->count);
    request_answer(work->request, &work->response);
}

static enum status offset_delete_check(const struct coordinated *coordinated)
{
    if (coordinated == NULL)
        return ERROR_GROUP_ID_NOT_FOUND;
    if (group_state_of(coordinated->group) != GROUP_EMPTY && !slice_equal_string(group_protocol_type(coordinated->group), "consumer"))
        return ERROR_NON_EMPTY_GROUP;
    return OK;
}

void handle_offset_delete(struct request *request)
{
    const struct kafka_offset_delete_request *asked = request->decoded;
    struct coordinated *coordinated = coordinator_find(request->broker->coordinator, asked->group_id);
    struct offset_delete *work = arena_new(&request->arena, sizeof(*work));
    enum status status = asked->group_id.size == 0 ? ERROR_INVALID_GROUP_ID : offset_delete_check(coordinated);
    struct offset_change *changes;
    size_t total = 0;

    work->request = request;
    work->group = asked->group_id;
    work->response.error_code = status_kafka_code(status);
    if (status != OK) {
        request_answer(request, &work->response);
        return;
    }
    for (int32_t i = 0; i < asked->topics.count; i++)
        total += (size_t)asked->topics.items[i].partitions.count;
    changes = arena_new_array(&request->arena, total, sizeof(*changes));
    work->outs = arena_new_array(&request->arena, total, sizeof(*work->outs));
    work->response.topics.count = asked->topics.count;
    work->response.topics.items = arena_new_array(&request->arena, (size_t)asked->topics.count, sizeof(*work->response.topics.items));
    for (int32_t i = 0; i < asked->topics.count; i++) {
        const struct kafka_offset_delete_request_topic *from = &asked->topics.items[i];
        struct kafka_offset_delete_response_topic *out = &work->response.topics.items[i];
        bool subscribed = group_is_subscribed(coordinated->group, from->name);
        struct topic *topic = store_topic_find(request->broker->store, from->name);

        out->name = from->name;
        out->partitions.count = from->partitions.count;
        out->partitions.items = arena_new_array(&request->arena, (size_t)from->partitions.count, sizeof(*out->partitions.items));
        for (int32_t j = 0; j < from->partitions.count; j++) {
            int32_t partition = from->partitions.items[j].partition_index;

            bool there = topic != NULL && topic_partition(topic, partition) != NULL;

            out->partitions.items[j] =
                (struct kafka_offset_delete_response_partition){partition, !there       ? CODE(UNKNOWN_TOPIC_OR_PARTITION)
                                                                           : subscribed ? CODE(GROUP_SUBSCRIBED_TO_TOPIC)
                                                                                        : 0};
            if (!there || subscribed || coordinated_offset(coordinated, from->name, partition) == NULL)
                continue;
            work->outs[work->count] = &out->partitions.items[j];
            changes[work->count++] = (struct offset_change){.topic = from->name, .partition = partition, .remove = true};
        }
        if (topic != NULL)
            topic_release(topic);
    }
    if (work->count == 0)
        request_answer(request, &work->response);
    else
        coordinator_offsets_write(coordinated, changes, work->count, offsets_deleted, work);
}
