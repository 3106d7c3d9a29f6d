/* tools/groups.h: what admin tools ask of consumer groups. */
#ifndef TOOLS_GROUPS_H
#define TOOLS_GROUPS_H

#include "tools/client.h"
#include "tools/offsets.h"

struct group_listing {
    struct slice id;
    const char *state; /* "Stable" */
    const char *type;  /* "Classic" or "Consumer" */
};

/*
 * All consumer groups of all brokers, in the order of Java's map of them.
 * states, types  only these, by their names; count 0: all
 */
const struct failure *groups_list(struct client *client, struct arena *arena, const char *const *states, size_t state_count,
                                  const char *const *types, size_t type_count, struct group_listing **groups, size_t *count);

struct group_member {
    struct slice id;
    struct slice instance_id; /* data NULL: not static */
    struct slice client_id;
    struct slice host;
    int32_t epoch; /* -1: classic */
    struct topic_partition *assigned;
    size_t assigned_count;
    struct topic_partition *target;
    size_t target_count;
    bool has_target; /* only members of the newer protocol */
};

struct group_description {
    struct slice id;
    const char *state;
    const char *assignor; /* "" when there is none */
    int32_t coordinator;
    const char *coordinator_host;
    int coordinator_port;
    bool has_epochs; /* of the newer protocol */
    int32_t epoch;
    int32_t target_epoch;
    struct group_member *members;
    size_t member_count;
};

/* GroupIdNotFoundException when there is no such group. */
const struct failure *groups_describe(struct client *client, struct arena *arena, struct slice id, struct group_description *group);

struct group_offset {
    struct topic_partition of;
    int64_t offset;
    int32_t leader_epoch; /* -1: unknown */
};

/* All positions that a group has stored. */
const struct failure *groups_offsets(struct client *client, struct arena *arena, struct slice id, struct group_offset **offsets, size_t *count);

/* Stores positions of a group without members. */
const struct failure *groups_commit(struct client *client, struct arena *arena, struct slice id, const struct group_offset *offsets, size_t count);

/* Deletes a group; the failure is the broker's answer. */
const struct failure *groups_delete(struct client *client, struct arena *arena, struct slice id);

/* Deletes positions: *code is of the whole request, codes[] of each partition. */
const struct failure *groups_delete_offsets(struct client *client, struct arena *arena, struct slice id, const struct topic_partition *partitions,
                                            size_t count, int16_t *code, int16_t *codes);

/* "preparingrebalance" and the like as Java's GroupState prints it; NULL when there is no such state. */
const char *group_state_parse(struct slice text);
const char *group_type_parse(struct slice text);

#endif
