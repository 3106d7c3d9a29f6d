/* handle_groups.c: members of consumer groups: join, sync, heartbeat, leave; and looking at groups: list, describe, delete. */
#include "broker/broker_internal.h"

#include "base/banned.h"
#include "broker/changes.h"
#include "broker/coordinator.h"
#include "os/logger.h"
#include "wire/kafka/messages_consumer_group.h"
#include "wire/kafka/messages_group.h"

#include <strings.h>

#define GROUP_OPERATIONS 0x0D48 /* READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS */

static struct slice or_empty(struct slice text)
{
    return slice_is_null(text) ? slice_of("", 0) : text;
}

/* May this request change the group? */
static enum status group_check(const struct request *request, struct slice group_id)
{
    if (group_id.size == 0)
        return ERROR_INVALID_GROUP_ID;
    return coordinator_is_ready(request->broker->coordinator) ? OK : ERROR_COORDINATOR_NOT_AVAILABLE;
}

/* ---- JoinGroup ---- */

static void join_members_fill(struct request *request, const struct group *group, struct kafka_join_group_response *response)
{
    size_t count = group_member_count(group);

    response->members.items = arena_new_array(&request->arena, count, sizeof(*response->members.items));
    response->members.count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct group_member *member = group_member_at(group, i);

        response->members.items[i] =
            (struct kafka_join_group_response_member){member->id, member->instance_id, group_member_metadata(group, member)};
    }
}

void group_joined(void *context, void *waiter, const struct group_join_answer *answer)
{
    struct request *request = waiter;
    struct kafka_join_group_response response = {
        .error_code = status_kafka_code(answer->status),
        .generation_id = answer->generation,
        .protocol_type = answer->protocol_type,
        .protocol_name = answer->protocol_name,
        .leader = answer->leader,
        .skip_assignment = answer->skip_assignment,
        .member_id = answer->member_id,
    };

    (void)context;
    if (request->header.api_version < 7)
        response.protocol_name = or_empty(answer->protocol_name);
    if (answer->with_members)
        join_members_fill(request, answer->group, &response);
    request_answer(request, &response);
}

static void join_refuse(struct request *request, enum status status)
{
    const struct kafka_join_group_request *asked = request->decoded;
    struct group_join_answer answer = {.status = status, .generation = -1, .leader = slice_of("", 0), .member_id = asked->member_id};

    group_joined(NULL, request, &answer);
}

void handle_join_group(struct request *request)
{
    const struct kafka_join_group_request *asked = request->decoded;
    const struct broker_numbers *numbers = &request->broker->numbers;
    struct coordinated *coordinated;
    struct group_protocol *protocols;
    struct group_join join = {
        .member_id = asked->member_id,
        .instance_id = asked->group_instance_id,
        .client_id = or_empty(request->header.client_id),
        .client_host = slice_from_string(request_client_host(request)),
        .software = request_client_software(request),
        .protocol_type = asked->protocol_type,
        .protocol_count = (size_t)asked->protocols.count,
        .session_timeout_ms = asked->session_timeout_ms,
        .rebalance_timeout_ms =
            request->header.api_version == 0 || asked->rebalance_timeout_ms < 0 ? asked->session_timeout_ms : asked->rebalance_timeout_ms,
        .member_id_required = request->header.api_version >= 4,
        .knows_skip_assignment = request->header.api_version >= 9,
        .waiter = request,
    };
    enum status status = group_check(request, asked->group_id);

    if (status == OK && (asked->session_timeout_ms < numbers->group_session_timeout_ms_min ||
                         asked->session_timeout_ms > numbers->group_session_timeout_ms_max))
        status = ERROR_INVALID_SESSION_TIMEOUT;
    coordinated = status == OK ? coordinator_find(request->broker->coordinator, asked->group_id) : NULL;
    if (status == OK && coordinated == NULL && asked->member_id.size > 0)
        status = ERROR_UNKNOWN_MEMBER_ID;
    if (status == OK && coordinated == NULL && (asked->protocol_type.size == 0 || asked->protocols.count == 0))
        status = ERROR_INCONSISTENT_GROUP_PROTOCOL;
    if (status != OK) {
        join_refuse(request, status);
        return;
    }
    if (coordinated == NULL) {
        coordinated = coordinator_add(request->broker->coordinator, asked->group_id);
        coordinator_group_write(coordinated);
    }
    protocols = arena_new_array(&request->arena, join.protocol_count, sizeof(*protocols));
    for (size_t i = 0; i < join.protocol_count; i++)
        protocols[i] = (struct group_protocol){asked->protocols.items[i].name, asked->protocols.items[i].metadata};
    join.protocols = protocols;
    group_join(coordinated->group, &join, broker_now_ms());
    coordinator_group_changed(coordinated);
}

/* ---- SyncGroup ---- */

void group_synced(void *context, void *waiter, const struct group_sync_answer *answer)
{
    struct request *request = waiter;
    struct kafka_sync_group_response response = {
        .error_code = status_kafka_code(answer->status),
        .protocol_type = answer->protocol_type,
        .protocol_name = answer->protocol_name,
        .assignment = or_empty(answer->assignment),
    };

    (void)context;
    request_answer(request, &response);
}

void handle_sync_group(struct request *request)
{
    const struct kafka_sync_group_request *asked = request->decoded;
    struct group_assignment *assignments;
    struct group_sync sync = {
        .member_id = asked->member_id,
        .instance_id = asked->group_instance_id,
        .generation = asked->generation_id,
        .protocol_type = asked->protocol_type,
        .protocol_name = asked->protocol_name,
        .assignment_count = (size_t)asked->assignments.count,
        .waiter = request,
    };
    struct coordinated *coordinated = NULL;
    enum status status = group_check(request, asked->group_id);

    if (status == OK) {
        coordinated = coordinator_find(request->broker->coordinator, asked->group_id);
        if (coordinated == NULL)
            status = ERROR_UNKNOWN_MEMBER_ID;
    }
    if (status != OK) {
        struct group_sync_answer answer = {.status = status};

        group_synced(NULL, request, &answer);
        return;
    }
    assignments = arena_new_array(&request->arena, sync.assignment_count, sizeof(*assignments));
    for (size_t i = 0; i < sync.assignment_count; i++)
        assignments[i] = (struct group_assignment){asked->assignments.items[i].member_id, asked->assignments.items[i].assignment};
    sync.assignments = assignments;
    group_sync(coordinated->group, &sync, broker_now_ms());
    coordinator_group_changed(coordinated);
}

/* ---- Heartbeat ---- */

void handle_heartbeat(struct request *request)
{
    const struct kafka_heartbeat_request *asked = request->decoded;
    struct kafka_heartbeat_response response = {0};
    struct coordinated *coordinated;
    enum status status = group_check(request, asked->group_id);

    if (status == OK) {
        coordinated = coordinator_find(request->broker->coordinator, asked->group_id);
        status = coordinated == NULL ? ERROR_UNKNOWN_MEMBER_ID
                                     : group_heartbeat(coordinated->group, asked->member_id, asked->group_instance_id, asked->generation_id,
                                                       broker_now_ms());
    }
    response.error_code = status_kafka_code(status);
    request_answer(request, &response);
}

/* ---- LeaveGroup ---- */

void handle_leave_group(struct request *request)
{
    const struct kafka_leave_group_request *asked = request->decoded;
    struct kafka_leave_group_response response = {0};
    struct kafka_leave_group_request_member single = {.member_id = asked->member_id};
    const struct kafka_leave_group_request_member *members = request->header.api_version < 3 ? &single : asked->members.items;
    int32_t count = request->header.api_version < 3 ? 1 : asked->members.count;
    struct coordinated *coordinated = NULL;
    enum status status = group_check(request, asked->group_id);

    if (status == OK) {
        coordinated = coordinator_find(request->broker->coordinator, asked->group_id);
        if (coordinated == NULL)
            status = ERROR_UNKNOWN_MEMBER_ID;
    }
    response.error_code = status_kafka_code(status);
    if (status == OK) {
        response.members.count = count;
        response.members.items = arena_new_array(&request->arena, (size_t)count, sizeof(*response.members.items));
        for (int32_t i = 0; i < count; i++) {
            status = group_leave(coordinated->group, members[i].member_id, members[i].group_instance_id, broker_now_ms());
            response.members.items[i] =
                (struct kafka_leave_group_response_member){members[i].member_id, members[i].group_instance_id, status_kafka_code(status)};
        }
        if (request->header.api_version < 3)
            response.error_code = response.members.items[0].error_code;
        coordinator_group_changed(coordinated);
    }
    request_answer(request, &response);
}

/* ---- ListGroups ---- */

static bool filter_has(const wire_string_array *filter, const char *text)
{
    for (int32_t i = 0; i < filter->count; i++) {
        if (filter->items[i].size == strlen(text) && strncasecmp((const char *)filter->items[i].data, text, filter->items[i].size) == 0)
            return true;
    }
    return filter->count <= 0;
}

void handle_list_groups(struct request *request)
{
    const struct kafka_list_groups_request *asked = request->decoded;
    const struct map *groups = coordinator_groups(request->broker->coordinator);
    struct kafka_list_groups_response response = {0};
    const struct map_entry *entry;
    size_t at = 0;

    response.groups.items = arena_new_array(&request->arena, groups->count, sizeof(*response.groups.items));
    while ((entry = map_next(groups, &at)) != NULL) {
        const struct coordinated *coordinated = entry->value;
        const char *state = group_state_name(group_state_of(coordinated->group));

        if (filter_has(&asked->states_filter, state) && filter_has(&asked->types_filter, "classic"))
            response.groups.items[response.groups.count++] = (struct kafka_list_groups_response_group){
                entry->key, group_protocol_type(coordinated->group), slice_from_string(state), slice_from_string("classic")};
    }
    request_answer(request, &response);
}

/* ---- DescribeGroups ---- */

static void describe_members(struct request *request, const struct group *group, struct kafka_describe_groups_response_group *out)
{
    bool stable = group_state_of(group) == GROUP_STABLE;
    size_t count = group_member_count(group);

    out->members.items = arena_new_array(&request->arena, count, sizeof(*out->members.items));
    out->members.count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct group_member *member = group_member_at(group, i);

        out->members.items[i] = (struct kafka_describe_groups_response_member){
            .member_id = member->id,
            .group_instance_id = member->instance_id,
            .client_id = member->client_id,
            .client_host = member->client_host,
            .member_metadata = stable ? group_member_metadata(group, member) : slice_of("", 0),
            .member_assignment = or_empty(member->assignment),
        };
    }
}

void handle_describe_groups(struct request *request)
{
    const struct kafka_describe_groups_request *asked = request->decoded;
    struct kafka_describe_groups_response response = {0};

    response.groups.count = asked->groups.count;
    response.groups.items = arena_new_array(&request->arena, (size_t)asked->groups.count, sizeof(*response.groups.items));
    for (int32_t i = 0; i < asked->groups.count; i++) {
        struct kafka_describe_groups_response_group *out = &response.groups.items[i];
        const struct coordinated *coordinated = coordinator_find(request->broker->coordinator, asked->groups.items[i]);

        *out = (struct kafka_describe_groups_response_group){
            .group_id = asked->groups.items[i],
            .group_state = slice_from_string("Dead"),
            .protocol_type = slice_of("", 0),
            .protocol_data = slice_of("", 0),
            .authorized_operations = asked->include_authorized_operations ? GROUP_OPERATIONS : INT32_MIN,
        };
        if (coordinated != NULL) {
            out->group_state = slice_from_string(group_state_name(group_state_of(coordinated->group)));
            out->protocol_type = group_protocol_type(coordinated->group);
            if (group_state_of(coordinated->group) == GROUP_STABLE)
                out->protocol_data = or_empty(group_protocol_name(coordinated->group));
            describe_members(request, coordinated->group, out);
        } else if (request->header.api_version >= 6) {
            out->error_code = CODE(GROUP_ID_NOT_FOUND);
            out->error_message = request_format(request, "Group %.*s not found.", (int)asked->groups.items[i].size,
                                                (const char *)asked->groups.items[i].data);
        }
    }
    request_answer(request, &response);
}

/* ---- The protocol of KIP-848: refused ---- */

/*
 * A broker whose feature group.version is 0 answers so, and what comes of it is clear: clients fail at once and tell the text, or to set
 * group.protocol=classic. Those that find the request missing may ask for it for ever, and say nothing (librdkafka).
 */
void handle_consumer_group_heartbeat(struct request *request)
{
    struct kafka_consumer_group_heartbeat_response response = {
        .error_code = CODE(UNSUPPORTED_VERSION),
        .error_message = slice_from_string("Tailrace has groups of the classic protocol only; set group.protocol=classic"),
    };
    const struct kafka_consumer_group_heartbeat_request *asked = request->decoded;

    LOG_WARNING("refused a consumer with group.protocol=consumer: Tailrace has the classic protocol only group=%.*s peer=%s client.id=%.*s",
                (int)asked->group_id.size, (const char *)asked->group_id.data, request_client_host(request),
                (int)request->header.client_id.size, (const char *)request->header.client_id.data);
    request_answer(request, &response);
}

/* Admin clients ask so first, and then as for a classic group. */
void handle_consumer_group_describe(struct request *request)
{
    const struct kafka_consumer_group_describe_request *asked = request->decoded;
    struct kafka_consumer_group_describe_response response = {0};

    response.groups.count = asked->group_ids.count;
    response.groups.items = arena_new_array(&request->arena, (size_t)asked->group_ids.count, sizeof(*response.groups.items));
    for (int32_t i = 0; i < asked->group_ids.count; i++) {
        struct slice group_id = asked->group_ids.items[i];
        bool is_there = coordinator_find(request->broker->coordinator, group_id) != NULL;

        response.groups.items[i] = (struct kafka_consumer_group_describe_response_group){
            .error_code = CODE(GROUP_ID_NOT_FOUND),
            .error_message = request_format(request, is_there ? "Group %.*s is not a consumer group." : "Group %.*s not found.",
                                            (int)group_id.size, (const char *)group_id.data),
            .group_id = group_id,
            .group_state = slice_of("", 0),
            .assignor_name = slice_of("", 0),
            .authorized_operations = INT32_MIN,
        };
    }
    request_answer(request, &response);
}

/* ---- DeleteGroups ---- */

struct delete_groups {
    struct request *request;
    struct kafka_delete_groups_response response;
    size_t left;
};

struct delete_group {
    struct delete_groups *all;
    int32_t index;
};

static void delete_groups_one_less(struct delete_groups *all)
{
    if (--all->left == 0)
        request_answer(all->request, &all->response);
}

static void on_group_deleted(void *context, enum status status)
{
    struct delete_group *one = context;

    struct kafka_delete_groups_response_result *out = &one->all->response.results.items[one->index];

    out->error_code = status_kafka_code(status);
    if (status == OK)
        change_note(one->all->request, out->group_id, "Group %.*s was deleted.", (int)out->group_id.size, (const char *)out->group_id.data);
    delete_groups_one_less(one->all);
}

static enum status group_delete_check(const struct coordinated *coordinated)
{
    if (coordinated == NULL)
        return ERROR_GROUP_ID_NOT_FOUND;
    return group_state_of(coordinated->group) == GROUP_EMPTY ? OK : ERROR_NON_EMPTY_GROUP;
}

void handle_delete_groups(struct request *request)
{
    const struct kafka_delete_groups_request *asked = request->decoded;
    struct delete_groups *all = arena_new(&request->arena, sizeof(*all));

    all->request = request;
    all->left = 1;
    all->response.results.count = asked->groups_names.count;
    all->response.results.items = arena_new_array(&request->arena, (size_t)asked->groups_names.count, sizeof(*all->response.results.items));
    for (int32_t i = 0; i < asked->groups_names.count; i++) {
        struct slice name = asked->groups_names.items[i];
        struct coordinated *coordinated = coordinator_find(request->broker->coordinator, name);
        enum status status = group_check(request, name);

        if (status != ERROR_INVALID_GROUP_ID)
            status = group_delete_check(coordinated);
        all->response.results.items[i] = (struct kafka_delete_groups_response_result){name, status_kafka_code(status)};
        if (status == OK) {
            struct delete_group *one = arena_new(&request->arena, sizeof(*one));

            *one = (struct delete_group){all, i};
            all->left++;
            coordinator_group_remove(coordinated, on_group_deleted, one);
        }
    }
    delete_groups_one_less(all);
}
