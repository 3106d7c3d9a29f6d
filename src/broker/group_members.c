#include "broker/group_internal.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"
#include "wire/kafka/messages_group_log.h"

#define RECORD_VERSION 3 /* of GroupMetadataValue, as 4.3 writes */

/* ---- Text and members ---- */

struct slice group_text_copy(struct slice text)
{
    return slice_is_null(text) ? text : slice_of(memory_copy_bytes(text.data, text.size), text.size);
}

void group_text_free(struct slice *text)
{
    memory_free((void *)(uintptr_t)text->data);
    *text = slice_null();
}

void group_text_set(struct slice *text, struct slice value)
{
    struct slice copy = group_text_copy(value); /* first: the value may be a part of what is freed */

    group_text_free(text);
    *text = copy;
}

static void protocols_free(struct group_member *member)
{
    for (size_t i = 0; i < member->protocol_count; i++) {
        group_text_free(&member->protocols[i].name);
        group_text_free(&member->protocols[i].metadata);
    }
    memory_free(member->protocols);
    member->protocols = NULL;
    member->protocol_count = 0;
}

void group_member_protocols_set(struct group_member *member, const struct group_protocol *protocols, size_t count)
{
    protocols_free(member);
    member->protocols = memory_new_array(count, sizeof(*protocols));
    member->protocol_count = count;
    for (size_t i = 0; i < count; i++) {
        member->protocols[i].name = group_text_copy(protocols[i].name);
        member->protocols[i].metadata =
            slice_of(memory_copy_bytes(protocols[i].metadata.data, protocols[i].metadata.size), protocols[i].metadata.size);
    }
}

static void member_destroy(struct group_member *member)
{
    group_text_free(&member->id);
    group_text_free(&member->instance_id);
    group_text_free(&member->client_id);
    group_text_free(&member->client_host);
    group_text_free(&member->software);
    group_text_free(&member->assignment);
    group_text_free(&member->next_assignment);
    protocols_free(member);
    memory_free(member);
}

bool group_member_matches(const struct group_member *member, const struct group_protocol *protocols, size_t count)
{
    if (member->protocol_count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!slice_equal(member->protocols[i].name, protocols[i].name) ||
            !slice_equal(member->protocols[i].metadata, protocols[i].metadata))
            return false;
    }
    return true;
}

static bool member_supports(const struct group_member *member, struct slice protocol)
{
    for (size_t i = 0; i < member->protocol_count; i++) {
        if (slice_equal(member->protocols[i].name, protocol))
            return true;
    }
    return false;
}

void group_pending_remove(struct group *group, size_t at)
{
    group_text_free(&group->pending[at].id);
    group->pending[at] = group->pending[--group->pending_count];
}

void group_members_clear(struct group *group)
{
    for (size_t i = 0; i < group->member_count; i++)
        member_destroy(group->members[i]);
    group->member_count = 0;
    while (group->pending_count > 0)
        group_pending_remove(group, group->pending_count - 1);
}

struct slice group_id(const struct group *group)
{
    return group->id;
}

enum group_state group_state_of(const struct group *group)
{
    return group->state;
}

int32_t group_generation(const struct group *group)
{
    return group->generation;
}

struct slice group_protocol_type(const struct group *group)
{
    return slice_is_null(group->protocol_type) ? slice_of("", 0) : group->protocol_type;
}

struct slice group_protocol_name(const struct group *group)
{
    return group->protocol_name;
}

struct slice group_leader(const struct group *group)
{
    return group->leader;
}

int64_t group_state_since_ms(const struct group *group)
{
    return group->state_since_ms;
}

size_t group_member_count(const struct group *group)
{
    return group->member_count;
}

const struct group_member *group_member_at(const struct group *group, size_t index)
{
    return group->members[index];
}

struct group_member *group_member_by_id(const struct group *group, struct slice member_id)
{
    for (size_t i = 0; i < group->member_count; i++) {
        if (slice_equal(group->members[i]->id, member_id))
            return group->members[i];
    }
    return NULL;
}

struct group_member *group_member_by_instance(const struct group *group, struct slice instance_id)
{
    for (size_t i = 0; i < group->member_count && !slice_is_null(instance_id); i++) {
        if (!slice_is_null(group->members[i]->instance_id) && slice_equal(group->members[i]->instance_id, instance_id))
            return group->members[i];
    }
    return NULL;
}

struct slice group_member_metadata(const struct group *group, const struct group_member *member)
{
    for (size_t i = 0; i < member->protocol_count && !slice_is_null(group->protocol_name); i++) {
        if (slice_equal(member->protocols[i].name, group->protocol_name))
            return member->protocols[i].metadata;
    }
    return slice_of("", 0);
}

bool group_member_leads(const struct group *group, const struct group_member *member)
{
    return !slice_is_null(group->leader) && slice_equal(group->leader, member->id);
}

void group_member_seen(struct group_member *member, int64_t now_ms)
{
    member->expires_at_ms = now_ms + member->session_timeout_ms;
}

/* ---- Coming and going, and what they have in common ---- */

struct group_member *group_member_add(struct group *group, const struct group_join *join, struct slice id)
{
    struct group_member *member = memory_new(sizeof(*member));

    member->id = group_text_copy(id);
    member->instance_id = group_text_copy(join->instance_id);
    member->client_id = group_text_copy(join->client_id);
    member->client_host = group_text_copy(join->client_host);
    member->software = group_text_copy(join->software);
    member->session_timeout_ms = join->session_timeout_ms;
    member->rebalance_timeout_ms = join->rebalance_timeout_ms;
    group_member_protocols_set(member, join->protocols, join->protocol_count);
    if (group->member_count == 0)
        group_text_set(&group->protocol_type, join->protocol_type);
    if (group->member_count == group->member_capacity) {
        group->member_capacity = group->member_capacity == 0 ? 4 : group->member_capacity * 2;
        group->members = memory_resize(group->members, group->member_capacity * sizeof(struct group_member *));
    }
    group->members[group->member_count++] = member;
    if (slice_is_null(group->leader))
        group_text_set(&group->leader, id);
    return member;
}

void group_member_remove(struct group *group, struct group_member *member)
{
    size_t at = 0;
    bool led = group_member_leads(group, member);

    while (group->members[at] != member)
        at++;
    memmove(&group->members[at], &group->members[at + 1], (group->member_count - at - 1) * sizeof(struct group_member *));
    group->member_count--;
    if (led) {
        if (group->member_count > 0)
            group_text_set(&group->leader, group->members[0]->id);
        else
            group_text_free(&group->leader);
    }
    member_destroy(member);
}

bool group_protocols_fit(const struct group *group, struct slice type, const struct group_protocol *protocols, size_t count)
{
    if (group->member_count == 0)
        return type.size > 0 && count > 0;
    if (!slice_equal(group->protocol_type, type))
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t supporters = 0;

        for (size_t j = 0; j < group->member_count; j++)
            supporters += member_supports(group->members[j], protocols[i].name);
        if (supporters == group->member_count)
            return true;
    }
    return false;
}

static bool all_support(const struct group *group, struct slice protocol)
{
    for (size_t i = 0; i < group->member_count; i++) {
        if (!member_supports(group->members[i], protocol))
            return false;
    }
    return true;
}

static size_t votes_for(const struct group *group, struct slice protocol)
{
    size_t votes = 0;

    for (size_t i = 0; i < group->member_count; i++) {
        const struct group_member *member = group->members[i];
        size_t first = 0;

        while (first < member->protocol_count && !all_support(group, member->protocols[first].name))
            first++;
        votes += first < member->protocol_count && slice_equal(member->protocols[first].name, protocol);
    }
    return votes;
}

/* The protocol all support that most members like best; null when there are no members. Borrowed from a member. */
struct slice group_protocol_select(const struct group *group)
{
    struct slice best = slice_null();
    size_t most = 0;

    for (size_t i = 0; group->member_count > 0 && i < group->members[0]->protocol_count; i++) {
        struct slice name = group->members[0]->protocols[i].name;
        size_t votes = all_support(group, name) ? votes_for(group, name) : 0;

        if (votes > most) {
            most = votes;
            best = name;
        }
    }
    return best;
}

/* ---- The record ---- */

void group_record_write(const struct group *group, struct buffer *value)
{
    struct kafka_group_metadata_value record = {
        .protocol_type = group_protocol_type(group),
        .generation = group->generation,
        .protocol = group->protocol_name,
        .leader = group->leader,
        .current_state_timestamp = group->state_since_ms,
    };

    record.members.items = memory_new_array(group->member_count, sizeof(*record.members.items));
    record.members.count = (int32_t)group->member_count;
    for (size_t i = 0; i < group->member_count; i++) {
        const struct group_member *member = group->members[i];
        struct slice assignment = slice_is_null(member->next_assignment) ? member->assignment : member->next_assignment;

        record.members.items[i] = (struct kafka_group_metadata_value_member){
            .member_id = member->id,
            .group_instance_id = member->instance_id,
            .client_id = member->client_id,
            .client_host = member->client_host,
            .rebalance_timeout = member->rebalance_timeout_ms,
            .session_timeout = member->session_timeout_ms,
            .subscription = group_member_metadata(group, member),
            .assignment = slice_is_null(assignment) ? slice_of("", 0) : assignment,
        };
    }
    wire_encode_versioned(&kafka_group_metadata_value_message, RECORD_VERSION, &record, value);
    memory_free(record.members.items);
}

static bool member_restore(struct group *group, const struct kafka_group_metadata_value_member *stored, int version, int64_t now_ms)
{
    struct group_protocol protocol = {group->protocol_name, stored->subscription};
    struct group_join join = {
        .instance_id = stored->group_instance_id,
        .client_id = stored->client_id,
        .client_host = stored->client_host,
        .protocol_type = group->protocol_type,
        .protocols = &protocol,
        .protocol_count = 1,
        .session_timeout_ms = stored->session_timeout,
        .rebalance_timeout_ms = version == 0 ? stored->session_timeout : stored->rebalance_timeout,
    };
    struct group_member *member;

    if (slice_is_null(group->protocol_name) || join.session_timeout_ms < 0 || join.session_timeout_ms > GROUP_TIMEOUT_MS_MAX ||
        join.rebalance_timeout_ms < 0)
        return false;
    member = group_member_add(group, &join, stored->member_id);
    group_text_set(&member->assignment, stored->assignment);
    group_member_seen(member, now_ms);
    return true;
}

static void group_clear(struct group *group)
{
    group_members_clear(group);
    group_text_free(&group->leader);
    group_text_free(&group->protocol_name);
    group->state = GROUP_EMPTY;
    group->generation = 0;
}

enum status group_record_read(struct group *group, struct slice value, int64_t now_ms, struct error *error)
{
    struct kafka_group_metadata_value record;
    struct arena arena;
    int version = 0;
    enum status status;

    group_clear(group);
    arena_init(&arena, 4096);
    status = wire_decode_versioned(&kafka_group_metadata_value_message, value, &arena, &record, &version, error);
    if (status == OK) {
        group_text_set(&group->protocol_type, record.protocol_type);
        group_text_set(&group->protocol_name, record.protocol);
        group->generation = record.generation;
        group->state_since_ms = record.current_state_timestamp;
        for (int32_t i = 0; i < record.members.count && status == OK; i++) {
            if (!member_restore(group, &record.members.items[i], version, now_ms))
                status = error_set(error, ERROR_CORRUPT, "member without protocol or with a timeout that cannot be");
        }
        group->state = group->member_count > 0 ? GROUP_STABLE : GROUP_EMPTY;
        if (group->member_count > 0 && !slice_is_null(record.leader))
            group_text_set(&group->leader, record.leader);
        if (group->generation < 0)
            status = error_set(error, ERROR_CORRUPT, "generation %d", group->generation);
    }
    if (status != OK)
        group_clear(group);
    arena_finish(&arena);
    return status == OK ? OK : ERROR_CORRUPT;
}
