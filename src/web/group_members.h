/*
 * web/group_members.h: the members of a consumer group as the console shows them, with what the broker has seen of each: its software, its
 * last heartbeat, its last poll; and the one to look at when a partition stands.
 */
#ifndef WEB_GROUP_MEMBERS_H
#define WEB_GROUP_MEMBERS_H

#include "base/map.h"
#include "broker/broker.h"
#include "wire/kafka/messages_group.h"

#include <jansson.h>

/* What the broker has seen of all members, in memory of the arena. broker NULL: nothing. */
struct members_seen {
    struct map by_name; /* group NUL member -> struct broker_member */
};
void members_seen_read(struct members_seen *seen, struct broker *broker, struct arena *arena);
void members_seen_finish(struct members_seen *seen);

/* The members as described; a new reference. generation: of the group; -1 not known */
json_t *group_members_make(const struct members_seen *seen, struct arena *arena, const struct kafka_describe_groups_response_group *described, int32_t *generation);

/* Notes beside each partition which member has it. */
void group_members_note(json_t *partitions, const json_t *members);

/* The member that has the partition; NULL: none has. Borrowed. */
const json_t *group_member_of(const json_t *group, const json_t *partition);

#endif
