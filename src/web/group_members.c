#include "web/group_members.h"

#include "base/banned.h"
#include "web/api.h"
#include "wire/kafka/messages_consumer_protocol.h"

/* ---- What the broker has seen ---- */

/* Names have no NUL in them. */
static struct slice seen_key(struct arena *arena, const char *group, const char *member)
{
    size_t group_size = strlen(group) + 1, size = group_size + strlen(member);
    uint8_t *key = arena_new(arena, size + 1);

    memcpy(key, group, group_size);
    memcpy(key + group_size, member, size - group_size);
    return slice_of(key, size);
}

void members_seen_read(struct members_seen *seen, struct broker *broker, struct arena *arena)
{
    struct broker_member *members;
    size_t count = 0;

    map_init(&seen->by_name);
    members = broker == NULL ? NULL : broker_members(broker, arena, &count);
    for (size_t i = 0; i < count; i++)
        (void)map_put(&seen->by_name, seen_key(arena, members[i].group, members[i].id), &members[i]);
}

void members_seen_finish(struct members_seen *seen)
{
    map_finish(&seen->by_name);
}

/* ---- One member ---- */

static json_t *assignment_make(struct arena *arena, struct slice bytes)
{
    struct kafka_consumer_protocol_assignment assignment;
    json_t *partitions = json_object();
    int version;

    if (bytes.size == 0 || wire_decode_versioned_lenient(&kafka_consumer_protocol_assignment_message, bytes, arena, &assignment, &version, NULL) != OK)
        return partitions;
    for (int32_t i = 0; i < assignment.assigned_partitions.count; i++) {
        json_t *numbers = json_array();

        for (int32_t k = 0; k < assignment.assigned_partitions.items[i].partitions.count; k++)
            json_add(numbers, json_integer(assignment.assigned_partitions.items[i].partitions.items[k]));
        json_put(partitions, arena_copy_string(arena, assignment.assigned_partitions.items[i].topic), numbers);
    }
    return partitions;
}

static json_t *moment_make(int64_t ms)
{
    return ms == 0 ? json_null() : json_integer(ms);
}

static json_t *member_make(struct arena *arena, const struct kafka_describe_groups_response_member *member, const struct broker_member *seen)
{
    struct slice host = member->client_host;

    if (host.size > 0 && host.data[0] == '/')
        host = slice_from(host, 1);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "member", json_slice(member->member_id), "client_id", json_slice(member->client_id), "host", json_slice(host),
                     "software", json_text_or_null(seen == NULL ? NULL : seen->software), "last_poll_ms", moment_make(seen == NULL ? 0 : seen->polled_ms), "last_heartbeat_ms",
                     moment_make(seen == NULL ? 0 : seen->heartbeat_ms), "partitions", assignment_make(arena, member->member_assignment));
}

json_t *group_members_make(const struct members_seen *seen, struct arena *arena, const struct kafka_describe_groups_response_group *described, int32_t *generation)
{
    const char *group = arena_copy_string(arena, described->group_id);
    json_t *members = json_array();

    *generation = -1;
    for (int32_t i = 0; i < described->members.count; i++) {
        const struct kafka_describe_groups_response_member *member = &described->members.items[i];
        const struct broker_member *one = map_get(&seen->by_name, seen_key(arena, group, arena_copy_string(arena, member->member_id)));

        if (one != NULL)
            *generation = one->generation;
        json_add(members, member_make(arena, member, one));
    }
    return members;
}

/* ---- Partitions and their members ---- */

static bool has_partition(const json_t *member, const char *topic, int64_t partition)
{
    const json_t *number;
    size_t index;

    json_array_foreach(json_object_get(json_object_get(member, "partitions"), topic), index, number) {
        if (json_integer_value(number) == partition)
            return true;
    }
    return false;
}

const json_t *group_member_of(const json_t *group, const json_t *partition)
{
    const json_t *member;
    size_t index;

    json_array_foreach(json_object_get(group, "members"), index, member) {
        if (has_partition(member, member_text(partition, "topic"), member_integer(partition, "partition", -1)))
            return member;
    }
    return NULL;
}

void group_members_note(json_t *partitions, const json_t *members)
{
    const json_t *member;
    json_t *item;
    size_t i, n;

    json_array_foreach(partitions, n, item) {
        json_array_foreach(members, i, member) {
            if (has_partition(member, member_text(item, "topic"), member_integer(item, "partition", -1)))
                json_put(item, "member", json_copy(json_object_get(member, "client_id")));
        }
    }
}
