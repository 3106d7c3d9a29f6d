/* broker/group_internal.h: what group.c (the states) and group_members.c (members, protocols, the record) share. */
#ifndef BROKER_GROUP_INTERNAL_H
#define BROKER_GROUP_INTERNAL_H

#include "broker/group.h"

#define GROUP_TIMEOUT_MS_MAX 1800000 /* more than this comes only from a hostile record */

/* An id handed out with MEMBER_ID_REQUIRED, not yet come back. */
struct pending_member {
    struct slice id;
    int64_t expires_at_ms;
};

struct group {
    const struct group_owner *owner;
    struct slice id;
    enum group_state state;
    int64_t state_since_ms;
    int32_t generation;
    struct slice protocol_type;
    struct slice protocol_name;
    struct slice leader;
    struct group_member **members;
    size_t member_count;
    size_t member_capacity;
    struct pending_member *pending;
    size_t pending_count;
    int64_t join_ends_at_ms;    /* PREPARING: when it goes on without those who are missing */
    int64_t join_delay_left_ms; /* initial rebalance: how much longer it may still be put off */
    bool join_is_initial;
    bool member_added;       /* during this period of the initial delay */
    int64_t sync_ends_at_ms; /* when those who did not sync are removed */
    uint64_t ticket;         /* of the last store */
    uint64_t sync_ticket;    /* 0: no assignment is being stored */
};

/* Text that the group owns; null stays null. */
struct slice group_text_copy(struct slice text);
void group_text_free(struct slice *text);
void group_text_set(struct slice *text, struct slice value);

/* ---- Members ---- */

void group_member_protocols_set(struct group_member *member, const struct group_protocol *protocols, size_t count);
bool group_member_matches(const struct group_member *member, const struct group_protocol *protocols, size_t count);
void group_pending_remove(struct group *group, size_t at);
/* Also of those who have not come back with their id. */
void group_members_clear(struct group *group);
struct group_member *group_member_by_id(const struct group *group, struct slice member_id);
struct group_member *group_member_by_instance(const struct group *group, struct slice instance_id);
bool group_member_leads(const struct group *group, const struct group_member *member);
/* A sign of life. */
void group_member_seen(struct group_member *member, int64_t now_ms);
/* The first one leads, and says what type of protocol it is. */
struct group_member *group_member_add(struct group *group, const struct group_join *join, struct slice id);
/* Its waiters have to be answered before. The next one leads, if it led. */
void group_member_remove(struct group *group, struct group_member *member);

/* ---- Protocols ---- */

/* Could a member with these join? */
bool group_protocols_fit(const struct group *group, struct slice type, const struct group_protocol *protocols, size_t count);
/* The protocol that all support and most like best; null when there are no members. Borrowed from a member. */
struct slice group_protocol_select(const struct group *group);

#endif
